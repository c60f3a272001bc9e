//! `WebhookEvent.room_end_reason`: why LiveKit closed a room, as far as it tells how the call ended.

use serde::{Deserialize, Deserializer, Serialize};

/// Why a room was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomEnd {
    /// Nobody was in it any more.
    IdleTimeout,
    /// Its server went down.
    ServerShutdown,
}

impl RoomEnd {
    /// By the name in the protocol's JSON, or in the database; `None` for reasons that tell nothing of the call.
    pub fn named(name: &str) -> Option<RoomEnd> {
        let name = name.to_ascii_uppercase();
        match name.strip_prefix("ROOM_END_").unwrap_or(&name) {
            "IDLE_TIMEOUT" => Some(RoomEnd::IdleTimeout),
            "SERVER_SHUTDOWN" => Some(RoomEnd::ServerShutdown),
            _ => None,
        }
    }

    /// By the protocol's number.
    pub fn numbered(number: i64) -> Option<RoomEnd> {
        match number {
            2 => Some(RoomEnd::IdleTimeout),
            3 => Some(RoomEnd::ServerShutdown),
            _ => None,
        }
    }
}

/// A stored end; one that only a newer version knows is read as `None`.
pub(super) fn if_known<'de, D: Deserializer<'de>>(value: D) -> Result<Option<RoomEnd>, D::Error> {
    let name = Option::<String>::deserialize(value)?;
    Ok(name.as_deref().and_then(RoomEnd::named))
}
