//! Several jobs of agents in one room.

use serde_json::{Value, json};

use super::{both, read, report, row_has, taken};
use crate::harness::World;

const START: i64 = 1_763_884_800;

/// A job's report: each turn with its second.
fn of_job(job: &str, at: i64, turns: &[(i64, &str, &str)]) -> Value {
    let item = |(second, role, text): &(i64, &str, &str)| json!({ "type": "message", "role": role, "content": [text], "created_at": START + second });
    let items: Vec<Value> = turns.iter().map(item).collect();
    json!({ "job_id": job, "timestamp": START + at, "chat_history": { "items": items } })
}

const FIRST: [(i64, &str, &str); 3] = [
    (1, "assistant", "Reception."),
    (5, "user", "A nurse, please."),
    (9, "assistant", "One moment."),
];
const SECOND: [(i64, &str, &str); 2] =
    [(20, "assistant", "Nurse speaking."), (25, "user", "Hello.")];
const JOINED: &str = "Agent: Reception.\nCaller: A nurse, please.\nAgent: One moment.\nAgent: Nurse speaking.\nCaller: Hello.";

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_joined_by_time_and_a_report_sent_again_does_not_double() {
    for world in both().await {
        let call = world.livekit.open_room("hand-over");
        world.row_is(&call, "Live").await;
        // The second job's comes first; the first job's comes three times, at last in full.
        taken(&world, "hand-over", &of_job("AJ_2", 30, &SECOND), 2).await;
        taken(&world, "hand-over", &of_job("AJ_1", 6, &FIRST[..2]), 2).await;
        taken(&world, "hand-over", &of_job("AJ_1", 10, &FIRST), 3).await;
        taken(&world, "hand-over", &of_job("AJ_1", 10, &FIRST), 3).await;
        row_has(&world, &call, JOINED).await;
        assert_eq!(read(&world, &call, "txt").await, JOINED);
        // An older report of a job, and one without words, change nothing.
        taken(&world, "hand-over", &of_job("AJ_1", 2, &FIRST[..1]), 1).await;
        taken(&world, "hand-over", &of_job("AJ_2", 40, &[]), 0).await;
        taken(&world, "hand-over", &of_job("AJ_3", 50, &[]), 0).await;
        taken(&world, "hand-over", &of_job("AJ_2", 31, &SECOND), 2).await;
        assert_eq!(read(&world, &call, "txt").await, JOINED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_service_keeps_all_jobs() {
    for mut world in both().await {
        let call = world.livekit.open_room("restarted");
        world.row_is(&call, "Live").await;
        taken(&world, "restarted", &of_job("AJ_1", 10, &FIRST), 3).await;
        taken(&world, "restarted", &of_job("AJ_2", 30, &SECOND), 2).await;
        row_has(&world, &call, JOINED).await;
        world.stop().await;
        world.start().await;
        let third = [(40, "assistant", "Goodbye.")];
        taken(&world, "restarted", &of_job("AJ_3", 41, &third), 1).await;
        row_has(&world, &call, &format!("{JOINED}\nAgent: Goodbye.")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_two_jobs_have_are_there_once() {
    let world = World::new().await;
    let call = world.livekit.open_room("overlap");
    world.row_is(&call, "Live").await;
    taken(&world, "overlap", &of_job("AJ_1", 10, &FIRST), 3).await;
    // The second job was given the conversation of the first, and hears the caller beside it.
    let mut all = FIRST.to_vec();
    all.extend(SECOND);
    taken(&world, "overlap", &of_job("AJ_2", 30, &all), 5).await;
    row_has(&world, &call, JOINED).await;
    let beside = [(26, "user", "Hello."), (35, "assistant", "I listen in.")];
    taken(&world, "overlap", &of_job("AJ_3", 36, &beside), 2).await;
    row_has(&world, &call, &format!("{JOINED}\nAgent: I listen in.")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_job_the_newest_wins_and_an_empty_one_never_does() {
    for world in both().await {
        let call = world.livekit.open_room("no-job");
        world.row_is(&call, "Live").await;
        taken(
            &world,
            "no-job",
            &json!([{ "role": "user", "content": "First." }]),
            1,
        )
        .await;
        taken(
            &world,
            "no-job",
            &json!([{ "role": "user", "content": "Second." }]),
            1,
        )
        .await;
        row_has(&world, &call, "Caller: Second.").await;
        let empty = [
            json!([]),
            json!({ "turns": [] }),
            json!({ "transcript": "" }),
            json!({ "items": [{ "role": "system", "content": "You are Ava." }] }),
        ];
        for body in empty {
            let (status, answer) = report(&world, "?room=no-job", &body).await;
            assert_eq!((status, &answer["turns"]), (202, &json!(0)), "{body}");
        }
        // It says something else, which is taken.
        let summary = json!({ "turns": [], "summary": "Booked." });
        taken(&world, "no-job", &summary, 0).await;
        assert_eq!(read(&world, &call, "txt").await, "Caller: Second.");
        taken(
            &world,
            "no-job",
            &json!({ "chat_history": { "items": [] }, "transcript": "Third." }),
            1,
        )
        .await;
        row_has(&world, &call, "Third.").await;
    }
}
