//! Replicas on one PostgreSQL: whichever of them sends to Airtable, together they never exceed the rate of one process.

use std::time::Duration;

use livekit_airtable::telemetry::now;

use super::postgres::fresh_database;
use crate::{
    budget::{Rig, front::closest},
    harness::eventually,
    process::Serve,
};

#[tokio::test(flavor = "multi_thread")]
async fn replicas_hand_the_base_over_within_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::on(fresh_database().await, folder, 5.0).await;
    rig.owe(0..300, true, now()).await;
    let settings = rig.environment(&[]);
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let mut first = Serve::start(folders[0].path(), &settings).await;
    let second = Serve::start(folders[1].path(), &settings).await;
    rig.has_requests(8).await;
    assert_eq!(first.stop().await, Some(0));
    let third = Serve::start(folders[2].path(), &settings).await;
    rig.has_requests(16).await;
    // One of the two holds the lease; when it stops, the other takes over.
    drop(second);
    let done = eventually(|| (rig.written() >= 300).then_some(())).await;
    assert!(done.is_some(), "{} rows", rig.written());
    assert_eq!((rig.calls().await, rig.airtable.breaches()), (300, 0));
    let seen = rig.front.seen();
    assert!(closest(&seen, 6) >= Duration::from_secs(1), "{seen:#?}");
    drop(third);
}
