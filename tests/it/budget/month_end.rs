//! A rush near the end of a month: what is left is for final rows.

use jiff::Timestamp;
use livekit_airtable::pipeline::Clock;

use super::{Rig, Settings, clock};
use crate::real::postgres::fresh_database;

fn twenty(clock: Clock) -> Settings {
    Settings {
        monthly_requests: Some(20),
        clock,
        ..Settings::default()
    }
}

async fn on_postgres() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    Rig::on(fresh_database().await, folder, 0.0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_live_rows_of_a_rush_leave_the_requests_to_final_rows() {
    let (clock, hands) = clock!("2026-11-28T12:00:00Z");
    rush(Rig::new(0.0).await, clock, &hands).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_live_rows_of_a_rush_leave_the_requests_to_final_rows() {
    let (clock, hands) = clock!("2026-11-28T12:00:00Z");
    rush(on_postgres().await, clock, &hands).await;
}

/// A hundred calls at once with 20 requests left of 20.
async fn rush(rig: Rig, clock: Clock, hands: &super::Hands) {
    let process = rig.process(twenty(clock));
    rig.owe(0..100, false, clock()).await;
    process.drain().await;
    let spent_live = rig.used(clock()).await;
    assert!(spent_live <= 5, "{spent_live} for rows that are not final");
    hands.forward(600);
    // They end one after the other.
    for n in 0..100 {
        rig.owe([n], true, clock()).await;
        process.drain().await;
    }
    let finals = rig.rows().await.into_iter();
    let finals = finals.filter(|row| row["Status"] == "No recording").count();
    assert_eq!(finals, 100, "every final row is written");
    assert!(rig.used(clock()).await <= 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_month_turns_open_calls_get_their_rows() {
    let (clock, hands) = clock!("2026-11-30T23:50:00Z");
    let rig = Rig::new(0.0).await;
    let settings = Settings {
        monthly_requests: Some(200),
        ..twenty(clock)
    };
    let process = rig.process(settings);
    // All of November's but four are used up.
    let base = rig.airtable.base_id();
    for _ in 0..196 {
        let turn = rig.store.turn(&base, Default::default(), None, clock());
        turn.await.unwrap().unwrap();
    }
    rig.owe(0..10, false, clock()).await;
    rig.owe(10..20, true, clock()).await;
    process.drain().await;
    assert_eq!(rig.calls().await, 10, "the final ones");
    hands.set("2026-12-01T00:00:01Z");
    let start: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    process.drain().await;
    assert!(rig.used(start).await < 20);
    // Twenty calls a day are 620 in December, more than there are requests: full requests only.
    assert_eq!(rig.calls().await, 10, "open calls wait");
    hands.set("2026-12-02T00:00:01Z");
    process.drain().await;
    assert_eq!(rig.calls().await, 20, "nobody has called for a day");
}
