//! `POST /v1/recordings` and `…/stop`: recordings on request, idempotent.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, api::wait_for, auth, error::Problem};
use crate::{
    domain::{Call, Recording, Room, event::Request},
    store::{self, Kind, Letter},
};

/// How long LiveKit has to answer before the answer is 202.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize)]
struct Wanted {
    room_name: String,
    /// Fills `{room_id}` of the path.
    room_id: Option<String>,
}

/// What became of a request.
enum Outcome {
    Recorded(Box<(Call, Recording)>),
    NoRoom,
    Refused(String),
}

pub async fn start(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let bearer = auth::bearer(&app, &headers)?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request(r#"send {"room_name": …, "room_id"?: …}"#))?;
    if wanted.room_name.is_empty() {
        return Err(Problem::bad_request("`room_name` is empty"));
    }
    bearer.may_record(&wanted.room_name)?;
    let calls = app.store.calls_named(&wanted.room_name, 10).await?;
    let live = calls.into_iter().map(|row| row.call).find(Call::is_open);
    if let Some(call) = &live
        && let Some(running) = call.running()
    {
        return Ok((StatusCode::OK, Json(describe(call, running))));
    }
    let ended: BTreeSet<String> = live
        .iter()
        .flat_map(|call| call.recordings.keys().cloned())
        .collect();
    let request = Request::Start {
        path_id: wanted.room_id.clone(),
        ended: ended.clone(),
    };
    let room = Room {
        sid: live.map(|call| call.id).unwrap_or_default(),
        name: wanted.room_name.clone(),
        ..Room::default()
    };
    let letter = put(&app, &room, &request).await?;
    let outcome = wait_for(&app, PATIENCE, || started(&app.store, &letter, &ended));
    answer(outcome.await?, &wanted.room_name)
}

fn answer(outcome: Option<Outcome>, room_name: &str) -> Result<(StatusCode, Json<Value>), Problem> {
    match outcome {
        Some(Outcome::Recorded(found)) => Ok((StatusCode::OK, Json(describe(&found.0, &found.1)))),
        Some(Outcome::NoRoom) => Err(Problem::not_found("LiveKit has no such room")),
        Some(Outcome::Refused(error)) => Err(Problem::new(StatusCode::BAD_GATEWAY, error)),
        None => {
            let pending = json!({
                "egress_id": null, "room_name": room_name, "room_id": null,
                "status": "pending", "filename": null,
            });
            Ok((StatusCode::ACCEPTED, Json(pending)))
        }
    }
}

/// What the store says of a request by now.
async fn started(
    store: &store::Store,
    letter: &Letter,
    ended: &BTreeSet<String>,
) -> Result<Option<Outcome>, store::Error> {
    let Some(settled) = store.settled(&letter.id).await? else {
        return Ok(None);
    };
    if settled.error.is_some() {
        return Ok(Some(Outcome::NoRoom));
    }
    let Some(row) = store.call(&settled.call_id.unwrap_or_default()).await? else {
        return Ok(None);
    };
    let mut fresh = row.call.recordings.values();
    if let Some(recording) = fresh.find(|r| !ended.contains(&r.egress_id)).cloned() {
        return Ok(Some(Outcome::Recorded(Box::new((row.call, recording)))));
    }
    let refused = row.call.not_started.filter(|told| told.over);
    let refused = refused.filter(|told| told.at >= letter.received_at);
    Ok(refused.map(|told| match told.no_room {
        true => Outcome::NoRoom,
        false => Outcome::Refused(told.error),
    }))
}

pub async fn stop(
    State(app): State<Arc<App>>,
    Path(egress_id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let bearer = auth::bearer(&app, &headers)?;
    let unknown = || Problem::not_found("no such recording");
    let row = app.store.call_of_egress(&egress_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    bearer.may_record(&call.room_name)?;
    let recording = call.recordings.get(&egress_id).ok_or_else(unknown)?;
    if !is_running(&call, recording) {
        return Ok(Json(describe(&call, recording)));
    }
    let room = Room {
        sid: call.id.clone(),
        name: call.room_name.clone(),
        ..Room::default()
    };
    let request = Request::Stop {
        egress_id: egress_id.clone(),
    };
    put(&app, &room, &request).await?;
    let ended = wait_for(&app, PATIENCE, || async {
        let row = app.store.call_of_egress(&egress_id).await?;
        let ended = |call: &Call| {
            let recording = call.recordings.get(&egress_id);
            recording.is_some_and(|recording| !is_running(call, recording))
        };
        Ok(row.map(|row| row.call).filter(ended))
    });
    let call = ended.await?.unwrap_or(call);
    let recording = call.recordings.get(&egress_id).ok_or_else(unknown)?;
    Ok(Json(describe(&call, recording)))
}

fn is_running(call: &Call, recording: &Recording) -> bool {
    recording.status < crate::domain::EgressStatus::Ending && !call.has_ended(recording)
}

async fn put(app: &App, room: &Room, request: &Request) -> Result<Letter, Problem> {
    let mut body = serde_json::to_value(request).map_err(store::Error::from)?;
    body["room"] = serde_json::to_value(room).map_err(store::Error::from)?;
    let letter = Letter::new(Kind::Request, body.to_string(), (app.clock)());
    app.store.put(letter.clone()).await?;
    app.wake.intake.notify_one();
    Ok(letter)
}

fn describe(call: &Call, recording: &Recording) -> Value {
    json!({
        "egress_id": recording.egress_id,
        "room_name": call.room_name,
        "room_id": call.id,
        "status": recording.status.as_str(),
        "filename": recording.key,
    })
}
