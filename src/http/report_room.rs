//! Which room and call a report is about, as far as it is known when the report comes.

use std::time::Duration;

use super::{App, error::Problem, room_names, wait::wait_for};
use crate::{
    domain::{Call, Room, transcript::Outline},
    store,
};

/// How many calls of a room are looked at.
const CALLS: i64 = 5;
/// How long a report waits for intake to find a participant.
const PARTICIPANTS_TIMEOUT: Duration = Duration::from_secs(1);

/// The room's name as the sender meant it: the token's room, or one that has calls, else as it was written. A blank may
/// have been a `+`.
pub(super) async fn meant(
    app: &App,
    name: &str,
    query: Option<&str>,
    token: Option<&str>,
) -> Result<String, Problem> {
    let readings = room_names::readings(name, query);
    if readings.is_empty() || token == Some(name) {
        return Ok(name.to_owned());
    }
    if let Some(of_token) = readings.iter().find(|reading| token == Some(reading)) {
        return Ok(of_token.clone());
    }
    if !app.store.calls_named(name, 1).await?.is_empty() {
        return Ok(name.to_owned());
    }
    for reading in readings {
        if !app.store.calls_named(&reading, 1).await?.is_empty() {
            return Ok(reading);
        }
    }
    Ok(room_names::with_number(name).unwrap_or_else(|| name.to_owned()))
}

/// The call of the room, as soon as one of the report's labels names a participant of it, or as it is after a second.
pub(super) async fn call_with(
    app: &App,
    room: &Room,
    outline: &Outline,
) -> Result<Option<Call>, Problem> {
    let known = wait_for(app, PARTICIPANTS_TIMEOUT, || async {
        let call = call(app, room).await?;
        let is_known = |call: &Call| {
            let mut labels = outline.labels.keys();
            labels.any(|label| call.speaker(label).is_some())
        };
        Ok(call.filter(is_known))
    });
    match known.await {
        Some(call) => Ok(Some(call)),
        None => Ok(call(app, room).await?),
    }
}

/// The call of the room: by its sid, else the open one, else the newest.
pub(super) async fn call(app: &App, room: &Room) -> Result<Option<Call>, store::Error> {
    if !room.sid.is_empty() {
        return Ok(app.store.call(&room.sid).await?.map(|row| row.call));
    }
    let rows = app.store.calls_named(&room.name, CALLS).await?;
    let mut calls: Vec<Call> = rows.into_iter().map(|row| row.call).collect();
    let open = calls.iter().position(Call::is_open);
    Ok((!calls.is_empty()).then(|| calls.swap_remove(open.unwrap_or(0))))
}
