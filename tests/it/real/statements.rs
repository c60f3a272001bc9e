//! Every statement of the store, once on PostgreSQL.

use std::time::Duration;

use jiff::Timestamp;
use livekit_airtable::{
    domain::{Call, DueDelivery, Recording, Sink},
    store::{
        After, CallFilter, CallUpdate, DeliveryState, Error, Finish, InboxMessage, MessageKind,
        Processed, Store, Waiting,
    },
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::postgres::fresh_database;

const SINKS: [Sink; 4] = [Sink::Egress, Sink::Storage, Sink::Airtable, Sink::Mirror];

fn now() -> Timestamp {
    livekit_airtable::telemetry::now()
}

async fn store() -> Store {
    Store::open(&fresh_database().await).await.unwrap()
}

/// A call with one recording, owed to every sink, as intake writes it.
async fn folded(store: &Store, message: &str, read_revision: i64) {
    let recording = Recording {
        egress_id: "EG_1".into(),
        ..Recording::default()
    };
    let call = Call {
        id: "RM_1".into(),
        room_name: "room \0 one".into(),
        alive_at: Some(now()),
        recordings: [("EG_1".into(), recording)].into(),
        ..Call::default()
    };
    let part = |sink| match sink {
        Sink::Storage | Sink::Mirror => "EG_1".to_owned(),
        Sink::Egress | Sink::Airtable => String::new(),
    };
    let due_deliveries = SINKS.map(|sink| DueDelivery {
        sink,
        item: part(sink),
    });
    let fold = CallUpdate {
        call,
        read_revision,
        renamed: read_revision == 0,
        due_deliveries: due_deliveries.to_vec(),
    };
    let processed = Processed {
        id: message.into(),
        call_id: Some("RM_1".into()),
        error: None,
    };
    let (folds, processed) = ([fold], [processed]);
    let written = store.commit_fold(&folds, &processed, &[], &SINKS, now());
    written.await.unwrap();
}

async fn put(store: &Store, kind: MessageKind, body: &[u8]) -> String {
    let message = InboxMessage::new(kind, body, now());
    let id = message.id.clone();
    store.put(message).await.unwrap();
    id
}

#[tokio::test]
async fn messages() {
    let store = store().await;
    let bodies: [&[u8]; 4] = [b"{}", b"a\0b", b"\xff\xfe", "🎧".as_bytes()];
    for body in bodies {
        put(&store, MessageKind::Webhook, body).await;
    }
    let unprocessed = store.unprocessed(now(), 100).await.unwrap();
    let read: Vec<&[u8]> = unprocessed
        .iter()
        .map(|message| message.body.as_slice())
        .collect();
    assert_eq!(read, bodies);
    let twice = InboxMessage {
        dedupe: Some("same".into()),
        ..InboxMessage::new(MessageKind::Report, "{}", now())
    };
    store.put(twice.clone()).await.unwrap();
    let again = InboxMessage {
        id: "another".into(),
        ..twice
    };
    store.put(again).await.unwrap();
    assert_eq!(store.unprocessed(now(), 100).await.unwrap().len(), 5);
}

#[tokio::test]
async fn requests_that_wait_for_a_room() {
    let store = store().await;
    let request = put(&store, MessageKind::Request, b"{}").await;
    let until = now() + Duration::from_secs(3600);
    let waiting = [Waiting {
        id: request.clone(),
        room_name: "room".into(),
        until,
    }];
    let waits = store.commit_fold(&[], &[], &waiting, &SINKS, now());
    waits.await.unwrap();
    assert_eq!(store.awaited_rooms().await.unwrap(), ["room"]);
    assert!(store.unprocessed(now(), 10).await.unwrap().is_empty());
    assert_eq!(store.processed(&request).await.unwrap(), None);
    store
        .refuse_requests("room", "no such room", now())
        .await
        .unwrap();
    let processed = store.processed(&request).await.unwrap().unwrap();
    assert_eq!(processed.error.as_deref(), Some("no such room"));
}

#[tokio::test]
async fn calls() {
    let store = store().await;
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 1).await;
    assert_eq!(store.call("RM_1").await.unwrap().unwrap().revision, 2);
    let by_egress = store.call_of_egress("EG_1").await.unwrap();
    assert_eq!(by_egress.unwrap().call.id, "RM_1");
    let known = store.recordings(&["EG_0", "EG_1", "EG_\0"]).await.unwrap();
    assert_eq!(known.into_keys().collect::<Vec<_>>(), ["EG_1"]);
    assert_eq!(store.calls_named("room  one", 5).await.unwrap().len(), 1);
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    assert_eq!(store.count_calls().await.unwrap(), [("live".to_owned(), 1)]);
    let filter = |status: &str, delivery: &str| CallFilter {
        room_name: Some("room  one".into()),
        status: Some(status.into()),
        delivery: Some(delivery.into()),
        limit: 1,
        cursor: None,
    };
    let found = store.page(&filter("live", "pending")).await.unwrap();
    assert_eq!((found.calls.len(), found.next_cursor), (1, None));
    let none = store.page(&filter("live", "dead")).await.unwrap();
    assert!(none.calls.is_empty());
    let after = CallFilter {
        limit: 1,
        cursor: Some("1.RM_1".into()),
        ..CallFilter::default()
    };
    assert!(store.page(&after).await.unwrap().calls.is_empty());
}

