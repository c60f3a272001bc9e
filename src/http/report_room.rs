//! Which room and call a report is about, as far as it is known when the report comes.

use super::{App, error::Problem, room_names};
use crate::domain::{Call, Room};

/// How many calls of a room are looked at.
const CALLS: i64 = 5;

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

/// The call of the room: by its sid, else the open one, else the newest.
pub(super) async fn call(app: &App, room: &Room) -> Result<Option<Call>, Problem> {
    if !room.sid.is_empty() {
        return Ok(app.store.call(&room.sid).await?.map(|row| row.call));
    }
    let rows = app.store.calls_named(&room.name, CALLS).await?;
    let mut calls: Vec<Call> = rows.into_iter().map(|row| row.call).collect();
    let open = calls.iter().position(Call::is_open);
    Ok((!calls.is_empty()).then(|| calls.swap_remove(open.unwrap_or(0))))
}
