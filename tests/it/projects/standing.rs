//! Whose a listed key is: LIVEKIT_URL says so, or it was LIVEKIT_API_KEY before.

use serde_json::{Map, Value, json};

use super::{
    OTHER, keys,
    senders::{both, hook_as, other_hook, post_as, room_event, settled},
};
use crate::{
    harness::{KEY, SECRET, World, caller},
    play::{answer, text},
    real::postgres::fresh_database,
    tcp_gate::Gate,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_livekit_accepts_has_the_power_of_ours() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECORD_ON", "manual"),
    ];
    for mut world in both(&settings).await {
        world.livekit.sign_webhooks_with(OTHER.0, OTHER.1);
        world.stop().await;
        world.start().await;
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let start = json!({ "room_name": "desk" });
        let started = post_as(&world, OTHER, "desk", ("/v1/recordings", &start));
        let started = answer(started.await, 200).await;
        assert_eq!(started["room_id"], call.as_str());
        let stop = format!(
            "/v1/recordings/{}/stop",
            started["egress_id"].as_str().unwrap()
        );
        let stopped = post_as(&world, OTHER, "desk", (&stop, &json!({}))).await;
        answer(stopped, 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_livekit_api_key_keeps_its_power() {
    for mut world in both(&[]).await {
        let before = world.livekit.open_room("before");
        world.row_is(&before, "Live").await;
        world.stop().await;
        // A new key; the old one is deleted.
        world.livekit.sign_webhooks_with(OTHER.0, OTHER.1);
        world.livekit.delete_key(KEY);
        world.set("LIVEKIT_API_KEY", OTHER.0);
        world.set("LIVEKIT_API_SECRET", OTHER.1);
        let forged = "another-secret-of-a-key-with-that-name";
        world.set(
            "LIVEKIT_WEBHOOK_KEYS",
            &format!("{KEY}:{SECRET},{KEY}:{forged}"),
        );
        world.start().await;
        let words = json!({ "turns": [{ "role": "user", "content": "Ours." }] });
        let sent = post_as(&world, (KEY, SECRET), "before", ("/v1/transcripts", &words));
        assert_eq!(answer(sent.await, 202).await["call_id"], before.as_str());
        let named = room_event("room_finished", &before, "before");
        hook_as(&world, (KEY, forged), &named).await;
        settled(&world).await;
        assert_eq!(world.row(&before).await.unwrap()["Status"], "Live");
        hook_as(&world, (KEY, SECRET), &named).await;
        world
            .row_where(&before, |row| row.contains_key("Ended"))
            .await;
    }
}

/// A world whose LiveKit is behind a gate.
async fn gated(database: Option<&str>) -> (World, Gate) {
    let keys = keys();
    let mut settings = vec![("LIVEKIT_WEBHOOK_KEYS", keys.as_str())];
    settings.extend(database.map(|url| ("DATABASE_URL", url)));
    let mut world = World::with(&settings[1..]).await;
    let gate = Gate::before(&world.livekit.url()).await;
    world.stop().await;
    world.set("LIVEKIT_URL", &gate.url());
    world.set("LIVEKIT_WEBHOOK_KEYS", &keys);
    (world, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_wait_until_livekit_says_whose_their_key_is() {
    let database = fresh_database().await;
    for database in [None, Some(database.as_str())] {
        let (mut world, mut gate) = gated(database).await;
        world.livekit.sign_webhooks_with(OTHER.0, OTHER.1);
        gate.close().await;
        world.start().await;
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", caller("+15551234567"));
        // One of LIVEKIT_API_KEY's is processed meanwhile.
        world
            .hook(&room_event("room_started", "RM_known", "known"))
            .await;
        world.row_is("RM_known", "Live").await;
        assert!(world.glance(&call).is_none(), "nobody knows whose it is");
        let words = json!({ "room_id": call, "turns": [{ "role": "user", "content": "Ours." }] });
        let sent = post_as(&world, OTHER, "desk", ("/v1/transcripts", &words));
        assert_eq!(answer(sent.await, 202).await["call_id"], Value::Null);
        let start = json!({ "room_name": "desk" });
        let started = post_as(&world, OTHER, "desk", ("/v1/recordings", &start));
        answer(started.await, 403).await;
        gate.open().await;
        world.starts("desk", 1).await;
        let has_all = |row: &Map<String, Value>| {
            text(row, "Caller") == "+15551234567" && text(row, "Transcript") == "Caller: Ours."
        };
        world.row_where(&call, has_all).await;

        // The answer is stored.
        world.stop().await;
        gate.close().await;
        world.start().await;
        let next = world.livekit.open_room("next");
        let row = world.row_is(&next, "Live").await;
        assert!(
            !text(&row, "Error").contains("another LiveKit project"),
            "{row:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_changes_nothing_of_ours_before_and_after_the_answer() {
    let (mut world, mut gate) = gated(None).await;
    gate.close().await;
    world.start().await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    other_hook(&world, &room_event("room_finished", &call, "desk")).await;
    other_hook(&world, &room_event("room_started", "RM_theirs", "desk")).await;
    settled(&world).await;
    assert!(world.glance("RM_theirs").is_none());
    gate.open().await;
    let row = world.row_where("RM_theirs", |row| {
        text(row, "Error").contains("another LiveKit project")
    });
    row.await;
    assert_eq!(world.row(&call).await.unwrap()["Status"], "Live");
}
