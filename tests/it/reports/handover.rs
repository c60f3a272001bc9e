//! A job that was given the history of another.

use serde_json::{Value, json};

use super::{both, row_has, taken};

fn item(id: &str, role: &str, text: &str) -> Value {
    json!({ "id": id, "type": "message", "role": role, "content": [text] })
}

fn of_job(job: &str, items: &[Value]) -> Value {
    json!({ "job_id": job, "chat_history": { "items": items } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_without_times_that_was_handed_over_is_there_once() {
    let history = [
        item("item_0a01", "assistant", "Reception."),
        item("item_0a02", "user", "A nurse, please."),
        item("item_0a03", "assistant", "One moment."),
    ];
    let words = "Agent: Reception.\nCaller: A nurse, please.\nAgent: One moment.\nAgent: Nurse speaking.\nCaller: Hello.";
    for world in both().await {
        let call = world.livekit.open_room("handed-over");
        world.row_is(&call, "Live").await;
        taken(&world, "handed-over", &of_job("AJ_1", &history), 3).await;
        // Without the greeting, as an agent cuts a history.
        let mut second = history[1..].to_vec();
        second.push(item("item_0b01", "assistant", "Nurse speaking."));
        second.push(item("item_0b02", "user", "Hello."));
        taken(&world, "handed-over", &of_job("AJ_2", &second), 4).await;
        row_has(&world, &call, words).await;
        // The same words with other IDs were said again.
        let third = [item("item_0c01", "assistant", "One moment.")];
        taken(&world, "handed-over", &of_job("AJ_3", &third), 1).await;
        row_has(&world, &call, &format!("{words}\nAgent: One moment.")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_the_first_job_may_come_last() {
    for world in both().await {
        let call = world.livekit.open_room("late-first");
        world.row_is(&call, "Live").await;
        let first = [json!({ "role": "assistant", "content": "Reception." })];
        let second = [
            first[0].clone(),
            json!({ "role": "assistant", "content": "Nurse speaking." }),
        ];
        taken(&world, "late-first", &of_job("AJ_2", &second), 2).await;
        taken(&world, "late-first", &of_job("AJ_1", &first), 1).await;
        row_has(&world, &call, "Agent: Reception.\nAgent: Nurse speaking.").await;
    }
}
