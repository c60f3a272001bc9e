//! An update and its way back under load: the version without migrations, this one, and that one again on the database
//! that this one has upgraded. `tests/run --long` builds the earlier version and names its binary; the ordinary run
//! restarts this one in its place.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    kills::{live, recorded_once, stormy},
    load::{self, Load},
    losses::all_in_rows,
    say, sized,
};
use crate::{
    harness::eventually,
    mirror::Receiver,
    play::{PROGRAM, Serve},
    real::{exported, postgres::fresh_database},
};

/// The binaries in the order in which they run.
fn versions() -> [String; 4] {
    let this = || PROGRAM.to_owned();
    let previous = sized(this as fn() -> String, || exported("TEST_PREVIOUS"));
    [previous(), this(), previous(), this()]
}

/// How many messages a second, and how long one version runs at least.
const RATE: u32 = 60;

/// On a database that the first of the versions creates.
async fn there_and_back(database: Option<String>) {
    let (mirror, url) = Receiver::start(&[]).await;
    let mut world = stormy(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let file = world.folder.path().join("fresh.db");
    let database = database.unwrap_or_else(|| format!("sqlite:{}", file.display()));
    world.set("DATABASE_URL", &database);
    let calls = 0..sized(80, 600);
    load::put_recordings(&world, calls.clone());
    let seconds = calls.len() * load::MESSAGES / RATE as usize;
    let each = Duration::from_secs(seconds as u64) / 5;
    let mut versions = versions().into_iter();
    let mut serve = world.serve_with(&versions.next().unwrap()).await;
    let load = Load::new(world.address.to_string(), RATE);
    let loading = tokio::spawn({
        let calls = calls.clone();
        async move { load.run(calls).await }
    });
    let rooms = sized(6, 40);
    let living = live(world.livekit.clone(), world.address.to_string(), rooms);
    let living = tokio::spawn(living);
    let begun = Instant::now();
    for (n, version) in versions.enumerate() {
        let until = each * (n as u32 + 1);
        tokio::time::sleep(until.saturating_sub(begun.elapsed())).await;
        assert!(!loading.is_finished(), "the load is over too soon");
        ends_well(serve).await;
        serve = world.serve_with(&version).await;
    }
    let tally = loading.await.unwrap();
    let rooms = living.await.unwrap();
    let found = all_in_rows(&world, calls.clone()).await;
    assert_eq!(tally.accepted, calls.len() * load::MESSAGES);
    recorded_once(&world, &rooms).await;
    let reported = eventually(|| {
        let reported = mirror.egresses();
        let all = calls
            .clone()
            .all(|call| reported.contains(&load::egress(call)));
        all.then_some(())
    });
    assert!(reported.await.is_some(), "the mirror did not hear of all");
    ends_well(serve).await;
    // What one version has delivered no other delivers again.
    let ids: Vec<String> = mirror
        .came()
        .iter()
        .map(|(headers, _)| id(headers))
        .collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    say(&format!(
        "accepted {}, refused or cut off meanwhile {}, rows {}, lost {}, doubled {}, sent to the mirror {} of {} recordings",
        tally.accepted,
        tally.failures.len(),
        found.rows,
        found.lost.len(),
        found.doubled,
        ids.len(),
        once.len()
    ));
    assert_eq!(ids.len(), once.len(), "the mirror heard twice");
}

fn id(headers: &axum::http::HeaderMap) -> String {
    headers["webhook-id"].to_str().unwrap().to_owned()
}

async fn ends_well(serve: Serve) {
    let (status, _) = serve.terminate().await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_and_its_way_back_lose_nothing() {
    there_and_back(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_and_its_way_back_lose_nothing_on_postgresql() {
    there_and_back(Some(fresh_database().await)).await;
}
