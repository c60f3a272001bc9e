//! What is read of a webhook before it is stored.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

/// The time and the room of a webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventHead {
    /// Seconds since the epoch; 0 if the body does not say.
    pub created_at: u64,
    /// The sid of the room that it is about; empty if the body does not say.
    pub room_sid: String,
}

impl EventHead {
    /// Of a body, whatever it is.
    pub fn read(body: &[u8]) -> EventHead {
        let event: Event = serde_json::from_slice(body).unwrap_or_default();
        let mut sids = [event.room.sid, event.egress_info.room_id]
            .into_iter()
            .flatten();
        let room_sid = sids.find(|sid| !sid.is_empty());
        EventHead {
            created_at: match &event.created_at {
                Value::String(text) => text.parse().unwrap_or_default(),
                other => other.as_u64().unwrap_or_default(),
            },
            room_sid: room_sid.unwrap_or_default().into_owned(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Event<'a> {
    /// As LiveKit sends it: a string, because it is protobuf's int64 in JSON.
    created_at: Value,
    #[serde(borrow)]
    room: Room<'a>,
    #[serde(borrow)]
    egress_info: EgressInfo<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Room<'a> {
    #[serde(borrow)]
    sid: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct EgressInfo<'a> {
    #[serde(borrow)]
    room_id: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (u64, String) {
        let head = EventHead::read(body.as_bytes());
        (head.created_at, head.room_sid)
    }

    #[test]
    fn any_body_has_a_head() {
        let room =
            r#"{"event": "x", "room": {"sid": "RM_a", "metadata": "{}"}, "createdAt": "17"}"#;
        assert_eq!(read(room), (17, "RM_a".into()));
        let egress = r#"{"egressInfo": {"roomId": "RM_a"}, "room": {"sid": ""}, "createdAt": 17}"#;
        assert_eq!(read(egress), (17, "RM_a".into()));
        assert_eq!(read(r#"{"createdAt": null}"#), (0, String::new()));
        assert_eq!(read("not JSON"), (0, String::new()));
    }
}
