//! Locked columns as `bootstrap` reports and stores them.

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::store::Store;
use livekit_airtable_sim::airtable::Lock;
use serde_json::Value;

use super::UNRECORDED;
use crate::{harness::World, process::run, real::postgres::fresh_database};

#[tokio::test(flavor = "multi_thread")]
async fn bootstraps_json_has_the_locked_columns_of_the_test_row() {
    let world = World::with(&[UNRECORDED]).await;
    assert!(
        world
            .airtable
            .lock_field("Calls", "Transcript", Lock::Locked)
    );
    let settings = world.settings().to_vec();
    let args = ["bootstrap", "--json"];
    let done = run(world.folder.path(), &args, &settings).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let plan: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(plan["ok"], false);
    let steps = plan["steps"].as_array().unwrap();
    let by_hand: Vec<_> = steps.iter().filter(|step| step["sign"] == "!").collect();
    assert_eq!(by_hand.len(), 1, "{plan:#}");
    assert_eq!(by_hand[0]["column"], "Transcript", "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_an_untested_column_stays_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    untested(&format!("sqlite:{}", path.display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_an_untested_column_stays_locked() {
    untested(&fresh_database().await).await;
}

async fn untested(database: &str) {
    let then: Timestamp = "2026-11-10T12:00:00Z".parse().unwrap();
    let now = then + SignedDuration::from_hours(1);
    let store = Store::open(database, then).await.unwrap();
    let table = "app1/Calls";
    let refused = ["Room", "Caller", "Started", "Size"].map(|name| (name.to_owned(), 7));
    store
        .set_refused_columns(table, &refused.into())
        .await
        .unwrap();
    for column in ["Room", "Caller", "Started"] {
        store.lock_column(table, column, then).await.unwrap();
    }
    let (locked, untested) = (["Room".to_owned()], ["Caller".to_owned()]);
    store
        .replace_locked_columns(table, &locked, &untested, now)
        .await
        .unwrap();
    let expected = [("Caller".to_owned(), then), ("Room".to_owned(), now)];
    let locked = store.locked_columns(table).await.unwrap();
    assert_eq!(locked, expected.into());
    let refused = store.refused_columns(table).await.unwrap();
    let refused: Vec<_> = refused.keys().collect();
    assert_eq!(refused, ["Caller", "Room", "Size"], "Started is free again");
}
