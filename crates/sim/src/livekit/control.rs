//! Requests that LiveKit does not have: people join, speak and leave without WebRTC. E.g.
//!
//! ```text
//! curl -X POST localhost:7880/sim/rooms/call-1/join -d '{"identity": "ava", "kind": "agent"}'
//! curl -X POST localhost:7880/sim/rooms/call-1/join -d '{"identity": "sip_1", "kind": "sip", "attributes": {"sip.phoneNumber": "+15551234567"}}'
//! curl -X POST localhost:7880/sim/rooms/call-1/speak
//! curl -X POST localhost:7880/sim/rooms/call-1/publish -d '{"identity": "sip_1"}'
//! curl -X POST localhost:7880/sim/rooms/call-1/close
//! curl -X POST localhost:7880/sim/egresses/EG_1/fail
//! ```

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use livekit_protocol::DisconnectReason;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::egress::{ABORTED, End, FAILED};
use super::world::{Kind, Person, Server};

/// The routes below `/sim`. They need no token.
pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/sim/rooms/{room}/join", post(join))
        .route("/sim/rooms/{room}/leave", post(leave))
        .route("/sim/rooms/{room}/speak", post(speak))
        .route("/sim/rooms/{room}/publish", post(publish))
        .route("/sim/rooms/{room}/close", post(close))
        .route("/sim/egresses/{egress}/{end}", post(end))
}

type Refusal = (StatusCode, String);

#[derive(Deserialize)]
struct Joining {
    identity: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Leaving {
    identity: String,
}

/// Opens the room first if it is not open, as a real server does.
async fn join(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let joining: Joining = read(&body)?;
    let sid = server.open_room(&room, "", None, None).sid;
    let person = Person {
        identity: joining.identity,
        name: joining.name,
        kind: joining.kind,
        attributes: joining.attributes.into_iter().collect(),
    };
    server.join(&room, person);
    Ok(Json(json!({ "room_id": sid })))
}

async fn leave(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let Leaving { identity } = read(&body)?;
    known(&server, &room)?;
    server.leave(&room, &identity, DisconnectReason::ClientInitiated);
    Ok(StatusCode::OK)
}

/// Somebody publishes sound: the egress of the room becomes ACTIVE, now or when it starts.
async fn speak(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
) -> Result<StatusCode, Refusal> {
    known(&server, &room)?;
    server.speak(&room);
    Ok(StatusCode::OK)
}

/// Somebody publishes a microphone that nothing is heard from yet.
async fn publish(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let Leaving { identity } = read(&body)?;
    known(&server, &room)?;
    server.publish(&room, &identity);
    Ok(StatusCode::OK)
}

/// An egress ends before its room: `fail`, `abort`, `limit`, or `crash`, which only its participant shows.
async fn end(
    State(server): State<Arc<Server>>,
    Path((egress, end)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    if server.world().egress(&egress).is_none() {
        return Err((StatusCode::NOT_FOUND, "no such egress\n".into()));
    }
    match end.as_str() {
        "fail" => server.break_egress(&egress, FAILED),
        "abort" => server.break_egress(&egress, ABORTED),
        "limit" => server.end_egress(&egress, End::LimitReached),
        "crash" => server.crash_egress(&egress),
        _ => {
            return Err((
                StatusCode::NOT_FOUND,
                "fail, abort, limit or crash\n".into(),
            ));
        }
    }
    Ok(StatusCode::OK)
}

async fn close(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
) -> Result<StatusCode, Refusal> {
    known(&server, &room)?;
    server.close_room(&room, DisconnectReason::ClientInitiated);
    Ok(StatusCode::OK)
}

fn known(server: &Server, room: &str) -> Result<(), Refusal> {
    match server.world().rooms.contains_key(room) {
        true => Ok(()),
        false => Err((StatusCode::NOT_FOUND, "no such room is open\n".into())),
    }
}

/// Accepts any content type, as curl sends one of its own.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))
}
