//! AIRTABLE_MONTHLY_REQUESTS: never more, and the rows that matter first.

use jiff::Timestamp;
use livekit_airtable::{domain::Sink, pipeline::Clock, store::After};

use super::{Rig, Settings, clock};

fn limit(monthly_requests: u64, clock: Clock) -> Settings {
    Settings {
        monthly_requests: Some(monthly_requests),
        clock,
        ..Settings::default()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_beyond_the_limit_and_all_flows_when_the_month_turns() {
    let (clock, hands) = clock!("2026-11-30T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let settings = limit(8, clock);
    rig.owe(0..200, true, clock()).await;
    rig.process(settings).drain().await;
    assert_eq!(
        (rig.front.seen().len(), rig.calls().await),
        (8, 70),
        "one is for the schema"
    );
    let paused_sink = rig
        .store
        .paused_sink(Sink::Airtable)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(paused_sink.probe_at, at("2026-12-01T00:00:00Z"));
    for word in ["AIRTABLE_MONTHLY_REQUESTS", "8 requests", "next month"] {
        assert!(paused_sink.error.contains(word), "{}", paused_sink.error);
    }
    let parked = rig.store.probe(Sink::Airtable, clock()).await.unwrap();
    let reported = rig.last_error(79).await;
    assert!(
        parked.is_some() && reported.as_ref() == Some(&paused_sink.error),
        "{reported:?}"
    );
    // Neither a restart nor a command gets one more.
    let process = rig.process(settings);
    process.drain().await;
    let command = rig.client(settings).counted(rig.budget(settings).ledger());
    let error = command.tables().await.unwrap_err().to_string();
    assert!(error.starts_with("AIRTABLE_MONTHLY_REQUESTS: "), "{error}");
    assert_eq!(rig.front.seen().len(), 8);
    hands.set("2026-12-01T00:00:01Z");
    process.drain().await;
    assert_eq!(rig.front.seen().len(), 16, "and no more in December");
    assert_eq!(rig.used(clock()).await, 8);
    assert_eq!(
        rig.calls().await,
        131,
        "the schema, a probe with one row, six full ones"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_limit_and_a_restart_go_on_at_once() {
    let (clock, _) = clock!("2026-11-30T12:00:00Z");
    let rig = Rig::new(0.0).await;
    rig.owe(0..60, true, clock()).await;
    rig.process(limit(3, clock)).drain().await;
    assert_eq!(rig.calls().await, 20);
    rig.process(limit(1000, clock)).drain().await;
    assert_eq!(rig.calls().await, 60);
    assert!(rig.store.paused_sinks().await.unwrap().is_empty());
    assert_eq!(rig.last_error(25).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_month_is_spent_on_full_requests_of_final_rows() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let process = rig.process(limit(100, clock));
    // The pace: 40 of 100 in nine and a half days.
    let base = rig.airtable.base_id();
    for _ in 0..40 {
        let turn = rig.store.turn(&base, After::default(), None, clock());
        turn.await.unwrap().unwrap();
    }
    rig.owe(0..30, false, clock()).await;
    rig.owe(30..47, true, clock()).await;
    process.drain().await;
    assert_eq!(
        rig.calls().await,
        10,
        "ten final rows go at once, seven wait for more, the open calls for their end"
    );
    assert_eq!(rig.front.seen().len(), 2, "the schema and one write");
    rig.owe(47..50, true, clock()).await;
    process.drain().await;
    assert_eq!((rig.calls().await, rig.front.seen().len()), (20, 3));
    rig.owe([50], true, clock()).await;
    hands.set("2026-11-11T11:59:00Z");
    process.drain().await;
    assert_eq!(rig.calls().await, 20);
    hands.set("2026-11-11T12:01:00Z");
    process.drain().await;
    assert_eq!(
        (rig.calls().await, rig.front.seen().len()),
        (21, 4),
        "a day is the longest"
    );
    let rows = rig.rows().await;
    assert!(rows.iter().all(|row| row["Status"] == "No recording"));
    // By the end of the month the rest lasts again, and the open calls get their rows.
    hands.set("2026-11-29T12:00:00Z");
    process.drain().await;
    assert_eq!(rig.calls().await, 51);
}
