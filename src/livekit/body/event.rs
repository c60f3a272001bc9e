//! A webhook's body.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    egress::egress,
    participant::{is_audio, participant},
    value::{first, milliseconds, seconds, string, text},
};
use crate::domain::{AgentJob, EventPayload, Room, RoomEnd, as_id, event::Voice};

/// Why a webhook's body cannot be read. Its bytes stay in the inbox.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableWebhook {
    /// The reason has line and column, but nothing of the body. Bodies nested over 128 levels also end up here.
    #[error("the webhook's body is not valid JSON: {0}")]
    Json(String),
    #[error("the webhook's body is not a JSON object")]
    NotAnObject,
}

/// `event` of a webhook, as far as it matters which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventKind {
    RoomFinished,
    ParticipantJoined,
    ParticipantLeft,
    TrackPublished,
    /// Concerns no call.
    Ingress,
    /// Shows that the room is open, also if this version does not know it.
    Other,
}

impl EventKind {
    fn parse(event: &str) -> EventKind {
        match event {
            "room_finished" => EventKind::RoomFinished,
            "participant_joined" => EventKind::ParticipantJoined,
            "participant_left" => EventKind::ParticipantLeft,
            "track_published" => EventKind::TrackPublished,
            event if event.starts_with("ingress_") => EventKind::Ingress,
            _ => EventKind::Other,
        }
    }
}

/// Parses a webhook's body. `received_at` replaces a missing `createdAt`.
pub fn webhook(body: &str, received_at: Timestamp) -> Result<EventPayload, UnreadableWebhook> {
    let body: Value =
        serde_json::from_str(body).map_err(|error| UnreadableWebhook::Json(error.to_string()))?;
    if !body.is_object() {
        return Err(UnreadableWebhook::NotAnObject);
    }
    let at = seconds(&body["createdAt"]).unwrap_or(received_at);
    let job = &body["job"];
    let mut room = room(first(&body, &["room"]).unwrap_or(&job["room"]));
    room.job = AgentJob {
        id: as_id(string(job, &["id"])),
        metadata: string(job, &["metadata"]),
    };
    if let Some(info) = first(&body, &["egressInfo", "egress_info"]) {
        return Ok(egress(info, room));
    }
    if room.sid.is_empty() {
        return Ok(EventPayload::Nothing);
    }
    let kind = EventKind::parse(text(&body["event"]));
    Ok(match kind {
        EventKind::RoomFinished => EventPayload::RoomFinished {
            room,
            at,
            end: first(&body, &["roomEndReason", "room_end_reason"]).and_then(room_end),
        },
        EventKind::ParticipantJoined | EventKind::ParticipantLeft => {
            let mut participant = participant(&body["participant"]);
            let left = kind == EventKind::ParticipantLeft;
            participant.left_at = left.then_some(at);
            EventPayload::Participant {
                room,
                participant,
                at,
            }
        }
        EventKind::TrackPublished if is_audio(&body["track"]) => EventPayload::AudioPublished {
            room,
            voice: Box::new(voice(&body["participant"])),
            at,
        },
        EventKind::Ingress => EventPayload::Nothing,
        EventKind::TrackPublished | EventKind::Other => EventPayload::RoomSeen { room, at },
    })
}

fn room_end(value: &Value) -> Option<RoomEnd> {
    match value.as_i64() {
        Some(number) => RoomEnd::numbered(number),
        None => RoomEnd::named(text(value)),
    }
}

fn voice(value: &Value) -> Voice {
    let participant = participant(value);
    Voice {
        sid: participant.sid.clone(),
        participant: value.get("kind").map(|_| participant),
    }
}

fn room(value: &Value) -> Room {
    let exact = first(value, &["creationTimeMs", "creation_time_ms"]).and_then(milliseconds);
    let whole = || first(value, &["creationTime", "creation_time"]).and_then(seconds);
    Room {
        sid: string(value, &["sid"]).into(),
        name: string(value, &["name"]).into(),
        metadata: string(value, &["metadata"]),
        created_at: exact.or_else(whole),
        ..Room::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EgressStatus;

    #[test]
    fn one_odd_value_does_not_cost_the_event() {
        let body = r#"{"event":"egress_updated","egressInfo":{"egressId":"EG_1","roomId":"RM_1","roomName":null,
            "status":"EGRESS_WHATEVER","fileResults":[{"filename":"a.mp3","size":null}],"new":{"a":[1]}},"createdAt":null}"#;
        let Ok(EventPayload::Egress {
            room, recording, ..
        }) = webhook(body, Timestamp::UNIX_EPOCH)
        else {
            panic!("no egress");
        };
        assert_eq!(
            (room.sid.as_str(), recording.key.as_str()),
            ("RM_1", "a.mp3")
        );
        assert_eq!(recording.status, EgressStatus::Active);
    }

    #[test]
    fn a_time_that_cannot_be_is_no_time() {
        let body = r#"{"event":"room_finished","room":{"sid":"RM_1","creationTimeMs":"253402200000000","creationTime":"253402200000"},
            "createdAt":253402200000}"#;
        let heard = Timestamp::UNIX_EPOCH;
        let Ok(EventPayload::RoomFinished { room, at, .. }) = webhook(body, heard) else {
            panic!("no end");
        };
        assert_eq!((room.created_at, at), (None, heard));
    }
}
