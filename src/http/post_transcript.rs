//! `POST /v1/transcripts`: an agent's report of its session, before, during or after the call.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

use super::{App, auth, error::Problem, wait::wait_for};
use crate::{
    domain::{Room, transcript},
    store::{InboxMessage, MessageKind},
};

/// Bytes of the largest body.
pub(super) const TRANSCRIPT_BYTES: usize = 16 << 20;
/// Bodies of more bytes are stored one at a time.
const LARGE: usize = 1 << 20;

/// How long the answer waits for intake to find the call.
const INTAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// The query: the room, where the body does not name it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RoomQuery {
    room_id: Option<String>,
    room: Option<String>,
    room_name: Option<String>,
}

/// Stores the report; answers 202 with its call, if that is known within a second.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    query: Result<Query<RoomQuery>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Problem> {
    // Before the body is read: without permission it is not even received.
    let bearer = auth::bearer(&app, request.headers())?;
    let Query(query) = query?;
    let is_text = is_text(request.headers());
    let body = Bytes::from_request(request, &app).await;
    let bytes =
        body.map_err(|cut| Problem::no_body(&cut, "a transcript may have at most 16 MiB"))?;
    let parse_permit = app.reading.acquire().await;
    let bytes = if is_text { as_json(bytes) } else { bytes };
    let Read { body, outline } = read(&bytes)?;
    let turns = outline.turns;
    let room = room(outline.room, query, bearer.room());
    if room.sid.is_empty() && room.name.is_empty() {
        return Err(Problem::bad_request(
            "the room is missing: set `room_id`, `room` or `room_name` in the body or the query",
        ));
    }
    let name = room_name(&app, &room, bearer.room()).await?;
    bearer.may_report(&name)?;
    let stored = Stored { room: &room, body };
    let stored =
        serde_json::to_string(&stored).map_err(|_| Problem::bad_request("the body is not JSON"))?;
    // While a large body is written, there are several copies of it. Small ones share a transaction.
    let store_permit = parse_permit.ok().filter(|_| bytes.len() > LARGE);
    drop(bytes);
    let message = InboxMessage::new(MessageKind::Report, stored, (app.clock)());
    let id = message.id.clone();
    app.store.put(message).await.map_err(Problem::not_stored)?;
    drop(store_permit);
    app.wake.intake.notify_one();
    let processed = wait_for(&app, INTAKE_TIMEOUT, || app.store.processed(&id));
    // The report is stored, whether or not its call is known by now.
    let call_id = processed.await.and_then(|s| s.call_id);
    let answer = json!({ "call_id": call_id, "room_name": name, "turns": turns });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Turns plain text into a JSON string. JSON stays as it is: browsers send it as text/plain, too.
fn as_json(body: Bytes) -> Bytes {
    let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    let text = std::str::from_utf8(&body).ok().filter(|_| !is_json);
    let json = text.map(|text| Value::from(text).to_string());
    json.map_or(body, Bytes::from)
}

/// A body that was parsed.
struct Read<'a> {
    body: &'a RawValue,
    outline: transcript::Outline,
}

/// The body of the inbox message.
#[derive(Serialize)]
struct Stored<'a> {
    room: &'a Room,
    body: &'a RawValue,
}

fn read(body: &[u8]) -> Result<Read<'_>, Problem> {
    let wrong = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!(
            "the body is not JSON: error at line {line}, column {column} (send plain text as a JSON string, or with the content type text/plain)"
        ))
    };
    let body: &RawValue = serde_json::from_slice(body).map_err(wrong)?;
    let outline = transcript::outline(body);
    let outline = outline.map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(Read { body, outline })
}

/// The body's room, else the query's, else the token's. Without NUL, as in the body.
fn room(own: Room, query: RoomQuery, token: Option<&str>) -> Room {
    if !own.sid.is_empty() || !own.name.is_empty() {
        return own;
    }
    let sid = query.room_id.filter(|sid| sid.starts_with("RM_"));
    let name = query.room.or(query.room_name);
    let name = match (&sid, name) {
        (None, None) => token.map(str::to_owned),
        (_, name) => name,
    };
    let text = |text: Option<String>| text.unwrap_or_default().replace('\0', "");
    Room {
        sid: text(sid).into(),
        name: text(name).into(),
        ..Room::default()
    }
}

/// The room's name; for a sid alone the known call's, else the token's: the report may arrive before LiveKit's webhook.
async fn room_name(app: &App, room: &Room, token: Option<&str>) -> Result<String, Problem> {
    let call = match room.sid.is_empty() {
        true => None,
        false => app.store.call(&room.sid).await?,
    };
    let known = call.map(|row| row.call.room_name);
    let known = known.filter(|name| !name.is_empty());
    Ok(match (known, room.name.is_empty()) {
        (Some(known), _) => known.into(),
        (None, true) => token.unwrap_or_default().to_owned(),
        (None, false) => room.name.to_string(),
    })
}
