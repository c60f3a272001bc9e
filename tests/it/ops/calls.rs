//! A call's page: every message and attempt, the deliveries as `calls show` has them, words only when asked.

use serde_json::{Value, json};

use super::rows::all_delivered;
use crate::{
    harness::{API_TOKEN, World},
    real::postgres::fresh_database,
};

async fn complete_call(world: &World) -> (String, String) {
    let (call, egress) = world.talk("front").await;
    let report =
        json!({"room_name": "front", "turns": [{"speaker": "agent", "text": "The zebra."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("front");
    world.row_is(&call, "Complete").await;
    // Nothing more comes to its timeline.
    world.all_processed().await;
    all_delivered(world, &call).await;
    (call, egress)
}

/// How often the page has this text.
fn times(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

/// The lines of the audit trail with this action.
async fn audited(world: &World, action: &str) -> Vec<Value> {
    let page: Value = world.get("/v1/audit?limit=500").await.json().await.unwrap();
    let lines = page["lines"].as_array().unwrap().iter();
    lines.filter(|it| it["action"] == action).cloned().collect()
}

async fn has_everything(world: World) {
    let (call, egress) = complete_call(&world).await;
    let visitor = world.visitor(API_TOKEN).await;
    let api: Value = world
        .get(&format!("/v1/calls/{call}"))
        .await
        .json()
        .await
        .unwrap();
    let page = visitor.page(&format!("/ops/calls/{call}")).await;

    for event in [
        "room started",
        "participant joined",
        "egress started",
        "egress ended",
        "room finished",
    ] {
        assert!(page.contains(event), "{event}: {page}");
    }
    assert!(page.contains("report, "), "{page}");
    let attempts = api["deliveries"].as_array().unwrap().iter();
    let attempts: usize = attempts
        .map(|it| it["history"].as_array().unwrap().len())
        .sum();
    assert!(attempts > 3, "{api:#}");
    let (_, timeline) = page.split_once("<table class=\"cards moments\">").unwrap();
    let (timeline, _) = timeline.split_once("</table>").unwrap();
    assert_eq!(
        times(timeline, ">Attempt<") + times(timeline, ">Attempt "),
        attempts
    );
    let times_of: Vec<&str> = timeline.split("datetime=\"").skip(1).collect();
    let times_of: Vec<&str> = times_of
        .iter()
        .map(|it| it.split('"').next().unwrap())
        .collect();
    assert!(times_of.len() > attempts);
    assert!(timeline.contains(" ms"), "gaps: {timeline}");

    for delivery in api["deliveries"].as_array().unwrap() {
        for text in ["sink", "state", "next"] {
            assert!(
                page.contains(delivery[text].as_str().unwrap()),
                "{delivery}"
            );
        }
    }
    assert!(page.contains(&format!("ops/recordings/{egress}")));
    assert!(page.contains("$API_TOKEN") && !page.contains(API_TOKEN));
    let unknown = visitor.open("/ops/calls/RM_none").await;
    assert_eq!(unknown.status(), 404);
    words_are_asked_for(&world, &call, &egress).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_shown_with_the_words_only() {
    let world = World::new().await;
    let (call, _) = world.talk("front").await;
    let items = json!([
        {"type": "message", "role": "assistant", "content": ["Booked."]},
        {"type": "function_call", "call_id": "1", "name": "book_table", "arguments": "{\"day\":\"Monday\"}"},
        {"type": "function_call_output", "call_id": "1", "name": "book_table", "output": "table-7", "is_error": false},
    ]);
    let report = json!({"room": "front", "chat_history": {"items": items}});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world
        .row_where(&call, |row| row.contains_key("Transcript"))
        .await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(
        !page.contains("book_table") && !page.contains("table-7"),
        "{page}"
    );
    let words = visitor.page(&format!("/ops/words/{call}")).await;
    assert!(
        words.contains("<details class=\"tool\"><summary><code>book_table</code>"),
        "{words}"
    );
    assert!(
        words.contains("table-7") && words.contains("Monday"),
        "{words}"
    );
}

async fn words_are_asked_for(world: &World, call: &str, egress: &str) {
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(!page.contains("zebra"), "{page}");
    assert!(page.contains("private veiled"), "the number is hidden");
    assert!(audited(world, "read_words").await.is_empty());
    let words = visitor.page(&format!("/ops/words/{call}")).await;
    assert!(words.contains("The zebra."), "{words}");
    let lines = audited(world, "read_words").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(
        (&lines[0]["who"], &lines[0]["call_id"]),
        (&json!("token:API_TOKEN"), &json!(call))
    );

    let sound = visitor.open(&format!("/ops/recordings/{egress}")).await;
    assert_eq!(sound.status(), 302);
    let url = sound.headers()["location"].to_str().unwrap().to_owned();
    let file = world
        .http
        .get(url)
        .header("range", "bytes=0-99")
        .send()
        .await
        .unwrap();
    assert_eq!(file.status(), 206);
    let lines = audited(world, "listen").await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert_eq!(
        (&lines[0]["call_id"], &lines[0]["egress_id"]),
        (&json!(call), &json!(egress))
    );
    let lines = audited(world, "sign_in").await;
    assert!(
        lines.iter().all(|it| it["who"] == "token:API_TOKEN"),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_everything_that_is_known() {
    has_everything(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_everything_that_is_known_on_postgres() {
    let database = fresh_database().await;
    has_everything(World::with(&[("DATABASE_URL", &database)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_timeline_has_pages() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("long");
    world.row_is(&call, "Live").await;
    for n in 0..700 {
        let event = json!({"event": "track_unpublished", "id": format!("EV_{n}"),
                           "room": {"sid": call, "name": "long"}, "participant": {"sid": "PA_1", "identity": "x"}});
        world.hook(&event).await;
    }
    world.all_processed().await;
    let visitor = world.visitor(API_TOKEN).await;
    let path = format!("/ops/calls/{call}");
    let (mut address, mut found) = (path.clone(), 0);
    for page in 1.. {
        let page_text = visitor.page(&address).await;
        found += times(&page_text, "track unpublished");
        let Some((_, rest)) = page_text.split_once("?after=") else {
            assert_eq!(page, 2);
            break;
        };
        address = format!("{path}?after={}", rest.split('#').next().unwrap());
    }
    assert_eq!(found, 700);
}
