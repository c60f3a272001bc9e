//! A room that LiveKit never lists, although people talk in it.

use std::time::Duration;

use super::front::{Front, nothing, world};
use crate::{
    harness::{agent, caller, eventually},
    play::text,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_recorded_to_its_end() {
    is_recorded(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_recorded_to_its_end_on_postgres() {
    is_recorded(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn is_recorded(settings: &[(&str, &str)]) {
    let often = ("RECONCILE_INTERVAL", "1s");
    let (mut world, front) = world(&[&[often], settings].concat()).await;
    front.answer("ListRooms", nothing());
    let (call, egress) = world.talk("desk").await;
    outlasts_lists(&front).await;
    assert_eq!(world.row_is(&call, "Live").await["Egress ID"], egress);
    // A start that comes late asks LiveKit whether the room is still open.
    world.stop().await;
    let other = world.livekit.open_room("hall");
    tokio::time::sleep(Duration::from_secs(6)).await;
    world.start().await;
    world.livekit.lose_webhooks(true);
    world.livekit.join("hall", agent());
    world.livekit.lose_webhooks(false);
    world.livekit.join("hall", caller("+15557654321"));
    world.starts("hall", 1).await;
    world.livekit.speak("hall");
    outlasts_lists(&front).await;
    for (room, call) in [("desk", &call), ("hall", &other)] {
        assert_eq!(world.row_is(call, "Live").await["Room"], room);
        world.livekit.close_room(room);
        let row = world.row_is(call, "Complete").await;
        assert_eq!(text(&row, "Error"), "");
    }
    assert_eq!(world.livekit.starts().len(), 2);
}

/// Waits until LiveKit was asked long and often enough that a room which two lists lack would be gone.
async fn outlasts_lists(front: &Front) {
    let asked = front.calls("ListRooms");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let often = || (front.calls("ListRooms") >= asked + 3).then_some(());
    assert!(eventually(often).await.is_some());
}
