//! Retries from the pages: what they cost is said before, nothing is sent by a GET, and the audit trail has them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    real::postgres::fresh_database,
};

/// A call whose row Airtable refuses for good.
pub(super) async fn refused_call(world: &World, room: &str) -> String {
    world.refuse_rows().await;
    let call = world.livekit.open_room(room);
    let asked = Instant::now();
    let is_dead = async || {
        let detail = world.get(&format!("/v1/calls/{call}")).await;
        detail.text().await.unwrap().contains("\"dead\"")
    };
    while !is_dead().await {
        assert!(asked.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.repair_airtable().await;
    call
}

async fn audited(world: &World) -> Vec<Value> {
    let page: Value = world.get("/v1/audit?limit=500").await.json().await.unwrap();
    let lines = page["lines"].as_array().unwrap().iter();
    lines
        .filter(|it| it["action"] == "redrive")
        .cloned()
        .collect()
}

async fn retries(world: World) {
    let call = refused_call(&world, "first").await;
    let visitor = world.visitor(API_TOKEN).await;
    let list = visitor.page("/ops?delivery=dead").await;
    assert!(list.contains(&format!("data-call=\"{call}\"")), "{list}");
    assert!(list.contains("the row was rejected"), "the reason: {list}");
    offers_retries(&list, true);
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(page.contains("Retry what is not delivered"), "{page}");
    assert!(!page.contains("Rewrite the row"), "there is none: {page}");
    assert!(page.contains("HTTP 422"), "{page}");

    let asked = visitor.page(&format!("/ops/redrive?call={call}")).await;
    assert!(asked.contains("Retry 1 delivery?"), "{asked}");
    assert!(asked.contains("about 1 request to Airtable"), "{asked}");
    assert!(world.row(&call).await.is_none(), "a page sends nothing");

    let fields = [("call", call.as_str())];
    let refused = visitor
        .send_from("same-origin", "/ops/redrive", &fields)
        .await;
    assert_eq!(refused.status(), 403, "without the form token");
    let foreign = visitor
        .send_from("cross-site", "/ops/redrive", &fields)
        .await;
    assert_eq!(foreign.status(), 403);
    assert!(audited(&world).await.iter().all(|it| it["status"] == 403));

    let done = visitor.send("/ops/redrive", &fields).await;
    assert_eq!(done.status(), 303);
    let location = done.headers()["location"].to_str().unwrap();
    assert_eq!(location, format!("../ops/calls/{call}"));
    world.row_is(&call, "Live").await;
    let lines = audited(&world).await;
    let line = lines.iter().find(|it| it["status"] == 303).unwrap();
    assert_eq!(
        (&line["who"], &line["call_id"]),
        (&json!("token:API_TOKEN"), &json!(call))
    );
    assert_eq!(line["detail"], "pages selected 1 delivery");

    // Airtable has the row a moment before the delivery is done.
    world.processed(&call, "airtable").await;
    let list = visitor.page("/ops").await;
    offers_retries(&list, false);
    assert!(
        list.contains("Nothing to retry: every delivery is done."),
        "{list}"
    );
    let again = visitor.page(&format!("/ops/redrive?call={call}")).await;
    assert!(again.contains("Nothing is outstanding"), "{again}");
    let whole = visitor
        .page(&format!("/ops/redrive?call={call}&whole=1"))
        .await;
    assert!(whole.contains("Rewrite the row completely?"), "{whole}");
    assert!(whole.contains("Rewrite now"), "{whole}");
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(!page.contains("Retry what is not delivered"), "{page}");
    assert!(page.contains("Rewrite the row completely"), "{page}");
    all_matching(&world).await;
}

/// Whether the list has something to select, and a button for it.
fn offers_retries(list: &str, is_offered: bool) {
    let disabled = ["value=\"selected\" disabled", "form=\"selection\" disabled"];
    for one in disabled {
        assert_eq!(!list.contains(one), is_offered, "{one}: {list}");
    }
    assert_eq!(!list.contains("data-all hidden"), is_offered, "{list}");
    assert_eq!(list.contains("data-nothing hidden"), is_offered, "{list}");
}

async fn all_matching(world: &World) {
    let call = refused_call(world, "second").await;
    let visitor = world.visitor(API_TOKEN).await;
    let query = [("all", "1"), ("delivery", "dead"), ("q", "second")];
    let asked = visitor
        .page("/ops/redrive?all=1&delivery=dead&q=second")
        .await;
    assert!(asked.contains("Retry 1 delivery?"), "{asked}");
    let none = visitor
        .page("/ops/redrive?all=1&delivery=dead&q=other")
        .await;
    assert!(none.contains("Nothing is outstanding"), "{none}");
    assert_eq!(visitor.send("/ops/redrive", &query).await.status(), 303);
    world.row_is(&call, "Live").await;
    let empty = visitor.open("/ops/redrive").await;
    assert_eq!(empty.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_asked_for_done_and_audited() {
    let settings = [
        ("RECORD_ON", "manual"),
        ("AIRTABLE_MONTHLY_REQUESTS", "100000"),
    ];
    retries(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_asked_for_done_and_audited_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    retries(World::with(&settings).await).await;
}
