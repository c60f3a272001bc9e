//! Rows that Airtable does not create: which of them wait, what ends that, and how it is found out.

use jiff::Timestamp;
use livekit_airtable::{
    domain::{Sink, budget::Demand},
    pipeline::Clock,
    store::{Delivery, DeliveryState, Setting},
    telemetry,
};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use super::{Process, Rig, Settings, clock};
use crate::real::postgres::fresh_database;

async fn on_postgres() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    Rig::on(fresh_database().await, folder, 0.0).await
}

fn at(clock: Clock) -> Settings {
    Settings {
        clock,
        ..Settings::default()
    }
}

impl Rig {
    async fn delivery(&self, n: usize) -> Delivery {
        let id = format!("RM_{n:05}");
        self.store.deliveries_of(&id).await.unwrap().remove(0)
    }

    /// A process that has written the row of call 0.
    async fn with_a_row(&self, clock: Clock) -> Process {
        let process = self.process(at(clock));
        self.owe([0], true, clock()).await;
        process.drain().await;
        process
    }

    /// Somebody duplicates the row of a call.
    async fn create_twice(&self, n: usize) {
        let url = format!(
            "{}/v0/{}/Calls",
            self.airtable.url(),
            self.airtable.base_id()
        );
        let row = json!({"fields": {"Call ID": format!("RM_{n:05}")}});
        let request = telemetry::http_client().unwrap().post(url);
        let request = request.bearer_auth("patTest");
        let answer = request.json(&json!({"records": [row, row]})).send().await;
        assert_eq!(answer.unwrap().status(), 200);
    }

    fn sent(&self, method: &str) -> usize {
        let seen = self.front.seen();
        seen.iter().filter(|seen| seen.method == method).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_only_refused_creates_are_counted_and_sent_again() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    only_refused_creates(Rig::new(0.0).await, clock, &hands).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_only_refused_creates_are_counted_and_sent_again() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    only_refused_creates(on_postgres().await, clock, &hands).await;
}

async fn only_refused_creates(rig: Rig, clock: Clock, hands: &super::Hands) {
    let process = rig.with_a_row(clock).await;
    rig.create_twice(1).await;
    rig.owe([1], true, clock()).await;
    process.drain().await;
    let twice = rig.delivery(1).await;
    assert_eq!(twice.state, DeliveryState::Parked);
    rig.airtable.limit_records(Some(3));
    rig.owe(2..7, true, clock()).await;
    process.drain().await;
    let parked = rig.store.refused_creates().await.unwrap().unwrap();
    assert_eq!((parked.sink, parked.count), (Sink::Airtable, 5));
    assert_eq!(parked.calls, ["RM_00002", "RM_00003", "RM_00004"]);
    rig.airtable.limit_records(None);
    hands.forward(31);
    process.drain().await;
    for n in 2..7 {
        assert_eq!(rig.delivery(n).await.state, DeliveryState::Done, "{n}");
    }
    let still = rig.delivery(1).await;
    assert_eq!((still.state, still.due_at), (twice.state, twice.due_at));
    assert!(rig.store.refused_creates().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_failed_write_forgets_no_waiting_row() {
    let (clock, _) = clock!("2026-11-10T12:00:00Z");
    let triggers = [
        "CREATE TRIGGER broken BEFORE UPDATE ON deliveries WHEN NEW.state = 'pending' AND OLD.state = 'parked'
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ];
    failed_write(Rig::new(0.0).await, clock, triggers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_failed_write_forgets_no_waiting_row() {
    let (clock, _) = clock!("2026-11-10T12:00:00Z");
    let constraints = [
        "ALTER TABLE deliveries ADD CONSTRAINT broken CHECK (state <> 'pending') NOT VALID",
        "ALTER TABLE deliveries DROP CONSTRAINT broken",
    ];
    failed_write(on_postgres().await, clock, constraints).await;
}

async fn failed_write(rig: Rig, clock: Clock, [broken, repaired]: [&'static str; 2]) {
    let process = rig.with_a_row(clock).await;
    rig.airtable.limit_records(Some(1));
    rig.owe([1, 2], true, clock()).await;
    process.drain().await;
    sqlx::any::install_default_drivers();
    let mut database = AnyConnection::connect(&rig.database_url).await.unwrap();
    let mut run = async |sql| {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        sql.execute(&mut database).await.unwrap();
    };
    run(broken).await;
    assert!(rig.store.creates_work(clock()).await.is_err());
    let error = rig.store.get(Setting::RefusedCreates).await.unwrap();
    assert!(!error.unwrap().is_empty(), "still refused");
    run(repaired).await;
    assert!(rig.store.creates_work(clock()).await.unwrap());
    for n in [1, 2] {
        assert_eq!(rig.delivery(n).await.state, DeliveryState::Pending, "{n}");
    }
    assert!(!rig.store.creates_work(clock()).await.unwrap(), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_only_a_key_is_created_only_if_no_other_row_decides() {
    let (clock, _) = clock!("2026-11-10T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let process = rig.with_a_row(clock).await;
    // The row at fault is sent first or last.
    for (calls, at_fault) in [(1..4, 1), (11..14, 13)] {
        rig.airtable.refuse_text(&format!("room {at_fault}\""));
        rig.owe(calls.clone(), true, clock()).await;
        process.drain().await;
        for n in calls {
            let expected = match n == at_fault {
                true => DeliveryState::Dead,
                false => DeliveryState::Done,
            };
            assert_eq!(rig.delivery(n).await.state, expected, "{n}");
        }
    }
    assert_eq!(rig.sent("DELETE"), 0);
    // All rows at fault, and one by itself.
    for (calls, deleted) in [(20..22, 1), (30..31, 2)] {
        for n in calls.clone() {
            rig.airtable.refuse_text(&format!("room {n}\""));
        }
        rig.owe(calls.clone(), true, clock()).await;
        process.drain().await;
        for n in calls {
            assert_eq!(rig.delivery(n).await.state, DeliveryState::Dead, "{n}");
        }
        assert_eq!(rig.sent("DELETE"), deleted);
    }
    assert_eq!(rig.calls().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_base_without_words_for_it_costs_few_requests() {
    let (clock, hands) = clock!("2026-11-10T12:00:00Z");
    let rig = Rig::new(0.0).await;
    let process = rig.with_a_row(clock).await;
    rig.airtable.limit_records(Some(1));
    let words = "Invalid request: parameter validation failed. Check your request data.";
    rig.airtable.call_full("INVALID_REQUEST_UNKNOWN", words);
    rig.front.forget();
    rig.owe(1..11, true, clock()).await;
    process.drain().await;
    assert!(rig.sent("PATCH") <= 9, "{:#?}", rig.front.seen());
    let parked = rig.store.refused_creates().await.unwrap().unwrap();
    assert_eq!(parked.count, 10);
    rig.airtable.limit_records(None);
    hands.forward(31);
    process.drain().await;
    assert_eq!(rig.calls().await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_rows_are_counted_than_decide() {
    let rig = Rig::new(0.0).await;
    let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
    rig.owe(0..60, false, now).await;
    rig.owe(40..60, true, now).await;
    let counted = rig.store.demand(&Demand::enough(5, now), now).await;
    let expected = Demand {
        open_rows: 6,
        renewals: 0,
        last_hour: 2,
        last_day: 6,
    };
    assert_eq!(counted.unwrap(), expected);
    let counted = rig.store.demand(&Demand::enough(1000, now), now).await;
    let expected = Demand {
        open_rows: 60,
        renewals: 0,
        last_hour: 60,
        last_day: 60,
    };
    assert_eq!(counted.unwrap(), expected);
}
