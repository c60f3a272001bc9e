//! Egresses of any kind that run: they show that their room is open.

use serde_json::Value;

use super::{egress::status, value::string};
use crate::domain::{EgressStatus, Room};

/// The room of an egress that has neither ended nor begun to end.
pub fn running(info: &Value) -> Option<Room> {
    let runs = status(&info["status"]) < EgressStatus::Ending;
    runs.then(|| Room {
        sid: string(info, &["roomId", "room_id"]).into(),
        name: string(info, &["roomName", "room_name"]).into(),
        ..Room::default()
    })
}
