//! The note of calls that are recorded twice, when many are found at once.

use futures_util::future::join_all;
use livekit_airtable::{
    store::{DoubleRecording, Store},
    telemetry,
};

use super::{engines, refs};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_found_in_parallel_are_all_noted() {
    for settings in engines().await {
        let mut world = World::with(&refs(&settings, &[])).await;
        world.stop().await;
        let now = telemetry::now();
        let store = Store::open(&world.database(), now).await.unwrap();
        let doubles: Vec<_> = (0..64)
            .map(|n| DoubleRecording {
                call_id: format!("RM_{n}"),
                started_by: "agent \"Ava\"".into(),
            })
            .collect();
        let notes = doubles.iter().chain(&doubles);
        let notes = notes.map(|double| store.note_double_recording(double, now));
        for noted in join_all(notes).await {
            noted.unwrap();
        }
        assert_eq!(store.double_recordings(now).await.unwrap().len(), 64);
        store.close().await;
    }
}
