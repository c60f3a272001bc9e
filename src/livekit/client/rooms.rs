//! Rooms and participants at LiveKit.

use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use livekit_protocol as proto;

use super::{
    answer::Repeats,
    connection::Client,
    error::{Error, ErrorKind},
    info::participant_form,
    twirp::{Endpoint, TIMEOUT},
};
use crate::domain::{CallId, RoomName};

/// A room that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRoom {
    pub sid: CallId,
    pub name: RoomName,
    pub metadata: String,
    /// Milliseconds since the epoch; whole seconds with older servers.
    pub creation_time_ms: i64,
    /// Without agents and egresses (livekit-server's `IsDependent`); a few seconds old.
    pub num_participants: u32,
}

impl Client {
    /// The open rooms with these names; all open rooms if no name is given.
    pub async fn rooms(&self, names: &[&str]) -> Result<Vec<OpenRoom>, Error> {
        let endpoint = Endpoint {
            service: "RoomService",
            name: "ListRooms",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let grants = VideoGrants {
            room_list: true,
            ..Default::default()
        };
        let request = proto::ListRoomsRequest {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let rooms: proto::ListRoomsResponse = self.twirp.post(endpoint, grants, &request).await?;
        Ok(rooms.rooms.into_iter().map(OpenRoom::from).collect())
    }

    /// Opens a room that closes when nobody was in it for so long; its sid.
    pub async fn create_room(
        &self,
        name: &str,
        metadata: &str,
        empty_for: Duration,
    ) -> Result<CallId, Error> {
        let endpoint = Endpoint {
            service: "RoomService",
            name: "CreateRoom",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let grants = VideoGrants {
            room_create: true,
            ..Default::default()
        };
        let request = proto::CreateRoomRequest {
            name: name.to_owned(),
            metadata: metadata.to_owned(),
            empty_timeout: u32::try_from(empty_for.as_secs()).unwrap_or(u32::MAX),
            ..Default::default()
        };
        let room: proto::Room = self.twirp.post(endpoint, grants, &request).await?;
        Ok(room.sid.into())
    }

    /// Closes a room; one that is not open is no error.
    pub async fn delete_room(&self, name: &str) -> Result<(), Error> {
        let endpoint = Endpoint {
            service: "RoomService",
            name: "DeleteRoom",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let grants = VideoGrants {
            room_create: true,
            ..Default::default()
        };
        let request = proto::DeleteRoomRequest {
            room: name.to_owned(),
        };
        let deleted = self.twirp.post(endpoint, grants, &request).await;
        match deleted {
            Ok(proto::DeleteRoomResponse {}) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The participants of this room, as JSON in the form of LiveKit's webhooks; empty for a room that is not open.
    pub async fn participants(&self, room_name: &str) -> Result<Vec<String>, Error> {
        let endpoint = Endpoint {
            service: "RoomService",
            name: "ListParticipants",
            timeout: TIMEOUT,
            repeats: Repeats::Safe,
        };
        let grants = VideoGrants {
            room_admin: true,
            room: room_name.to_owned(),
            ..Default::default()
        };
        let request = proto::ListParticipantsRequest {
            room: room_name.to_owned(),
        };
        let listed: proto::ListParticipantsResponse =
            self.twirp.post(endpoint, grants, &request).await?;
        let people = listed.participants.iter();
        Ok(people
            .map(|info| participant_form(info).to_string())
            .collect())
    }
}

impl From<proto::Room> for OpenRoom {
    fn from(room: proto::Room) -> Self {
        // Older servers send whole seconds only.
        let creation_time_ms = match room.creation_time_ms {
            0 => room.creation_time.saturating_mul(1000),
            millis => millis,
        };
        Self {
            sid: room.sid.into(),
            name: room.name.into(),
            metadata: room.metadata,
            creation_time_ms,
            num_participants: room.num_participants,
        }
    }
}
