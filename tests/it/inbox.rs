//! What the inbox has, and the order in which it is folded.

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{Policy, policy::RecordOn},
    pipeline::{Job, intake::Intake},
    store::{CallRow, CallUpdate, Fold, InboxMessage, MessageKind, Sizes, Store, StoredMessage},
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

/// A change of nothing that lists find it by.
fn change(row: CallRow) -> CallUpdate {
    CallUpdate {
        call: row.call,
        read_revision: row.revision,
        listing: row.listing,
        renamed: false,
        recordings_changed: false,
        due_deliveries: vec![],
    }
}

/// It must not be purged before it is delivered again.
async fn a_call_that_changes_while_it_is_noted_as_complete_is_not_complete(url: &str) {
    let store = Store::open(url, now()).await.unwrap();
    let body = json!({ "event": "room_finished", "room": { "sid": "RM_1", "name": "desk" } });
    let message = InboxMessage::new(MessageKind::Webhook, body.to_string(), now());
    store.put(message).await.unwrap();
    assert!(intake(&store).step(now()).await.unwrap());
    let complete = async || {
        let later = now() + SignedDuration::from_hours(1);
        store.complete_before(later).await.unwrap().len()
    };
    let read = async || store.call("RM_1").await.unwrap().unwrap();
    let before = [change(read().await)];
    assert_eq!(store.note_complete(now()).await.unwrap(), 1);
    assert_eq!(complete().await, 1);
    if let Err(error) = store.commit_fold(Fold::of_calls(&before), &[], now()).await {
        assert!(error.is_conflict(), "{error}");
        assert_eq!(complete().await, 1);
        let again = [change(read().await)];
        let written = store.commit_fold(Fold::of_calls(&again), &[], now());
        written.await.unwrap();
    }
    assert_eq!(complete().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_folds_together_what_waits_together() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name| format!("sqlite:{}", folder.path().join(name).display());
    a_call_is_written_once_for_all_of_its_messages_that_wait(&url("calls.db")).await;
    messages_that_another_has_folded_meanwhile_are_left_alone(&url("others.db")).await;
    let complete = url("complete.db");
    a_call_that_changes_while_it_is_noted_as_complete_is_not_complete(&complete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_folds_together_what_waits_together() {
    a_call_is_written_once_for_all_of_its_messages_that_wait(&fresh_database().await).await;
    messages_that_another_has_folded_meanwhile_are_left_alone(&fresh_database().await).await;
    let complete = fresh_database().await;
    a_call_that_changes_while_it_is_noted_as_complete_is_not_complete(&complete).await;
}
