//! Webhooks of several keys: another project's, or a second one of our own.

mod attacks;
mod senders;
mod standing;
mod webhooks_only;

use std::time::Duration;

use jiff::SignedDuration;
use livekit_airtable::{
    pipeline::Job,
    store::{MessageKind, Store},
    telemetry,
};
use livekit_airtable_sim::livekit::{self, LiveKit};
use serde_json::json;

use crate::{
    harness::{KEY, SECRET, World, agent, caller},
    inbox::unprocessed,
    play::{answer, text},
    reconcile::job,
};

const OTHER: (&str, &str) = ("otherkey", "the-other-keys-secret-long-enough");

/// Accepts the other key's webhooks.
fn keys() -> String {
    format!("{}:{}", OTHER.0, OTHER.1)
}

/// Another project, whose webhooks come to the same service.
async fn other_project(world: &World) -> LiveKit {
    let options = livekit::Options {
        api_key: OTHER.0.into(),
        api_secret: OTHER.1.into(),
        webhook_urls: vec![world.url("/webhooks/livekit")],
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    livekit::start(listen, options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_call_is_marked_as_such_and_stays_open() {
    another_projects_call(&[]).await;
}

pub(crate) async fn another_projects_call(more: &[(&str, &str)]) {
    let keys = keys();
    let settings = [&[("LIVEKIT_WEBHOOK_KEYS", keys.as_str())], more].concat();
    let mut world = World::with(&settings).await;
    let other = other_project(&world).await;
    let (ours, _) = world.talk("desk").await;
    let theirs = other.open_room("desk");
    other.join("desk", caller("+15557654321"));
    let reported =
        |row: &serde_json::Map<_, _>| text(row, "Error").contains("another LiveKit project");
    let whole = |row: &serde_json::Map<_, _>| reported(row) && !text(row, "Caller").is_empty();
    let row = world.row_where(&theirs, whole).await;
    assert_eq!(
        (text(&row, "Status"), text(&row, "Caller")),
        ("Live", "+15557654321")
    );
    assert!(text(&row, "Error").contains("otherkey"), "{row:#?}");
    assert!(!text(&row, "Error").contains("no such room"), "{row:#?}");
    assert_eq!(
        world.livekit.starts().len(),
        1,
        "ours is not recorded twice"
    );
    assert!(other.starts().is_empty());
    world.processed(&theirs, "egress").await;

    let quiet = other.open_room("quiet");
    world.row_where(&quiet, reported).await;
    world.stop().await;
    assert_eq!(gone_after(&world, 1).await, [""; 0], "they go on");
    world.start().await;
    other.set_webhook_urls(vec![world.url("/webhooks/livekit")]);
    other.close_room("desk");
    let row = world.row_is(&theirs, "Failed").await;
    assert!(reported(&row), "{row:#?}");
    world.stop().await;
    assert_eq!(
        gone_after(&world, 25).await,
        [quiet],
        "but not for a day; {ours} is listed"
    );
    other.stop();
}

/// Calls that are considered closed after this many hours without events.
async fn gone_after(world: &World, hours: i64) -> Vec<String> {
    let store = Store::open(&world.database(), telemetry::now())
        .await
        .unwrap();
    let later = telemetry::now() + SignedDuration::from_hours(hours);
    let reconcile = job(&store, world.agents_client());
    reconcile.step(later).await.unwrap();
    let messages = unprocessed(&store, later, 100).await;
    store.close().await;
    let found = messages
        .into_iter()
        .map(Result::unwrap)
        .filter(|it| it.kind == MessageKind::Observation);
    found.filter_map(|it| it.call_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_room_is_refused_on_request() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECORD_ON", "manual"),
    ];
    let world = World::with(&settings).await;
    let other = other_project(&world).await;
    let theirs = other.open_room("elsewhere");
    world.row_is(&theirs, "Live").await;
    let wanted = json!({"room_name": "elsewhere"});
    let problem = answer(world.post("/v1/recordings", &wanted).await, 502).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("another LiveKit project"), "{detail}");

    // A room of ours that has the same name is the one that is meant, though it is the older one.
    let ours = world.livekit.open_room("desk");
    world.row_is(&ours, "Live").await;
    let theirs = other.open_room("desk");
    world.row_is(&theirs, "Live").await;
    let wanted = json!({"room_name": "desk"});
    let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(started["room_id"], ours.as_str());
    let again = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(again["egress_id"], started["egress_id"]);
    other.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_of_our_own_project_records_as_before() {
    second_key(&[]).await;
}

pub(crate) async fn second_key(more: &[(&str, &str)]) {
    let keys = keys();
    let settings = [
        &[
            ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
            ("RECONCILE_INTERVAL", "1s"),
        ],
        more,
    ]
    .concat();
    let mut world = World::with(&settings).await;
    world.livekit.sign_webhooks_with(OTHER.0, OTHER.1);
    // LiveKit is asked about the key at the start.
    world.stop().await;
    world.start().await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.speak("desk");
    // Were the list not asked, the room would count as another project's after 10 s, and nothing would start.
    world.starts("desk", 1).await;
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    // An end that no webhook reported is found as usual.
    world.livekit.lose_webhooks(true);
    world.livekit.close_room("desk");
    world
        .row_where(&call, |row| row.contains_key("Ended"))
        .await;
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_livekit_says_nothing_of_is_failed_in_the_end() {
    let keys = format!("{KEY}:{SECRET}");
    let settings = [
        ("LIVEKIT_API_KEY", OTHER.0),
        ("LIVEKIT_API_SECRET", OTHER.1),
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("EGRESS_LOST_AFTER", "2s"),
    ];
    let world = World::with(&settings).await;
    let error_has = |part| move |row: &serde_json::Map<_, _>| text(row, "Error").contains(part);
    let call = world.livekit.open_room("desk");
    let row = world.row_where(&call, error_has("while the call is open"));
    assert_eq!(row.await["Status"], "Live");
    world.livekit.close_room("desk");
    let row = world.row_where(&call, error_has("The call has ended"));
    assert_eq!(row.await["Status"], "Processing");
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Else it would be a quarter of a minute until the next try.
    assert!(world.program(&["redrive"]).status.success());
    let row = world.row_is(&call, "Failed").await;
    let error = text(&row, "Error");
    assert!(
        error.contains("401") && !error.contains("still checks"),
        "{error}"
    );
}
