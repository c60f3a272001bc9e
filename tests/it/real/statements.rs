//! Every statement of the store, once on PostgreSQL.

use std::time::Duration;

use jiff::Timestamp;
use livekit_airtable::{
    domain::{Call, Claim, DueDelivery, Recording, Sink, Status},
    store::{
        AttemptDetails, CallFilter, CallUpdate, DeliveryState, Error, Finish, Fold, InboxMessage,
        MessageKind, MessageOutcome, Processed, Store, Waiting,
    },
};
use serde_json::json;

use super::postgres::fresh_database;
use crate::inbox::unprocessed;

mod claims;
mod failures;
mod shared;

fn now() -> Timestamp {
    livekit_airtable::telemetry::now()
}

async fn store() -> Store {
    Store::open(&fresh_database().await, now()).await.unwrap()
}

/// A call with one recording and pending deliveries to every sink, as intake writes it.
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
    let due_deliveries = Sink::ALL.map(|sink| DueDelivery {
        sink,
        item: part(sink),
    });
    let fold = CallUpdate {
        call,
        read_revision,
        listing: None,
        renamed: read_revision == 0,
        recordings_changed: true,
        due_deliveries: due_deliveries.to_vec(),
    };
    let processed = Processed::applied(message, Some("RM_1".into()));
    let fold = Fold {
        updates: &[fold],
        processed: &[processed],
        ..Fold::default()
    };
    let written = store.commit_fold(fold, &Sink::ALL, now());
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
    let stored = unprocessed(&store, now(), 100).await;
    let read: Vec<&[u8]> = stored
        .iter()
        .map(|message| message.as_ref().unwrap().body.as_slice())
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
    assert_eq!(unprocessed(&store, now(), 100).await.len(), 5);
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
        report: None,
    }];
    let fold = Fold {
        waiting: &waiting,
        ..Fold::default()
    };
    let waits = store.commit_fold(fold, &Sink::ALL, now());
    waits.await.unwrap();
    assert_eq!(store.awaited_rooms().await.unwrap(), ["room"]);
    assert!(unprocessed(&store, now(), 10).await.is_empty());
    assert_eq!(store.processed(&request).await.unwrap(), None);
    store
        .refuse_requests("room", MessageOutcome::NoRoom, "no such room", now())
        .await
        .unwrap();
    let processed = store.processed(&request).await.unwrap().unwrap();
    assert_eq!(processed.error.as_deref(), Some("no such room"));
    assert_eq!(processed.outcome, Some(MessageOutcome::NoRoom));
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
    assert_eq!(
        store
            .calls_named("room  one", &Claim::Any, 5)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    assert_eq!(store.count_calls().await.unwrap(), [(Status::Live, 1)]);
    let filter = |status: Status, delivery: DeliveryState| CallFilter {
        room_name: Some("room  one".into()),
        status: Some(status),
        delivery: Some(delivery),
        limit: 1,
        cursor: None,
    };
    let found = store
        .page(&filter(Status::Live, DeliveryState::Pending))
        .await
        .unwrap();
    assert_eq!((found.calls.len(), found.next_cursor), (1, None));
    let none = store
        .page(&filter(Status::Live, DeliveryState::Dead))
        .await
        .unwrap();
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
    for (sink, state) in Sink::ALL.into_iter().zip([
        DeliveryState::Done,
        DeliveryState::Parked,
        DeliveryState::Dead,
        DeliveryState::Pending,
    ]) {
        let due = match sink.has_owner() {
            true => store.due(sink, soon, 10).await.unwrap(),
            false => store.claim_due(sink, soon, 10).await.unwrap(),
        };
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
            tried: true,
            details: AttemptDetails::default(),
            due_at: (state != DeliveryState::Done).then_some(soon),
            error: (state != DeliveryState::Done).then(|| "no".to_owned()),
            sink_state: json!({ "memo": "🎧" }),
            messages: vec![InboxMessage::new(MessageKind::Observation, "{}", now())],
        };
        store.finish(&[(&due[0], finish)], now()).await.unwrap();
    }
    they_ended_so(&store).await;
    a_sink_is_paused_and_resumed(&store).await;
}

/// As they were ended.
async fn they_ended_so(store: &Store) {
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
}

async fn a_sink_is_paused_and_resumed(store: &Store) {
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
