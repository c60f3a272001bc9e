//! What the inbox has, and the order in which it is folded.

use jiff::Timestamp;
use livekit_airtable::{
    domain::{Policy, policy::RecordOn},
    pipeline::{Job, intake::Intake},
    store::{InboxMessage, MessageKind, Sizes, Store, StoredMessage},
    telemetry::now,
};
use serde_json::json;

use crate::real::postgres::fresh_database;

/// The messages that this process is to process at that time, oldest first.
pub(crate) async fn unprocessed(store: &Store, at: Timestamp, limit: i64) -> Vec<StoredMessage> {
    let due = store.due_messages(Sizes::Others, at, limit).await.unwrap();
    store.messages(&due, at).await.unwrap().0
}

/// More calls than are folded in one transaction.
const CALLS: usize = 300;

/// A store in which each call has three messages, which came in turn with those of the others.
async fn waiting_calls(url: &str) -> Store {
    let store = Store::open(url, now()).await.unwrap();
    let mut messages = Vec::new();
    for identity in ["one", "two", "three"] {
        for n in 0..CALLS {
            let body = json!({
                "event": "participant_joined",
                "room": { "sid": format!("RM_{n}"), "name": format!("desk-{n}") },
                "participant": { "sid": format!("PA_{identity}"), "identity": identity },
            });
            let message = InboxMessage::new(MessageKind::Webhook, body.to_string(), now());
            messages.push(message.about(&format!("RM_{n}")));
        }
    }
    store.put_all(messages).await.unwrap();
    store
}

fn intake(store: &Store) -> Intake {
    Intake {
        store: store.clone(),
        policy: Policy::new(RecordOn::Manual, &[]).unwrap(),
        sinks: vec![],
        listed: Default::default(),
        wake: Default::default(),
    }
}

/// How often each call was written.
async fn revisions(store: &Store) -> Vec<i64> {
    let mut revisions = Vec::new();
    for n in 0..CALLS {
        let call = store.call(&format!("RM_{n}")).await.unwrap().unwrap();
        assert_eq!(call.call.participants.len(), 3, "call {n}");
        revisions.push(call.revision);
    }
    revisions
}

async fn a_call_is_written_once_for_all_of_its_messages_that_wait(url: &str) {
    let store = waiting_calls(url).await;
    let intake = intake(&store);
    while intake.step(now()).await.unwrap() {}
    let revisions = revisions(&store).await;
    let more_than_once = revisions.iter().filter(|revision| **revision > 1).count();
    // One call at the end of each of the three full transactions may go on in the next.
    assert!(more_than_once <= 3, "{more_than_once} of {CALLS}");
}

/// What one has listed, another may fold before it.
async fn messages_that_another_has_folded_meanwhile_are_left_alone(url: &str) {
    let store = waiting_calls(url).await;
    let (one, other) = (intake(&store), intake(&store));
    assert!(one.step(now()).await.unwrap());
    while other.step(now()).await.unwrap() {}
    let before = revisions(&store).await;
    while one.step(now()).await.unwrap() {}
    assert_eq!(revisions(&store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_folds_together_what_waits_together() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name| format!("sqlite:{}", folder.path().join(name).display());
    a_call_is_written_once_for_all_of_its_messages_that_wait(&url("calls.db")).await;
    messages_that_another_has_folded_meanwhile_are_left_alone(&url("others.db")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_folds_together_what_waits_together() {
    a_call_is_written_once_for_all_of_its_messages_that_wait(&fresh_database().await).await;
    messages_that_another_has_folded_meanwhile_are_left_alone(&fresh_database().await).await;
}