#[tokio::test]
async fn deliveries() {
    let store = store().await;
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let soon = now() + Duration::from_secs(5);
    for (sink, state) in SINKS.into_iter().zip([
        DeliveryState::Done,
        DeliveryState::Parked,
        DeliveryState::Dead,
        DeliveryState::Pending,
    ]) {
        let due = store.due(sink, soon, 10).await.unwrap();
        assert_eq!(due.len(), 1, "{sink:?}");
        let (key, sink_state) = (&due[0].key, json!({ "sent_at": 1 }));
        store
            .remember(key, &due[0].sink_state, &sink_state)
            .await
            .unwrap();
        let late = store.remember(key, &due[0].sink_state, &sink_state).await;
        assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
        let finish = Finish {
            state,
            due_at: (state != DeliveryState::Done).then_some(soon),
            error: (state != DeliveryState::Done).then(|| "no".to_owned()),
            sink_state: json!({ "memo": "🎧" }),
            messages: vec![InboxMessage::new(MessageKind::Observation, "{}", now())],
        };
        store.finish(&[(&due[0], finish)], now()).await.unwrap();
    }
    let all = store.deliveries_of("RM_1").await.unwrap();
    let one = |sink| {
        all.iter()
            .find(|delivery| delivery.key.sink == sink)
            .unwrap()
    };
    assert_eq!(
        (one(Sink::Egress).delivered, one(Sink::Egress).due_at),
        (1, None)
    );
    assert_eq!(one(Sink::Storage).last_error.as_deref(), Some("no"));
    assert_eq!(one(Sink::Airtable).sink_state, json!({ "memo": "🎧" }));
    assert_eq!(store.depths().await.unwrap().len(), 3);
    let (soon, sink) = (now() + Duration::from_secs(60), Sink::Storage);
    let parked = store.probe(sink, now()).await.unwrap().unwrap();
    assert_eq!(parked.state, DeliveryState::Parked);
    store.pause_sink(sink, "no\0", soon, now()).await.unwrap();
    store.probe_now(sink, now()).await.unwrap();
    let paused_sink = store.paused_sink(sink).await.unwrap().unwrap();
    assert!(
        paused_sink.probe_at < soon && paused_sink.error == "no",
        "{paused_sink:?}"
    );
    assert_eq!(store.paused_sinks().await.unwrap().len(), 1);
    store.resume_sink(sink, now()).await.unwrap();
    assert!(store.paused_sink(sink).await.unwrap().is_none());
    assert_eq!(store.due(sink, now(), 10).await.unwrap().len(), 1);
    assert_eq!(store.due_final(sink, now(), 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn turns_of_a_base() {
    let store = store().await;
    let second = Duration::from_secs(1);
    let at: Timestamp = "2026-11-30T23:59:00Z".parse().unwrap();
    let after = After {
        last: Some(at),
        own: second,
        others: 2 * second,
    };
    let turn = |limit, now| store.turn("app1", after, limit, now);
    assert!(store.base("app1").await.unwrap().is_none());
    let first = turn(Some(2), at).await.unwrap().unwrap();
    assert_eq!((first.turn_at, first.used(at)), (at, 1));
    let next = turn(Some(2), at).await.unwrap().unwrap();
    assert_eq!((next.turn_at, next.used(at)), (at + second, 2));
    let foreign = store.turn("app1", after, None, at).await.unwrap().unwrap();
    assert_eq!((foreign.turn_at, foreign.used(at)), (at + 3 * second, 3));
    assert!(turn(Some(3), at).await.unwrap().is_none(), "three is all");
    let unlocks = at + 30 * second;
    store.lower("app1", 2.5, unlocks, at).await.unwrap();
    let lowered = turn(None, at).await.unwrap().unwrap();
    assert_eq!(lowered.turn_at, unlocks + 2 * second);
    assert_eq!(lowered.lowered, Some((2.5, at)));
    let december = at + 60 * second;
    assert_eq!(lowered.used(december), 0);
    let turned = turn(Some(2), december).await.unwrap().unwrap();
    assert_eq!((turned.turn_at, turned.used(december)), (december, 1));
    // A clock that was set back by years neither waits for years nor counts anew.
    let year: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let back = turn(Some(2), year).await.unwrap().unwrap();
    assert_eq!((back.turn_at, back.used(year)), (year, 2));
    assert!(turn(Some(2), year).await.unwrap().is_none());
}

#[tokio::test]
async fn leases_and_settings() {
    let store = store().await;
    let later = now() + Duration::from_secs(60);
    let take = async |owner: &str| {
        let jobs = ["intake", "airtable"];
        store.take_free_leases(&jobs, owner, later).await.unwrap();
    };
    take("a").await;
    take("b").await;
    let mut held = store.renew_leases("a", later).await.unwrap();
    held.sort();
    assert_eq!(held, ["airtable", "intake"]);
    assert_eq!(store.renew_leases("b", later).await.unwrap(), [""; 0]);
    let seen = store.leases().await.unwrap();
    assert!(
        seen.iter()
            .all(|lease| lease.owner == "a" && lease.beat == 1)
    );
    let over = async |owner| store.take_over_lease(&seen[0], owner, later).await.unwrap();
    assert!(over("b").await);
    assert!(!over("c").await, "its beat is another now");
    store.release("a").await.unwrap();
    assert_eq!(store.leases().await.unwrap().len(), 1);
    store.clear_leases().await.unwrap();
    assert_eq!(store.leases().await.unwrap(), []);
    store.check(now()).await.unwrap();
    assert_eq!(store.get("none").await.unwrap(), None);
    assert_eq!(store.get_or_set("secret", "first").await.unwrap(), "first");
    assert_eq!(store.get_or_set("secret", "next").await.unwrap(), "first");
    store.set("secret", "third").await.unwrap();
    assert_eq!(store.get("secret").await.unwrap().as_deref(), Some("third"));
}

/// As somebody with `psql`.
async fn execute(database: &str, sql: String) {
    let mut other = PgConnection::connect(database).await.unwrap();
    let sql = sqlx::query(AssertSqlSafe(sql));
    other.execute(sql).await.unwrap();
}

#[tokio::test]
async fn what_was_delivered_long_ago_is_forgotten() {
    let database = fresh_database().await;
    let store = Store::open(&database).await.unwrap();
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let unprocessed = put(&store, MessageKind::Webhook, b"[]").await;
    assert_eq!(store.note_complete(now()).await.unwrap(), 0, "it is live");
    execute(&database, "UPDATE calls SET status = 'complete'".into()).await;
    assert_eq!(store.note_complete(now()).await.unwrap(), 0, "it is owed");
    execute(&database, "UPDATE deliveries SET state = 'done'".into()).await;
    assert_eq!(store.note_complete(now()).await.unwrap(), 1);
    assert_eq!(store.note_complete(now()).await.unwrap(), 0, "no news");
    let later = now() + Duration::from_secs(3600);
    let all = async || store.sweep("", later).await.unwrap();
    assert_eq!(all().await, None);
    let kept = store.processed(&message).await.unwrap();
    assert!(kept.is_some(), "its call has its words yet");
    let known = store.complete_since(later).await.unwrap();
    assert_eq!(known.len(), 1);
    store.purge(&known).await.unwrap();
    store.purge(&known).await.unwrap();
    let purged = store.call("RM_1").await.unwrap().unwrap();
    assert_eq!(purged.revision, known[0].revision + 1, "once");
    assert_eq!(store.complete_since(later).await.unwrap().len(), 0);
    assert_eq!(all().await, None);
    assert_eq!(store.processed(&message).await.unwrap(), None, "it is gone");
    let rest = store.unprocessed(later, 10).await.unwrap();
    assert_eq!(rest[0].id, unprocessed, "what nobody has read stays");
    assert!(!store.shrink().await.unwrap());
}

#[tokio::test]
async fn what_is_wrong() {
    let database = fresh_database().await;
    let store = Store::open(&database).await.unwrap();
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let later = now() + Duration::from_secs(1);
    assert_eq!(store.unrecorded(later).await.unwrap(), [""; 0]);
    let before = now() - Duration::from_secs(60);
    assert_eq!(store.waiting(before, before).await.unwrap(), []);
    let waiting = store.waiting(before, later).await.unwrap();
    let sinks: Vec<&str> = waiting.iter().map(|stuck| stuck.sink.as_str()).collect();
    assert_eq!(sinks, ["airtable", "mirror", "storage"]);
    assert_eq!(
        (waiting[0].count, &waiting[0].calls[..]),
        (1, &["RM_1".to_owned()][..])
    );
    assert_eq!(store.dead().await.unwrap(), []);
    let dead = "UPDATE deliveries SET state = 'dead' WHERE sink = 'mirror'";
    execute(&database, dead.into()).await;
    assert_eq!(store.dead().await.unwrap()[0].sink, "mirror");
    let silence = store.webhook_gap().await.unwrap();
    assert!(silence.last_webhook_at.is_some());
    assert_eq!(silence.live[0].0, "RM_1");
    assert_eq!(store.unprocessed_count(later).await.unwrap(), (0, None));
    put(&store, MessageKind::Report, b"{}").await;
    let (count, since) = store.unprocessed_count(later).await.unwrap();
    assert!(count == 1 && since.is_some_and(|since| since <= later));
}

#[tokio::test]
async fn a_clock_that_was_set_back() {
    let database = fresh_database().await;
    let store = Store::open(&database).await.unwrap();
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    assert_eq!(store.noted_clock().await.unwrap(), None);
    let hour = Duration::from_secs(3600);
    let (now, before) = (now(), now() + hour);
    store.note_clock(before).await.unwrap();
    let noted = store.noted_clock().await.unwrap().unwrap();
    assert_eq!(noted.as_millisecond(), before.as_millisecond());
    let due_at = before.as_millisecond() + 1000;
    execute(
        &database,
        format!("UPDATE deliveries SET due_at = {due_at}"),
    )
    .await;
    put(&store, MessageKind::Webhook, b"[]").await;
    let put_off = format!("UPDATE inbox SET due_at = {due_at} WHERE processed_at IS NULL");
    execute(&database, put_off).await;
    let soon = now + Duration::from_secs(10);
    store
        .pause_sink(Sink::Mirror, "no", before, now)
        .await
        .unwrap();
    let after = After {
        last: None,
        own: hour,
        others: hour,
    };
    store.turn("app1", after, None, before).await.unwrap();
    assert_eq!(store.due(Sink::Airtable, soon, 10).await.unwrap().len(), 0);
    assert_eq!(store.set_back(now, now).await.unwrap(), None);
    let back = store.set_back(noted, now).await.unwrap().unwrap();
    assert!(back.as_secs() >= 3598, "{back}");
    assert_eq!(store.due(Sink::Airtable, soon, 10).await.unwrap().len(), 1);
    assert_eq!(store.unprocessed(soon, 10).await.unwrap().len(), 1);
    let paused_sink = store.paused_sink(Sink::Mirror).await.unwrap().unwrap();
    assert!(paused_sink.probe_at <= soon, "{paused_sink:?}");
    assert!(store.base("app1").await.unwrap().unwrap().turn_at <= soon);
}
