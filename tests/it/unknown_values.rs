//! Rows that a newer version has left: each is an error that names the row and the value, and the others go on.

use livekit_airtable::{
    domain::Sink,
    store::{CallFilter, DeliveryState, Error, InboxMessage, MessageKind, MessageOutcome, Store},
    telemetry::now,
};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};

use crate::{harness::World, real::postgres::fresh_database};

impl World {
    async fn change(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut database = AnyConnection::connect(&self.database()).await.unwrap();
        let sql = sqlx::query(AssertSqlSafe(sql.to_owned()));
        database.execute(sql).await.unwrap();
    }

    /// The first column of a query's only row; `None` while there is no row.
    async fn value(&self, sql: &str) -> Option<String> {
        let mut database = AnyConnection::connect(&self.database()).await.unwrap();
        let sql = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let row = sql.fetch_optional(&mut database).await.unwrap();
        row.and_then(|row| row.get(0))
    }

    /// Waits until a query has a row whose first column is not NULL.
    async fn has_value(&self, sql: &str) -> String {
        for _ in 0..6000 {
            if let Some(value) = self.value(sql).await {
                return value;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("never: {sql}")
    }

    async fn store(&self) -> Store {
        Store::open(&self.database(), now()).await.unwrap()
    }
}

/// Messages of an unknown kind, of an unknown encoding and with broken base64 are set aside with the reason; those behind
/// them are processed, and `replay` gives them to a version that knows them.
async fn messages(settings: &[(&str, &str)]) {
    let mut world = World::with(settings).await;
    world.stop().await;
    let store = world.store().await;
    let room = json!({ "sid": "RM_unknown", "name": "unknown" });
    let event = json!({ "event": "room_started", "id": "EV_1", "room": room }).to_string();
    for id in ["a", "b", "c"] {
        let message = InboxMessage {
            id: id.into(),
            ..InboxMessage::new(MessageKind::Webhook, event.as_str(), now())
        };
        store.put(message).await.unwrap();
    }
    store.close().await;
    world
        .change("UPDATE inbox SET kind = 'telepathy' WHERE id = 'a'")
        .await;
    world
        .change("UPDATE inbox SET encoding = 'zstd' WHERE id = 'b'")
        .await;
    world
        .change("UPDATE inbox SET encoding = 'base64' WHERE id = 'c'")
        .await;
    world.start().await;
    let call = world.livekit.open_room("others");
    world.row_is(&call, "Live").await;
    for (id, error) in [
        (
            "a",
            "message a has kind telepathy, which this version does not know",
        ),
        (
            "b",
            "message b has encoding zstd, which this version does not know",
        ),
        ("c", "message c has body in base64 that cannot be decoded"),
    ] {
        let sql = format!("SELECT error FROM inbox WHERE id = '{id}' AND processed_at IS NOT NULL");
        assert_eq!(world.has_value(&sql).await, error);
        let sql = format!("SELECT outcome FROM inbox WHERE id = '{id}'");
        assert_eq!(world.value(&sql).await.unwrap(), "unreadable");
    }
    assert!(world.row("RM_unknown").await.is_none(), "it is no webhook");
    // What a version that knows them does.
    world
        .change("UPDATE inbox SET kind = 'webhook' WHERE id = 'a'")
        .await;
    let done = world.program(&["replay"]);
    assert!(done.status.success(), "{done:?}");
    world.row_where("RM_unknown", |_| true).await;
    let store = world.store().await;
    let processed = store.processed("a").await.unwrap().unwrap();
    assert_eq!(processed.outcome, Some(MessageOutcome::Applied));
    assert_eq!(processed.error, None);
    store.close().await;
}

/// A delivery in an unknown state is never sent; the others are, and a call's page names it.
async fn deliveries(settings: &[(&str, &str)]) {
    let mut world = World::with(settings).await;
    let call = world.livekit.open_room("frozen");
    world.row_is(&call, "Live").await;
    world.processed(&call, "airtable").await;
    world.stop().await;
    let frozen = format!(
        "UPDATE deliveries SET state = 'frozen', due_at = 0 WHERE call_id = '{call}' AND sink = 'airtable'"
    );
    world.change(&frozen).await;
    world.start().await;
    let before = world.airtable.requests();
    let other = world.livekit.open_room("others");
    world.row_is(&other, "Live").await;
    assert!(world.airtable.requests() > before);
    let state =
        format!("SELECT state FROM deliveries WHERE call_id = '{call}' AND sink = 'airtable'");
    assert_eq!(world.value(&state).await.unwrap(), "frozen");
    let store = world.store().await;
    let named = format!(
        "delivery airtable of call {call} has state frozen, which this version does not know"
    );
    let error = store.deliveries_of(&call).await.unwrap_err();
    assert_eq!(error.to_string(), named);
    let unknown = store.unknown_due(Sink::Airtable, now()).await.unwrap();
    assert_eq!(unknown.unwrap().to_string(), named);
    assert_eq!(store.unknown_due(Sink::Mirror, now()).await.unwrap(), None);
    assert!(matches!(store.depths().await, Err(Error::Unknown(_))));
    store.close().await;
    let shown = world.program(&["calls", "show", &call]);
    assert!(
        String::from_utf8_lossy(&shown.stderr).contains(&named),
        "{shown:?}"
    );
}

/// Unknown sinks, statuses, histories and states of calls are errors that name the row.
async fn others(settings: &[(&str, &str)]) {
    let mut world = World::with(settings).await;
    let call = world.livekit.open_room("odd");
    world.row_is(&call, "Live").await;
    world.processed(&call, "airtable").await;
    world.stop().await;
    let store = world.store().await;
    let odd = format!("WHERE call_id = '{call}' AND sink = 'airtable'");
    let history = format!("UPDATE deliveries SET history = '[[0,\"frozen\",null,null]]' {odd}");
    world.change(&history).await;
    let error = store.deliveries_of(&call).await.unwrap_err().to_string();
    let named = format!("delivery airtable of call {call} has history in JSON");
    assert!(error.starts_with(&named), "{error}");
    world
        .change(&format!(
            "UPDATE deliveries SET history = '[]', sink = 'fax' {odd}"
        ))
        .await;
    let error = store.deliveries_of(&call).await.unwrap_err().to_string();
    let named = format!("a delivery of call {call} has sink fax, which this version does not know");
    assert_eq!(error, named);
    world
        .change(&format!(
            "UPDATE calls SET status = 'odd' WHERE id = '{call}'"
        ))
        .await;
    let error = store.count_calls().await.unwrap_err().to_string();
    assert!(error.contains("status odd, which"), "{error}");
    let filter = CallFilter {
        limit: 1,
        delivery: Some(DeliveryState::Done),
        ..CallFilter::default()
    };
    assert_eq!(store.page(&filter).await.unwrap().calls.len(), 1);
    world
        .change(&format!(
            "UPDATE calls SET state = '{{\"id\":7}}' WHERE id = '{call}'"
        ))
        .await;
    let error = store.call(&call).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("call {call} has state in JSON")),
        "{error}"
    );
    store.close().await;
}

