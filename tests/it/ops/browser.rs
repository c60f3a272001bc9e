//! Chromium opens the pages: without a mouse, without JavaScript, in light, in dark and on a phone, and axe-core finds nothing.

use std::path::Path;

use livekit_api::access_token::VideoGrants;
use serde_json::json;

use super::{
    refused::{refused, wrongly_signed},
    retries::refused_call,
};
use crate::{
    harness::{API_TOKEN, KEY, World, token},
    real::{exported, python, run},
};

/// The room of a call whose row is refused. It is not recorded, so that nothing makes its row due once more.
const REFUSED: &str = "call-refused";

/// Calls of all ends, one of them with words and a sound.
async fn calls(world: &World) -> String {
    refused_call(world, REFUSED).await;
    let (complete, _) = world.talk("call-+15551234567").await;
    let turns = json!([{"speaker": "agent", "text": "Hello, this is Ava."}, {"speaker": "caller", "text": "A table for two."}]);
    let report = json!({"room_name": "call-+15551234567", "turns": turns});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("call-+15551234567");
    world.row_is(&complete, "Complete").await;
    let (failed, egress) = world.talk_unheard("call-back").await;
    world
        .ended((&failed, &egress), "EGRESS_FAILED", json!({}))
        .await;
    world.row_is(&failed, "Failed").await;
    let live = world.livekit.open_room("call-live");
    world.row_is(&live, "Live").await;
    refused(world, wrongly_signed(KEY)).await;
    complete
}

async fn opens_the_pages(theme: &str) {
    let rooms = format!("*,!{REFUSED}");
    let world = World::with(&[("RECORD_ROOMS", &rooms)]).await;
    let complete = calls(&world).await;
    let axe = Path::new(&exported("TEST_NODE_MODULES")).join("axe-core/axe.min.js");
    let mut command = python("pages/ops.py");
    let creates = token(VideoGrants {
        room_create: true,
        ..VideoGrants::default()
    });
    command.args([&world.url(""), API_TOKEN, &complete]);
    command
        .args([&world.livekit.url(), &creates, theme])
        .arg(axe);
    let said = run(command, Vec::new()).await;
    assert!(said.contains("fine"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_opened_in_light() {
    opens_the_pages("light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_opened_in_dark() {
    opens_the_pages("dark").await;
}
