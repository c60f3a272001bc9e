//! `POST /v1/transcripts`: an agent's report of its session, before, during or after the call.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{App, auth, error::Problem, readable, report_room, wait::wait_for};
use crate::{
    domain::{Call, Room, transcript},
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
    let headers = request.headers().clone();
    let sent_query = request.uri().query().map(str::to_owned);
    let body = Bytes::from_request(request, &app).await;
    let bytes =
        body.map_err(|cut| Problem::no_body(&cut, "a transcript may have at most 16 MiB"))?;
    let parse_permit = app.reading.acquire().await;
    let text = readable::text(&headers, bytes, TRANSCRIPT_BYTES)?;
    let text = as_json(text, is_text(&headers));
    let Read { body, mut outline } = read(&text)?;
    let own = std::mem::take(&mut outline.room);
    let mut room = room(own, query, bearer.room());
    if room.sid.is_empty() && room.name.is_empty() {
        return Err(Problem::bad_request(
            "the room is missing: set `room_id`, `room` or `room_name` in the body or the query",
        ));
    }
    let meant = report_room::meant(&app, &room.name, sent_query.as_deref(), bearer.room());
    room.name = meant.await?.into();
    let call = match (outline.labels.is_empty(), room.sid.is_empty()) {
        (true, true) => None,
        (true, false) => report_room::call(&app, &room).await?,
        // Participants who have just joined may still be in the inbox.
        (false, _) => report_room::call_with(&app, &room, &outline).await?,
    };
    let name = room_name(call.as_ref(), &room, bearer.room());
    bearer.may_report(&name)?;
    let turns = understood(&outline, call.as_ref())?;
    let stored = Stored { room: &room, body };
    let stored =
        serde_json::to_string(&stored).map_err(|_| Problem::bad_request("the body is not JSON"))?;
    // While a large body is written, there are several copies of it. Small ones share a transaction.
    let store_permit = parse_permit.ok().filter(|_| stored.len() > LARGE);
    drop(text);
    let message = InboxMessage::new(MessageKind::Report, stored, (app.clock)());
    let call_id = keep(&app, message).await?;
    drop(store_permit);
    Ok((StatusCode::ACCEPTED, Json(answer(call_id, &name, turns))))
}

/// Stores the message; the answer is its call, if intake finds that soon.
async fn keep(app: &App, message: InboxMessage) -> Result<Option<String>, Problem> {
    let id = message.id.clone();
    app.store.put(message).await.map_err(Problem::not_stored)?;
    app.wake.intake.notify_one();
    let processed = wait_for(app, INTAKE_TIMEOUT, || app.store.processed(&id));
    // The report is stored, whether or not its call is known by now.
    Ok(processed.await.and_then(|s| s.call_id))
}

/// How many turns were understood, and how many were not.
struct Turns {
    understood: usize,
    ignored: usize,
}

/// Counts the turns whose speaker is known, also as a participant of the call. A list with words of which none was
/// understood is refused.
fn understood(outline: &transcript::Outline, call: Option<&Call>) -> Result<Turns, Problem> {
    let nobody = Call::default();
    let call = call.unwrap_or(&nobody);
    let mut turns = Turns {
        understood: outline.turns,
        ignored: outline.unknown,
    };
    for (label, count) in &outline.labels {
        match call.speaker(label) {
            Some(_) => turns.understood += count,
            None => turns.ignored += count,
        }
    }
    match turns.understood == 0 && turns.ignored > 0 {
        true => Err(Problem::bad_request(format!(
            "none of the {} turns was understood, because nothing tells who speaks: set `role` or `speaker` of each to `assistant` or `user`, or to the identity of a participant of the call",
            turns.ignored
        ))),
        false => Ok(turns),
    }
}

/// The answer; one to a report whose call is not known yet names the room that it waits for.
fn answer(call_id: Option<String>, room_name: &str, turns: Turns) -> Value {
    let mut answer =
        json!({ "call_id": call_id, "room_name": room_name, "turns": turns.understood });
    if turns.ignored > 0 {
        answer["ignored"] = json!(turns.ignored);
    }
    if call_id.is_none() {
        answer["detail"] = json!(format!(
            "no call of the room “{room_name}” is known yet: the report waits up to an hour for one"
        ));
    }
    answer
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Repairs JSON, and turns plain text into a JSON string: browsers send JSON as text/plain, too.
fn as_json(text: String, is_text: bool) -> String {
    match readable::json(&text) {
        Some(Cow::Borrowed(_)) => text,
        Some(Cow::Owned(repaired)) => repaired,
        None if is_text => Value::from(text).to_string(),
        None => text,
    }
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

fn read(body: &str) -> Result<Read<'_>, Problem> {
    let wrong = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!(
            "the body is not JSON: error at line {line}, column {column} (send plain text as a JSON string, or with the content type text/plain)"
        ))
    };
    let body: &RawValue = serde_json::from_str(body).map_err(wrong)?;
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
fn room_name(call: Option<&Call>, room: &Room, token: Option<&str>) -> String {
    let by_sid = call.filter(|call| call.id == room.sid);
    let known = by_sid.map(|call| &call.room_name);
    let known = known.filter(|name| !name.is_empty());
    match (known, room.name.is_empty()) {
        (Some(known), _) => known.to_string(),
        (None, true) => token.unwrap_or_default().to_owned(),
        (None, false) => room.name.to_string(),
    }
}