/// A call that only a newer version can read holds back its own messages alone.
async fn calls(settings: &[(&str, &str)]) {
    let mut world = World::with(settings).await;
    let call = world.livekit.open_room("odd");
    world.row_is(&call, "Live").await;
    world.processed(&call, "airtable").await;
    world.stop().await;
    let state = format!("SELECT state FROM calls WHERE id = '{call}'");
    let state = world.value(&state).await.unwrap();
    let odd = format!("UPDATE calls SET state = '7' WHERE id = '{call}'");
    world.change(&odd).await;
    world.start().await;
    let event = json!({ "event": "participant_joined", "id": "EV_odd", "room": { "sid": call, "name": "odd" },
        "participant": { "sid": "PA_1", "identity": "sip_1", "kind": "SIP", "attributes": { "sip.phoneNumber": "+15550001111" } } });
    world.hook(&event).await;
    let other = world.livekit.open_room("others");
    world.row_is(&other, "Live").await;
    let aside = "SELECT error FROM inbox WHERE outcome = 'unreadable'";
    let error = world.has_value(aside).await;
    assert!(
        error.contains(&format!("call {call} has state in JSON")),
        "{error}"
    );
    // The newer version is started again.
    let even = format!(
        "UPDATE calls SET state = '{}' WHERE id = '{call}'",
        state.replace('\'', "''")
    );
    world.change(&even).await;
    let done = world.program(&["replay"]);
    assert!(done.status.success(), "{done:?}");
    let row = world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    assert_eq!(row["Caller"], "+15550001111");
}

macro_rules! on_both_engines {
    ($($test:ident),*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&[]).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let database = super::fresh_database().await;
                super::$test(&[("DATABASE_URL", &database)]).await;
            })*
        }
    };
}

on_both_engines!(messages, deliveries, others, calls);
