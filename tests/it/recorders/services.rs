//! Two services on one project and bucket, as after a move to another host: each takes the other's egress for a program's.

use std::time::Duration;

use serde_json::{Map, Value};

use super::statuses;
use crate::{
    harness::{PATIENCE, World, agent, caller},
    lists::front::{nothing, world},
    play::text,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_services_goes_on_recording() {
    one_goes_on(Webhooks::Arrive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_services_goes_on_recording_if_lists_alone_tell_of_the_other() {
    one_goes_on(Webhooks::AreLost).await;
}

#[derive(PartialEq)]
enum Webhooks {
    Arrive,
    AreLost,
}

async fn one_goes_on(webhooks: Webhooks) {
    let often = ("RECONCILE_INTERVAL", "1s");
    let (first, front) = world(&[often]).await;
    let (bucket, livekit) = (first.storage.url(), front.url.clone());
    let shared = [("LIVEKIT_URL", livekit.as_str()), ("S3_ENDPOINT", &bucket)];
    let second = World::with(&[&shared[..], &[often]].concat()).await;
    let hooks = [&first, &second].map(|world| world.url("/webhooks/livekit"));
    first.livekit.set_webhook_urls(hooks.to_vec());
    // Neither sees the other's egress before it starts its own.
    front.answer("ListEgress", nothing());
    let call = first.livekit.open_room("desk");
    first.livekit.join("desk", agent());
    first.livekit.join("desk", caller("+15551234567"));
    first.starts("desk", 2).await;
    for world in [&first, &second] {
        let has_own = |row: &Map<String, Value>| row.contains_key("Egress ID");
        world.row_where(&call, has_own).await;
    }
    first.livekit.lose_webhooks(webhooks == Webhooks::AreLost);
    front.tell_the_truth();
    first.livekit.speak("desk");
    let running = settled(&first).await;
    // Longer than the elder waits.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(settled(&first).await, running);
    assert_eq!(first.livekit.starts().len(), 2, "nothing was started again");
    first.livekit.lose_webhooks(false);
    first.livekit.set_recording_length(Duration::from_secs(20));
    first.livekit.close_room("desk");
    for world in [&first, &second] {
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Egress ID"), running);
        // If the younger one went on, the other has some seconds that it lacks.
        let error = text(&row, "Error");
        assert!(error.is_empty() || error.contains("in 2 parts"), "{error}");
    }
}

/// Waits until one egress runs alone; its ID.
async fn settled(world: &World) -> String {
    let wait = async {
        loop {
            let all = statuses(world).await;
            let active = all.iter().filter(|(_, it)| *it == "EGRESS_ACTIVE");
            let active: Vec<String> = active.map(|(id, _)| id.clone()).collect();
            if let [only] = active.as_slice() {
                return only.clone();
            }
            assert!(!active.is_empty(), "nobody records: {all:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}
