//! Claims of two processes on one database, on both engines.

use std::{collections::BTreeSet, time::Duration};

use livekit_airtable::{
    domain::Sink,
    store::{AttemptDetails, DeliveryState, Error, Finish, MessageKind, Store},
};
use serde_json::json;

use super::{folded, now, put};
use crate::{inbox::unprocessed, real::postgres::fresh_database};

/// The name of its own lease makes a process alive.
async fn lives(process: &Store) {
    let (name, later) = (process.process(), now() + Duration::from_secs(60));
    process
        .take_free_leases(&[name], name, later)
        .await
        .unwrap();
}

fn done() -> Finish {
    Finish {
        state: DeliveryState::Done,
        tried: true,
        details: AttemptDetails::default(),
        due_at: None,
        error: None,
        sink_state: json!({ "sent_at": 1 }),
        messages: Vec::new(),
    }
}

#[tokio::test]
async fn what_one_process_claims_is_its_own_as_long_as_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("calls.db").display());
    for database in [file, fresh_database().await] {
        let [one, two] = [(), ()].map(|()| Store::open(&database, now()));
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert_ne!(one.process(), two.process());
        lives(&one).await;
        lives(&two).await;
        let message = put(&one, MessageKind::Webhook, b"{}").await;
        folded(&one, &message, 0).await;
        let soon = now() + Duration::from_secs(5);
        let claim =
            async |process: &Store| process.claim_due(Sink::Egress, soon, 10).await.unwrap();
        let claimed = claim(&one).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claim(&one).await.len(), 0, "it is being sent");
        assert_eq!(claim(&two).await.len(), 0, "it is the other's");
        let key = &claimed[0].key;
        let (before, after) = (json!({}), json!({ "sent_at": 1 }));
        let foreign = two.remember(key, &before, &after).await;
        assert!(matches!(foreign, Err(Error::Conflict)), "{foreign:?}");
        two.release_claims(std::slice::from_ref(key)).await.unwrap();
        assert_eq!(claim(&two).await.len(), 0, "no other process gives it back");
        one.remember(key, &before, &after).await.unwrap();
        // The first process is found dead; it is only slow, and nothing that it does counts any more.
        one.release(one.process()).await.unwrap();
        let taken = claim(&two).await;
        assert_eq!(
            taken[0].sink_state, after,
            "when the start was sent is known"
        );
        let late = one.remember(key, &after, &before).await;
        assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
        one.finish(&[(&claimed[0], done())], now()).await.unwrap();
        let pending = two.deliveries_of("RM_1").await.unwrap();
        let pending = pending.iter().find(|it| it.key.sink == Sink::Egress);
        assert_eq!(pending.unwrap().state, DeliveryState::Pending);
        two.release_claims(std::slice::from_ref(key)).await.unwrap();
        let again = claim(&two).await;
        two.finish(&[(&again[0], done())], now()).await.unwrap();
        assert_eq!(claim(&two).await.len(), 0, "it is done");
    }
}

#[tokio::test]
async fn a_message_is_left_to_the_process_that_stored_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("calls.db").display());
    for database in [file, fresh_database().await] {
        let [one, two] = [(), ()].map(|()| Store::open(&database, now()));
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        lives(&one).await;
        put(&one, MessageKind::Webhook, b"{}").await;
        let soon = now() + Duration::from_secs(1);
        let count = async |process: &Store, at| unprocessed(process, at, 10).await.len();
        assert_eq!((count(&one, soon).await, count(&two, soon).await), (1, 0));
        one.release(one.process()).await.unwrap();
        assert_eq!(count(&two, soon).await, 1, "its process is dead");
        lives(&one).await;
        put(&one, MessageKind::Webhook, b"{}").await;
        let later = now() + Duration::from_secs(10);
        assert_eq!(count(&two, later).await, 2, "it was left for too long");
    }
}

#[tokio::test]
async fn what_a_dead_process_left_is_shared_row_by_row() {
    let database = fresh_database().await;
    let [dead, one, two] = [(), (), ()].map(|()| Store::open(&database, now()));
    let (dead, one, two) = (dead.await.unwrap(), one.await.unwrap(), two.await.unwrap());
    lives(&one).await;
    lives(&two).await;
    for _ in 0..60 {
        put(&dead, MessageKind::Webhook, b"{}").await;
    }
    let soon = now() + Duration::from_secs(1);
    let take = async |process: &Store| {
        let read = unprocessed(process, soon, 20).await;
        let ids = read.into_iter().map(|message| message.unwrap().id);
        ids.collect::<BTreeSet<String>>()
    };
    let (ones, twos) = tokio::join!(take(&one), take(&two));
    assert_eq!((ones.len(), twos.len()), (20, 20));
    assert!(ones.is_disjoint(&twos), "both would fold the same messages");
    assert_eq!(
        take(&one).await,
        ones,
        "they are its own until they are processed"
    );
    // They were taken over just now, however long ago they came.
    assert_eq!(take(&two).await, twos);
    let later = soon + Duration::from_secs(10);
    let read = unprocessed(&two, later, 60).await;
    assert_eq!(read.len(), 60, "the first process has left them, too");
}

#[tokio::test]
async fn what_an_earlier_version_claimed_in_a_file_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("calls.db").display());
    let earlier = Store::open(&file, now()).await.unwrap();
    let message = put(&earlier, MessageKind::Webhook, b"{}").await;
    folded(&earlier, &message, 0).await;
    let soon = now() + Duration::from_secs(5);
    let claimed = earlier.claim_due(Sink::Egress, soon, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let store = Store::open(&file, now()).await.unwrap();
    let finish = async || {
        let due = store.due(Sink::Egress, soon, 10).await.unwrap();
        let [due] = due.as_slice() else {
            return false;
        };
        store.finish(&[(due, done())], now()).await.unwrap();
        true
    };
    assert!(finish().await && finish().await, "it is the earlier one's");
    store.forget_claims(Sink::Egress).await.unwrap();
    assert!(finish().await && !finish().await, "it is done");
}

#[tokio::test]
async fn a_write_that_fails_costs_those_beside_it_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("calls.db").display());
    for database in [file, fresh_database().await] {
        let store = Store::open(&database, now()).await.unwrap();
        lives(&store).await;
        let message = put(&store, MessageKind::Webhook, b"{}").await;
        folded(&store, &message, 0).await;
        let soon = now() + Duration::from_secs(5);
        let mut claimed = Vec::new();
        for sink in [Sink::Egress, Sink::Storage, Sink::Mirror] {
            claimed.extend(store.claim_due(sink, soon, 10).await.unwrap());
        }
        let keys: Vec<_> = claimed.into_iter().map(|delivery| delivery.key).collect();
        assert_eq!(keys.len(), 3);
        let (before, other, after) = (json!({}), json!({ "n": 0 }), json!({ "n": 1 }));
        let (one, two, three) = tokio::join!(
            store.remember(&keys[0], &before, &after),
            store.remember(&keys[1], &other, &after),
            store.remember(&keys[2], &before, &after),
        );
        assert!(matches!(two, Err(Error::Conflict)), "{two:?}");
        assert!(one.is_ok() && three.is_ok(), "{one:?} {three:?}");
        let deliveries = store.deliveries_of("RM_1").await.unwrap();
        let memos = keys.iter().map(|key| {
            let delivery = deliveries.iter().find(|it| it.key == *key).unwrap();
            &delivery.sink_state
        });
        assert_eq!(memos.collect::<Vec<_>>(), [&after, &before, &after]);
    }
}
