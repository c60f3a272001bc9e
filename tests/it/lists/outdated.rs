//! Lists that are outdated in other ways: they have an earlier room of the same name, or rooms without a sid.

use std::time::Duration;

use jiff::SignedDuration;
use livekit_airtable::telemetry;
use livekit_protocol as proto;
use prost::Message;

use super::front::{Answer, nothing, world};
use crate::{
    harness::{World, agent, caller, eventually},
    play::text,
};

/// A list with this room alone.
fn list(sid: &str, opened_before: SignedDuration) -> Answer {
    let opened_at = telemetry::now() - opened_before;
    let room = proto::Room {
        sid: sid.into(),
        name: "desk".into(),
        creation_time: opened_at.as_second(),
        creation_time_ms: opened_at.as_millisecond(),
        ..Default::default()
    };
    let rooms = proto::ListRoomsResponse { rooms: vec![room] };
    (200, "application/protobuf", rooms.encode_to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_an_earlier_room_of_the_name_nor_one_without_a_sid_ends_a_call() {
    for (sid, age) in [("RM_earlier", 3600), ("", 0), ("RM_other", -1)] {
        let settings = [("RECORD_ON", "manual"), ("RECONCILE_INTERVAL", "1s")];
        let (world, front) = world(&settings).await;
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", agent());
        world.livekit.join("desk", caller("+15551234567"));
        let has_caller = |row: &_| !text(row, "Caller").is_empty();
        world.row_where(&call, has_caller).await;
        front.answer("ListRooms", list(sid, SignedDuration::from_secs(age)));
        // Its egress is unknown, and the people of the call are still in the room.
        front.answer("ListEgress", nothing());
        let asked = front.calls("ListRooms");
        // Two lists, ten seconds apart, lack the room.
        tokio::time::sleep(Duration::from_secs(20)).await;
        let confirmed = || (front.calls("ListRooms") >= asked + 3).then_some(());
        assert!(eventually(confirmed).await.is_some());
        assert_eq!(world.row_is(&call, "Live").await["Room"], "desk");
        front.tell_the_truth();
        ends(&world, &call).await;
    }
}

async fn ends(world: &World, call: &str) {
    world.livekit.close_room("desk");
    let row = world.row_is(call, "No recording").await;
    assert_eq!(text(&row, "Error"), "");
}
