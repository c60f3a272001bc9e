//! The bucket is away when a recording is to be listened to: it is tried again, and the times are corrected then.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AnyConnection, Connection};

use super::{
    File, both, ended_with,
    sound::{is_corrected, report, talk},
    speech::Talk,
    transcript,
};
use crate::{
    harness::{PATIENCE, World, move_clock, moved},
    tcp_gate::Gate,
};

/// Attempts after which it gives up.
const MOST: i64 = 8;

/// The attempts so far, and when the next one is due, in milliseconds; `None`: none is to come.
async fn attempts(world: &World, call: &str) -> Option<(i64, i64)> {
    sqlx::any::install_default_drivers();
    let mut database = AnyConnection::connect(&world.database()).await.unwrap();
    let query = sqlx::query_as("SELECT attempts, due_at FROM alignments WHERE call_id = $1");
    let attempts = query.bind(call).fetch_optional(&mut database).await;
    attempts.unwrap()
}

/// Advances the time from one attempt to the next until there were so many.
async fn until_attempts<const N: usize>(world: &World, call: &str, wanted: Option<i64>) {
    let begun = Instant::now();
    loop {
        let so_far = attempts(world, call).await;
        if so_far.map(|(attempts, _)| attempts) == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "never {wanted:?} attempts");
        // No further than to the next attempt, which may take long to begin on a busy machine.
        let due_at = so_far.map_or(0, |(_, due_at)| due_at);
        let ahead = due_at - moved::<N>().as_millisecond();
        if ahead > 0 {
            move_clock::<N>(ahead / 1000 + 1);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A call whose recording is complete, in front of whose bucket is a gate that was closed before the report came. The time
/// advances with the test only from then on, because LiveKit signs its webhooks by its own clock.
async fn reported_behind<const N: usize>(
    gate: &mut Gate,
    world: &mut World,
    call: &str,
    talk: &Talk,
) {
    world.set("S3_ENDPOINT", &gate.url());
    world.stop().await;
    world.start().await;
    let file = File {
        egress: "one",
        begin: 2.0,
        length: talk.length(),
    };
    ended_with(world, call, &[(file, &talk.mp3())]).await;
    gate.close().await;
    world.restart_on(moved::<N>).await;
    let sent = world.post("/v1/transcripts", &report(call, talk)).await;
    assert_eq!(sent.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_fetched_again_when_the_bucket_is_back() {
    for mut world in both(&[]).await {
        let mut gate = Gate::before(&world.storage.url()).await;
        let (call, talk) = ("RM_away", talk(-3.2));
        reported_behind::<11>(&mut gate, &mut world, call, &talk).await;
        until_attempts::<11>(&world, call, Some(2)).await;
        let read = transcript(&world, call, 10).await;
        let by_the_clock = talk.said.agent[0].0 as f64 / 1e3;
        assert_eq!(read["turns"][0]["start"], by_the_clock, "{read}");
        assert_eq!(read["offset"], Value::Null);
        // A restart does not forget it, and a bucket that answers nothing is away, too.
        world.restart_on(moved::<11>).await;
        gate.stick().await;
        until_attempts::<11>(&world, call, Some(3)).await;
        gate.open().await;
        until_attempts::<11>(&world, call, None).await;
        is_corrected(&world, call, &talk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_stays_away_leaves_the_times_of_the_clocks() {
    let mut world = World::new().await;
    let mut gate = Gate::before(&world.storage.url()).await;
    let (call, talk) = ("RM_gone", talk(1.5));
    reported_behind::<9>(&mut gate, &mut world, call, &talk).await;
    until_attempts::<9>(&world, call, Some(MOST)).await;
    until_attempts::<9>(&world, call, None).await;
    let read = transcript(&world, call, 10).await;
    assert_eq!(
        (&read["offset"], &read["confidence"]),
        (&Value::Null, &0.0.into())
    );
}
