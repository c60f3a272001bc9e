//! Finds the room and the call of a report when it arrives.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{App, error::Problem, room_names, wait::wait_for};
use crate::{
    domain::{Call, Claim, Room, RoomName, is_id, participant::Participant, transcript::Outline},
    store,
};

/// How many of the room's calls are read.
const CALLS: i64 = 5;
/// If the room's last call ended longer ago, the report may be of the next one.
const RECENT: SignedDuration = SignedDuration::from_hours(1);
/// How long a report waits until intake knows its participants.
const PARTICIPANTS_TIMEOUT: Duration = Duration::from_secs(1);

/// The query: the room, where the body does not name it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoomQuery {
    /// The room's sid.
    #[param(example = "RM_xyfMBrg6gETE")]
    room_id: Option<String>,
    /// The room's name.
    #[param(example = "call-1")]
    room: Option<String>,
    /// The same.
    #[param(example = "call-1")]
    room_name: Option<String>,
}

/// The body's room, else the query's, else the token's. Without NUL, as in the body. Only the name of a query (`raw`) may
/// stand for others; of these, the token decides.
pub(super) fn room(own: Room, query: RoomQuery, raw: Option<&str>, token: Option<&str>) -> Room {
    if !own.sid.is_empty() || !own.name.is_empty() {
        return own;
    }
    let text = |text: String| text.replace('\0', "");
    let is_named = query.room.is_some() || query.room_name.is_some();
    let sid = query.room_id.map(text);
    let sid = sid.filter(|sid| sid.starts_with("RM_") && (is_id(sid) || !is_named));
    let names = match query.room.or(query.room_name).map(text) {
        Some(name) => room_names::names(&name, raw),
        None if sid.is_none() => token.map(str::to_owned).into_iter().collect(),
        None => Vec::new(),
    };
    let of_token = names.iter().find(|name| token == Some(name)).cloned();
    let mut names = match (of_token, token) {
        (Some(name), _) => vec![name],
        (None, Some(_)) => names.into_iter().take(1).collect(),
        (None, None) => names,
    }
    .into_iter()
    .map(RoomName::from);
    Room {
        sid: sid.unwrap_or_default().into(),
        name: names.next().unwrap_or_default(),
        other_names: names.collect(),
        ..Room::default()
    }
}

/// The room with the one name that the sender probably meant: the first that has calls; otherwise the one with the `+` of a
/// phone number, or as it was sent.
pub(super) async fn meant(
    app: &App,
    room: &Room,
    claim: Option<&Claim>,
) -> Result<Room, store::Error> {
    let mut meant = room.clone();
    if !std::mem::take(&mut meant.other_names).is_empty() {
        let names = room.names().map(RoomName::as_str);
        let known = match claim {
            Some(claim) => room_names::known(app, names, claim).await?,
            None => None,
        };
        let known = known.map(str::to_owned);
        let name = known.or_else(|| room_names::with_number(&room.name));
        meant.name = name.map_or_else(|| room.name.clone(), RoomName::from);
    }
    Ok(meant)
}

/// The call of the room, as soon as one of the report's labels names a participant of it; after a second, the call as it is.
pub(super) async fn call_with(
    app: &App,
    room: &Room,
    claim: Option<&Claim>,
    outline: &Outline,
) -> Result<Option<Call>, Problem> {
    let known = wait_for(app, PARTICIPANTS_TIMEOUT, || async {
        let call = known_call(app, room, claim).await?;
        let call = call.filter(|call| may_report(call, claim));
        let is_known = |call: &Call| {
            let mut labels = outline.labels.keys();
            labels.any(|label| call.speaker(label).is_some())
        };
        Ok(call.filter(is_known))
    });
    match known.await {
        Some(call) => Ok(Some(call)),
        None => call(app, room, claim).await,
    }
}

/// The call of the room: by its sid, otherwise the open one, otherwise the newest. Without a claim nobody knows whose the
/// sender's key is, and therefore which call.
///
/// # Errors
/// 403 if the call is another project's than the sender's key.
pub(super) async fn call(
    app: &App,
    room: &Room,
    claim: Option<&Claim>,
) -> Result<Option<Call>, Problem> {
    let call = known_call(app, room, claim).await?;
    match call {
        Some(call) if claim.is_some() && !may_report(&call, claim) => Err(Problem::forbidden(
            "the call is of another LiveKit project than the key that signed the token",
        )),
        call => Ok(call.filter(|call| may_report(call, claim))),
    }
}

fn may_report(call: &Call, claim: Option<&Claim>) -> bool {
    claim.is_some_and(|claim| claim.admits(&call.project))
}

async fn known_call(
    app: &App,
    room: &Room,
    claim: Option<&Claim>,
) -> Result<Option<Call>, store::Error> {
    if !room.sid.is_empty() {
        return Ok(app.store.call(&room.sid).await?.map(|row| row.call));
    }
    let Some(claim) = claim else {
        return Ok(None);
    };
    // Of calls with one name, ours come first.
    let claims = match claim {
        Claim::Any => vec![&Claim::Ours, claim],
        claim => vec![claim],
    };
    for claim in claims {
        let rows = app.store.calls_named(&room.name, claim, CALLS).await?;
        let mut calls: Vec<Call> = rows.into_iter().map(|row| row.call).collect();
        let open = calls.iter().position(Call::is_open);
        if !calls.is_empty() {
            return Ok(Some(calls.swap_remove(open.unwrap_or(0))));
        }
    }
    Ok(None)
}

/// What becomes of a turn whose label names no known participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmatched {
    /// The call's participants are known: the turn is left out.
    Ignored,
    /// The report may be of a call that LiveKit has not reported yet: its participants decide.
    Undecided,
}

/// What becomes of such turns in a report that is probably of this call.
pub(super) fn unmatched(call: Option<&Call>, room: &Room, now: Timestamp) -> Unmatched {
    let is_last = |call: &Call| {
        let recent = |end: Timestamp| end >= now - RECENT;
        call.id == room.sid || call.ended_at().is_none_or(recent)
    };
    // Until LiveKit has reported a person, the speakers are not known.
    let has_people = |call: &Call| call.participants.values().any(Participant::is_person);
    match call.is_some_and(|call| has_people(call) && is_last(call)) {
        true => Unmatched::Ignored,
        false => Unmatched::Undecided,
    }
}

/// The room's name; for a sid alone the known call's, else the token's: the report may arrive before LiveKit's webhook.
pub(super) fn room_name(call: Option<&Call>, room: &Room, token: Option<&str>) -> String {
    let by_sid = call.filter(|call| call.id == room.sid);
    let known = by_sid.map(|call| &call.room_name);
    let known = known.filter(|name| !name.is_empty());
    match (known, room.name.is_empty()) {
        (Some(known), _) => known.to_string(),
        (None, true) => token.unwrap_or_default().to_owned(),
        (None, false) => room.name.to_string(),
    }
}
