//! How webhooks are signed, tried again and lost.

use base64::Engine;
use livekit_airtable_sim::livekit::Kind;
use livekit_api::access_token::TokenVerifier;
use livekit_protocol as proto;
use sha2::Digest;

use super::world::{KEY, SECRET, person, world};

#[tokio::test]
async fn webhooks_are_signed_over_their_bytes() {
    let world = world().await;
    world.livekit.open_room_with("call", "{\"tenant\":\"ünï\"}");
    let event = world
        .inbox
        .wait(|event| event["event"] == "room_started")
        .await;
    assert_eq!(event["room"]["metadata"], "{\"tenant\":\"ünï\"}");
    let (headers, body) = world.inbox.received.lock().unwrap()[0].clone();
    assert_eq!(headers["content-type"], "application/webhook+json");
    let token = headers["authorization"].to_str().unwrap();
    let claims = TokenVerifier::with_api_key(KEY, SECRET)
        .verify(token)
        .unwrap();
    assert_eq!(claims.exp - claims.nbf, 300);
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&body));
    assert_eq!(claims.sha256, hash);
    // LiveKit's own reader takes it, too.
    serde_json::from_str::<proto::WebhookEvent>(&body).unwrap();
}

#[tokio::test]
async fn webhooks_are_tried_again_on_5xx_in_order_and_can_be_lost() {
    let world = world().await;
    world
        .inbox
        .answers
        .lock()
        .unwrap()
        .extend([(503, "0"), (429, "0"), (404, "0")]);
    world.livekit.open_room("call");
    world
        .livekit
        .join("call", person("ann", Kind::Standard, &[]));
    world
        .inbox
        .wait(|event| event["event"] == "participant_joined")
        .await;
    let events = world.inbox.events();
    assert_eq!(events.len(), 4);
    assert!(
        events[..3]
            .iter()
            .all(|event| event["id"] == events[0]["id"])
    );

    world.livekit.lose_webhooks(true);
    world.livekit.leave("call", "ann");
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("call");
    world
        .inbox
        .wait(|event| event["event"] == "room_finished")
        .await;
    assert!(
        world
            .inbox
            .events()
            .iter()
            .all(|event| event["event"] != "participant_left")
    );
}
