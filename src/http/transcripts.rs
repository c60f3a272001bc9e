//! `POST /v1/transcripts`: what an agent says about its session, before, during or after the call.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, api::wait_for, auth, error::Problem};
use crate::{
    domain::{Room, transcript},
    store::{Kind, Letter},
};

/// The room, where the body does not name it.
#[derive(Debug, Default, Deserialize)]
pub struct Named {
    room_id: Option<String>,
    room: Option<String>,
    room_name: Option<String>,
}

pub async fn receive(
    State(app): State<Arc<App>>,
    query: Result<Query<Named>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let bearer = auth::bearer(&app, &headers)?;
    let Query(query) = query?;
    let body = body.map_err(|cut| Problem::no_body(&cut, "a transcript has at most 16 MiB"))?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| {
        Problem::bad_request(format!(
            "the body is not JSON: it goes wrong at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let (own, report) =
        transcript::read(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
    let room = room(own, query, bearer.room());
    if room.sid.is_empty() && room.name.is_empty() {
        return Err(Problem::bad_request(
            "which room? name it as `room_id`, `room` or `room_name` in the body or the query",
        ));
    }
    let name = room_name(&app, &room, bearer.room()).await?;
    bearer.may_report(&name)?;
    let stored = json!({ "room": &room, "body": body });
    let letter = Letter::new(Kind::Report, stored.to_string(), (app.clock)());
    let id = letter.id.clone();
    app.store.put(letter).await?;
    app.wake.intake.notify_one();
    let settled = wait_for(&app, std::time::Duration::from_secs(1), || {
        app.store.settled(&id)
    });
    // On disk already: that the call is not known yet takes nothing from the answer.
    let call_id = settled.await.and_then(|s| s.call_id);
    let turns = report.transcript.len();
    let answer = json!({ "call_id": call_id, "room_name": name, "turns": turns });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The body's word, else the query's, else the token's.
fn room(own: Room, query: Named, token: Option<&str>) -> Room {
    if !own.sid.is_empty() || !own.name.is_empty() {
        return own;
    }
    let sid = query.room_id.filter(|sid| sid.starts_with("RM_"));
    let name = query.room.or(query.room_name);
    let name = match (&sid, name) {
        (None, None) => token.map(str::to_owned),
        (_, name) => name,
    };
    Room {
        sid: sid.unwrap_or_default(),
        name: name.unwrap_or_default(),
        ..Room::default()
    }
}

/// The room's name; for a sid alone the known call's, else the token's: the report may be faster than LiveKit's
/// webhook.
async fn room_name(app: &App, room: &Room, token: Option<&str>) -> Result<String, Problem> {
    let call = match room.sid.is_empty() {
        true => None,
        false => app.store.call(&room.sid).await?,
    };
    let known = call.map(|row| row.call.room_name);
    let known = known.filter(|name| !name.is_empty());
    Ok(match (known, room.name.is_empty()) {
        (Some(known), _) => known,
        (None, true) => token.unwrap_or_default().to_owned(),
        (None, false) => room.name.clone(),
    })
}
