//! Events that no webhook reported: LiveKit is asked, and the row ends up the same.

use std::time::{Duration, Instant};

use livekit_airtable::{
    domain::{Policy, policy::RecordOn},
    livekit::client,
    pipeline::{Job, intake::Intake, reconcile::Reconcile, requests},
    store::Store,
    telemetry,
};
use serde_json::json;

use crate::{
    harness::{KEY, World, agent, caller},
    play::{answer, text},
};

const OFTEN: (&str, &str) = ("RECONCILE_INTERVAL", "1s");

/// The reconcile job alone, for stepping.
pub(crate) fn job(store: &Store, client: client::Client) -> Reconcile {
    Reconcile::new(
        client,
        store.clone(),
        Default::default(),
        Duration::from_secs(60),
        Duration::from_secs(900),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_webhook_the_row_has_caller_and_agent() {
    nothing_is_heard(&[]).await;
}

/// A call to its end while LiveKit's webhooks are all lost.
pub(crate) async fn nothing_is_heard(more: &[(&str, &str)]) {
    let settings = [&[OFTEN, ("RECORD_ON", "participant_joined")], more].concat();
    let world = World::with(&settings).await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    assert!(world.livekit.starts().is_empty(), "nobody has joined");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    world.livekit.speak("desk");
    world.starts("desk", 1).await;
    let row = world.row_where(&call, |row| {
        row.contains_key("Caller") && row.contains_key("Egress ID")
    });
    let row = row.await;
    assert_eq!(
        (text(&row, "Caller"), text(&row, "Agent")),
        ("+15551234567", "Ava")
    );
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (text(&row, "Caller"), text(&row, "Agent")),
        ("+15551234567", "Ava")
    );
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_joining_alone_was_lost_is_found() {
    let world = World::with(&[OFTEN]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world
        .row_where(&call, |row| row.contains_key("Agent"))
        .await;
    world.livekit.lose_webhooks(true);
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| text(row, "Caller") == "+15551234567")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_joining_alone_was_lost_is_found() {
    let world = World::with(&[OFTEN]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    world.livekit.lose_webhooks(true);
    world.livekit.join("desk", agent());
    world
        .row_where(&call, |row| text(row, "Agent") == "Ava")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_cannot_be_asked_costs_nothing_else_and_is_asked_again() {
    let world = World::with(&[OFTEN]).await;
    world.livekit.lose_webhooks(true);
    world.livekit.fail_participants(true);
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world.livekit.speak("desk");
    let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
    assert_eq!(text(&row.await, "Caller"), "");
    world.livekit.fail_participants(false);
    world
        .row_where(&call, |row| text(row, "Caller") == "+15551234567")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_hears_at_once_that_livekit_refuses_our_key() {
    refused_key(&[]).await;
}

pub(crate) async fn refused_key(more: &[(&str, &str)]) {
    let wrong = (
        "LIVEKIT_API_SECRET",
        "another secret, long enough to be one",
    );
    let world = World::with(&[&[wrong], more].concat()).await;
    world.livekit.lose_webhooks(true);
    world.livekit.open_room("desk");
    let asked = Instant::now();
    let wanted = json!({"room_name": "desk"});
    let problem = answer(world.post("/v1/recordings", &wanted).await, 502).await;
    assert!(asked.elapsed().as_secs() < 15, "{:?}", asked.elapsed());
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("LiveKit rejected the API key (401)"),
        "{detail}"
    );
    assert!(detail.contains("LIVEKIT_API_SECRET"), "{detail}");
    assert!(!detail.contains("eyJ"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_on_while_livekit_is_only_away() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let store = Store::open(&world.database(), telemetry::now())
        .await
        .unwrap();
    let now = telemetry::now();
    let start = requests::start(&store, KEY, "desk", None, now);
    let start = start.await.unwrap();
    let intake = Intake {
        store: store.clone(),
        policy: Policy::new(RecordOn::Manual, &[]).unwrap(),
        sinks: vec![],
        listed: Default::default(),
        wake: Default::default(),
    };
    intake.step(now).await.unwrap();
    world.livekit.stop();
    let away = eventually_away(&job(&store, world.agents_client())).await;
    assert!(away.contains("does not respond"), "{away}");
    assert!(start.outcome(&store).await.unwrap().is_none());
    assert_eq!(store.awaited_rooms().await.unwrap(), ["desk"]);
}

/// The step's error once LiveKit's socket is closed.
async fn eventually_away(job: &Reconcile) -> String {
    for _ in 0..1000 {
        if let Err(error) = job.step(telemetry::now()).await {
            return format!("{error:#}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("LiveKit goes on answering")
}
