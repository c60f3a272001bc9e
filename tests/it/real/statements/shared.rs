//! Statements about what processes share, what is purged, and what is wrong.

use std::time::Duration;

use jiff::Timestamp;
use livekit_airtable::{
    domain::Sink,
    store::{After, MessageKind, Setting, Store, Unprocessed},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{folded, now, put, store};
use crate::{inbox::unprocessed, real::postgres::fresh_database};

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
    // A clock that was set back by years neither waits for years nor restarts the count.
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
    let left = store.leases().await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(
        !store.end_lease(&seen[0]).await.unwrap(),
        "its beat is another"
    );
    assert!(store.end_lease(&left[0]).await.unwrap());
    assert_eq!(store.leases().await.unwrap(), []);
    take("a").await;
    store.clear_leases().await.unwrap();
    assert_eq!(store.leases().await.unwrap(), []);
    store.check(now()).await.unwrap();
    assert_eq!(store.get(Setting::Alerts).await.unwrap(), None);
    assert_eq!(
        store
            .get_or_set(Setting::LinkSecret, "first")
            .await
            .unwrap(),
        "first"
    );
    assert_eq!(
        store.get_or_set(Setting::LinkSecret, "next").await.unwrap(),
        "first"
    );
    store.set(Setting::LinkSecret, "third").await.unwrap();
    assert_eq!(
        store.get(Setting::LinkSecret).await.unwrap().as_deref(),
        Some("third")
    );
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
    let store = Store::open(&database, now()).await.unwrap();
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let left = put(&store, MessageKind::Webhook, b"[]").await;
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
    let known = store.complete_before(later).await.unwrap();
    assert_eq!(known.len(), 1);
    store.purge(&known).await.unwrap();
    store.purge(&known).await.unwrap();
    let purged = store.call("RM_1").await.unwrap().unwrap();
    assert_eq!(purged.revision, known[0].revision + 1, "once");
    assert_eq!(store.complete_before(later).await.unwrap().len(), 0);
    assert_eq!(all().await, None);
    assert_eq!(store.processed(&message).await.unwrap(), None, "it is gone");
    let rest = unprocessed(&store, later, 10).await;
    assert_eq!(
        rest[0].as_ref().unwrap().id,
        left,
        "what nobody has read stays"
    );
    assert!(!store.shrink().await.unwrap());
}

#[tokio::test]
async fn what_is_wrong() {
    let database = fresh_database().await;
    let store = Store::open(&database, now()).await.unwrap();
    let message = put(&store, MessageKind::Webhook, b"{}").await;
    folded(&store, &message, 0).await;
    let later = now() + Duration::from_secs(600);
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
    assert_eq!(store.dead().await.unwrap()[0].sink, Sink::Mirror);
    let silence = store.webhook_gap().await.unwrap();
    assert!(silence.last_webhook_at.is_some());
    assert_eq!(silence.live[0].0, "RM_1");
    assert_eq!(
        store.unprocessed_count(later).await.unwrap(),
        Unprocessed {
            count: 0,
            due_since: None
        }
    );
    put(&store, MessageKind::Report, b"{}").await;
    let waiting = store.unprocessed_count(later).await.unwrap();
    let since = waiting.due_since;
    assert!(waiting.count == 1 && since.is_some_and(|since| since <= later));
}

#[tokio::test]
async fn a_clock_that_was_set_back() {
    let database = fresh_database().await;
    let store = Store::open(&database, now()).await.unwrap();
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
    assert_eq!(unprocessed(&store, soon, 10).await.len(), 1);
    let paused_sink = store.paused_sink(Sink::Mirror).await.unwrap().unwrap();
    assert!(paused_sink.probe_at <= soon, "{paused_sink:?}");
    assert!(store.base("app1").await.unwrap().unwrap().turn_at <= soon);
}
