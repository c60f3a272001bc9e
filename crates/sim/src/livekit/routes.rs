//! The Twirp methods.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use livekit_protocol as proto;
use proto::DisconnectReason;
use tokio::time::Instant;

use super::json::{Fields, Json};
use super::request::Start;
use super::token::Refusal;
use super::twirp::{self, Wire};
use super::world::{Server, StartFault};
use super::{messages, request, token};

/// All methods of Egress and RoomService that the stand-in has.
pub(super) fn router() -> Router<Arc<Server>> {
    Router::new().route("/twirp/{service}/{method}", post(call))
}

/// One request in a wire format of Twirp.
struct Call {
    server: Arc<Server>,
    headers: HeaderMap,
    wire: Wire,
    body: Bytes,
}

/// Answers a request for this method of this service.
pub(super) async fn call(
    State(server): State<Arc<Server>>,
    Path((service, method)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(wire) = Wire::of(&headers) else {
        return twirp::bad_route(uri.path());
    };
    let call = Call {
        server,
        headers,
        wire,
        body,
    };
    let answer = match (service.as_str(), method.as_str()) {
        ("livekit.Egress", "StartRoomCompositeEgress") => call.start_room_composite().await,
        ("livekit.Egress", "StartEgress") => call.start_other(Start::egress),
        ("livekit.Egress", "StartTrackEgress") => call.start_other(|it| Ok(Start::track(it))),
        ("livekit.Egress", "StartTrackCompositeEgress") => {
            call.start_other(|it| Ok(Start::track_composite(it)))
        }
        ("livekit.Egress", "StartParticipantEgress") => {
            call.start_other(|it| Ok(Start::participant(it)))
        }
        ("livekit.Egress", "ListEgress") => call.list_egress(),
        ("livekit.Egress", "StopEgress") => call.stop_egress(),
        ("livekit.RoomService", "ListRooms") => call.list_rooms(),
        ("livekit.RoomService", "CreateRoom") => call.create_room(),
        ("livekit.RoomService", "DeleteRoom") => call.delete_room(),
        ("livekit.RoomService", "ListParticipants") => call.list_participants(),
        _ => Ok(twirp::bad_route(uri.path())),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

type Answer = Result<Response, Refusal>;

impl Call {
    async fn start_room_composite(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_record)?;
        let request: proto::RoomCompositeEgressRequest = self.read()?;
        let (arrived, room) = (Instant::now(), request.room_name.clone());
        let fault = self.server.world().faults.pop_front();
        let started = self.start_or_fail(request, fault);
        // Only now, so that whoever waits for the start finds its egress.
        self.server.world().starts.push((arrived, room));
        let info = started?;
        match fault {
            Some(StartFault::LostAnswer) => return Ok(broken_connection()),
            Some(StartFault::Slow(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        Ok(self.wire.answer(&info, messages::egress))
    }

    fn start_or_fail(
        &self,
        request: proto::RoomCompositeEgressRequest,
        fault: Option<StartFault>,
    ) -> Result<proto::EgressInfo, Refusal> {
        match fault {
            Some(StartFault::Unavailable) => Err(request::unavailable().into()),
            Some(StartFault::Unauthorized) => Err(token::refused_by_fault(&self.headers)),
            Some(StartFault::BadRequest) => Err(request::no_output().into()),
            Some(StartFault::LostAnswer | StartFault::Slow(_)) | None => {
                Ok(self.server.start_egress(Start::room_composite(request)?)?)
            }
        }
    }

    /// The starts that this service never asks for.
    fn start_other<M: prost::Message + Default + serde::de::DeserializeOwned>(
        &self,
        start: impl FnOnce(M) -> Result<Start, twirp::Error>,
    ) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_record)?;
        let info = self.server.start_egress(start(self.read()?)?)?;
        Ok(self.wire.answer(&info, messages::egress))
    }

    fn list_egress(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_record)?;
        let request: proto::ListEgressRequest = self.read()?;
        let wanted = |info: &proto::EgressInfo| {
            (request.egress_id.is_empty() || info.egress_id == request.egress_id)
                && (request.room_name.is_empty() || info.room_name == request.room_name)
                && (!request.active || info.status <= proto::EgressStatus::EgressEnding.into())
        };
        let mut world = self.server.world();
        if !request.egress_id.is_empty() && world.egress(&request.egress_id).is_none() {
            return Err(twirp::Error::not_found("egress does not exist").into());
        }
        let infos = world.egresses.iter().map(|egress| egress.info.clone());
        let items: Vec<_> = infos.filter(wanted).collect();
        let listed = proto::ListEgressResponse {
            items,
            next_page_token: None,
        };
        Ok(self.wire.answer(&listed, |listed| {
            let items = listed
                .items
                .iter()
                .map(|info| Json::Message(messages::egress(info)));
            vec![
                ("items", Json::List(items.collect())),
                ("next_page_token", Json::Absent),
            ]
        }))
    }

    fn stop_egress(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_record)?;
        let request: proto::StopEgressRequest = self.read()?;
        let info = self.server.stop_egress(&request.egress_id)?;
        Ok(self.wire.answer(&info, messages::egress))
    }

    fn list_rooms(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_list)?;
        let request: proto::ListRoomsRequest = self.read()?;
        let world = self.server.world();
        let open = world
            .rooms
            .values()
            .filter(|open| request.names.is_empty() || request.names.contains(&open.room.name));
        let listed = proto::ListRoomsResponse {
            rooms: open.map(|open| open.counted()).collect(),
        };
        Ok(self.wire.answer(&listed, |listed| {
            let rooms = listed
                .rooms
                .iter()
                .map(|room| Json::Message(messages::room(room)));
            vec![("rooms", Json::List(rooms.collect()))]
        }))
    }

    fn create_room(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_create)?;
        let request: proto::CreateRoomRequest = self.read()?;
        let given = |seconds: u32| Some(seconds).filter(|seconds| *seconds > 0);
        let (empty, departure) = (
            given(request.empty_timeout),
            given(request.departure_timeout),
        );
        let room = self
            .server
            .open_room(&request.name, &request.metadata, empty, departure);
        self.server.close_if_empty_later(room.clone());
        if let Some(automatic) = request.egress.and_then(|egress| egress.room) {
            self.server.start_automatically(&room.name, automatic);
        }
        Ok(self.wire.answer(&room, messages::room))
    }

    fn delete_room(&self) -> Answer {
        self.server
            .keys
            .check(&self.headers, |video| video.room_create)?;
        let request: proto::DeleteRoomRequest = self.read()?;
        if !self
            .server
            .close_room(&request.room, DisconnectReason::RoomDeleted)
        {
            return Err(twirp::Error::not_found("requested room does not exist").into());
        }
        Ok(self
            .wire
            .answer(&proto::DeleteRoomResponse {}, |_| Fields::new()))
    }

    fn list_participants(&self) -> Answer {
        let request: proto::ListParticipantsRequest = self.read()?;
        self.server.keys.check(&self.headers, |video| {
            video.room_admin && video.room == request.room
        })?;
        let fault = self.server.world().participants_fail;
        if fault {
            return Err(request::unavailable().into());
        }
        let world = self.server.world();
        let people = world
            .rooms
            .get(&request.room)
            .map(|open| open.people.clone());
        let listed = proto::ListParticipantsResponse {
            participants: people.unwrap_or_default(),
        };
        Ok(self.wire.answer(&listed, |listed| {
            let people = listed
                .participants
                .iter()
                .map(|info| Json::Message(messages::participant(info)));
            vec![("participants", Json::List(people.collect()))]
        }))
    }

    fn read<M: prost::Message + Default + serde::de::DeserializeOwned>(
        &self,
    ) -> Result<M, Refusal> {
        Ok(self.wire.read(&self.body)?)
    }
}

fn broken_connection() -> Response {
    let lost = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("the response is lost on purpose"))
    });
    (StatusCode::OK, Body::from_stream(lost)).into_response()
}
