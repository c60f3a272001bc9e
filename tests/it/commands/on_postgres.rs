//! The same on PostgreSQL.

use super::{backfill, calls, redrive, replay};
use crate::{harness::World, real::postgres::fresh_database};

async fn world() -> World {
    World::with(&[("DATABASE_URL", &fresh_database().await)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_ends_a_park() {
    redrive::ends_a_park(world().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_revives_the_dead() {
    let database = fresh_database().await;
    let settings = [("DATABASE_URL", database.as_str()), ("RECORD_ON", "manual")];
    redrive::revives_the_dead(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_changes_nothing_and_corrects_what_is_wrong() {
    replay::changes_nothing(world().await).await;
    replay::corrects_what_was_stored_wrong(world().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backfill_finds_what_lies_in_the_bucket() {
    backfill::finds_recordings(world().await).await;
}

#[tokio::test]
async fn calls_are_shown() {
    calls::shows_known_calls(&fresh_database().await).await;
}
