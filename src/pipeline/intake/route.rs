//! Which call a message belongs to.

use jiff::{SignedDuration, Timestamp};

use super::{batch::Batch, job::Intake};
use crate::{
    domain::{Call, CallId, Claim, EventPayload, Room, RoomName},
    pipeline::message,
    store::InboxMessage,
};

/// How long a report that matches no call waits for one.
const REPORT_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// How long a request waits for LiveKit to confirm that its room exists.
const REQUEST_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// How far a report's time may lie outside of its call's.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// How long after its arrival a message that waits for a call is looked at again, whether or not one has begun: the last
/// time later than any transaction ends.
const LOOKS: [SignedDuration; 2] = [SignedDuration::from_secs(1), SignedDuration::from_secs(15)];
/// How soon a message is looked at again whose key is undecided; it is made due when the key is decided.
const UNDECIDED_WAIT: SignedDuration = SignedDuration::from_mins(1);

/// The room of the call that a report names by its sid.
enum Known {
    /// There is no such call.
    No,
    /// Its name, which may be empty.
    Room(RoomName),
    /// The call is not of the sender's project.
    OtherProject,
}

/// Where a message belongs.
pub(super) enum Route {
    /// To the call of this id.
    Call(CallId),
    /// Waits for a call with this name.
    Wait {
        room_name: RoomName,
        until: Timestamp,
    },
    /// Waits until the key that signed it is decided, or whether the room is one of `doctor`'s.
    Undecided { until: Timestamp },
    /// Another project's key has signed it than the call's.
    OtherProject,
    /// It is set aside, with the reason for people.
    Aside(String),
    /// It concerns no call.
    Nowhere,
}

impl Intake {
    /// By the ids in the message, else by the egress, else by the room's name.
    pub(super) async fn route(
        &self,
        batch: &Batch,
        message: &InboxMessage,
        payload: &EventPayload,
        now: Timestamp,
    ) -> anyhow::Result<Route> {
        if let Some(id) = &message.call_id {
            return Ok(Route::Call(id.as_str().into()));
        }
        let Some(claim) = message::source(message).claim() else {
            let waited = now.duration_since(message.received_at);
            let until = now + waited.clamp(UNDECIDED_WAIT, REPORT_WAIT);
            return Ok(Route::Undecided { until });
        };
        let Some(room) = payload.room() else {
            return Ok(Route::Nowhere);
        };
        let place = (batch, message, now);
        if let Some(route) = self.of_doctor(place, payload, room).await? {
            return Ok(route);
        }
        let by_egress = self.by_egress(payload, room, &claim).await?;
        if let Some(route) = by_egress {
            return Ok(route);
        }
        if !room.sid.is_empty() {
            return match payload {
                EventPayload::Report {
                    authorized_room, ..
                } => {
                    let known = self.name_of(batch, &room.sid, &claim).await?;
                    let authorized_room = authorized_room.as_ref();
                    Ok(report_route(message, room, (known, authorized_room), now))
                }
                _ => Ok(Route::Call(room.sid.clone())),
            };
        }
        if room.name.is_empty() {
            return Ok(Route::Aside("the message names no known room".into()));
        }
        let authorized = |name: &&RoomName| match payload {
            EventPayload::Report {
                authorized_room: Some(room),
                ..
            } => room == *name,
            _ => true,
        };
        for name in room.names().filter(authorized) {
            for claim in in_order(&claim, payload) {
                let named = (name, claim);
                if let Some(id) = self.by_name(batch, message, payload, named).await? {
                    return Ok(Route::Call(id));
                }
            }
        }
        Ok(wait(message, payload, room, now))
    }

    /// By the egress that the message is about, where it names no room; an egress of ours is no other project's.
    async fn by_egress(
        &self,
        payload: &EventPayload,
        room: &Room,
        claim: &Claim,
    ) -> anyhow::Result<Option<Route>> {
        let is_foreign = matches!(claim, Claim::Other(_));
        let Some(egress_id) = payload.egress_id() else {
            return Ok(None);
        };
        if !room.sid.is_empty() && !is_foreign {
            return Ok(None);
        }
        let Some(row) = self.store.call_of_egress(egress_id).await? else {
            return Ok(None);
        };
        Ok(match claim.admits(&row.call.project) {
            true if room.sid.is_empty() => Some(Route::Call(row.call.id)),
            false if is_foreign => Some(Route::OtherProject),
            _ => None,
        })
    }

    /// The room of the call with this id, as far as the claim admits it; a report alone makes no call.
    async fn name_of(&self, batch: &Batch, id: &CallId, claim: &Claim) -> anyhow::Result<Known> {
        let stored;
        let call = match batch.calls.get(id) {
            Some(update) => Some(&update.call).filter(|call| !call.id.is_empty()),
            None => {
                stored = self.store.call(id).await?;
                stored.as_ref().map(|row| &row.call)
            }
        };
        Ok(match call {
            None => Known::No,
            Some(call) if claim.admits(&call.project) => Known::Room(call.room_name.clone()),
            Some(_) => Known::OtherProject,
        })
    }

    /// The call with that name whose time contains the report's `timestamp`, otherwise the live one, otherwise (for
    /// reports) the newest of the last hour.
    async fn by_name(
        &self,
        batch: &Batch,
        message: &InboxMessage,
        payload: &EventPayload,
        (name, claim): (&RoomName, &Claim),
    ) -> anyhow::Result<Option<CallId>> {
        let stored = self.store.calls_named(name, claim, 50).await?;
        let fresh = batch.calls.values().map(|update| &update.call);
        let fresh = fresh.filter(|call| !call.id.is_empty() && call.room_name == *name);
        let fresh = fresh.filter(|call| claim.admits(&call.project));
        let stored = stored.iter().map(|row| &row.call);
        let stored = stored.filter(|call| !batch.calls.contains_key(&call.id));
        let mut calls: Vec<&Call> = fresh.chain(stored).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.started_at()));
        let first = |fits: &dyn Fn(&Call) -> bool| calls.iter().find(|call| fits(call));
        let live = first(&Call::is_open);
        let EventPayload::Report { facts, .. } = payload else {
            return Ok(live.map(|call| call.id.clone()));
        };
        let dated = facts.dated.and_then(|at| first(&|call| holds(call, at)));
        let recent = first(&|call| is_recent(call, message.received_at));
        Ok(dated.or(live).or(recent).map(|call| call.id.clone()))
    }
}

/// Whose calls of a name are searched, one after the other: among those that the sender may act on, ours come first. A
/// request is for ours alone.
fn in_order<'a>(claim: &'a Claim, payload: &EventPayload) -> Vec<&'a Claim> {
    match (claim, payload) {
        (Claim::Any, EventPayload::Request { .. }) => vec![&Claim::Ours],
        (Claim::Any, _) => vec![&Claim::Ours, &Claim::Any],
        (claim, _) => vec![claim],
    }
}

/// A report of this room, by its sid; `known`: the name of the call's room, and the room that the sender was authorized for.
fn report_route(
    message: &InboxMessage,
    room: &Room,
    (known, authorized_room): (Known, Option<&RoomName>),
    now: Timestamp,
) -> Route {
    match (known, authorized_room) {
        (Known::No, _) => wait_for_call(message, &room.awaited_name(), now),
        (Known::OtherProject, _) => Route::OtherProject,
        (Known::Room(_), None) => Route::Call(room.sid.clone()),
        (Known::Room(name), Some(authorized)) if name == *authorized => {
            Route::Call(room.sid.clone())
        }
        // Until LiveKit names the room, nobody knows whether it is the sender's.
        (Known::Room(name), Some(authorized)) if name.is_empty() => {
            wait_for_call(message, authorized, now)
        }
        (Known::Room(_), Some(_)) => Route::Aside(
            "the token that sent this report is for another room than the call's".into(),
        ),
    }
}

fn holds(call: &Call, at: Timestamp) -> bool {
    let start = call.started_at().is_some_and(|start| start - SLACK <= at);
    start && call.ended_at().is_none_or(|end| at <= end + SLACK)
}

fn is_recent(call: &Call, received_at: Timestamp) -> bool {
    let last = call.ended_at().or(call.started_at());
    last.is_some_and(|at| at >= received_at - REPORT_WAIT)
}

/// A message that names its room by name alone.
fn wait(message: &InboxMessage, payload: &EventPayload, room: &Room, now: Timestamp) -> Route {
    match payload {
        EventPayload::Request { .. } => {
            let error = "LiveKit did not confirm in time that the room exists";
            let until = message.received_at + REQUEST_WAIT;
            wait_until(message, &room.awaited_name(), (until, error), now)
        }
        _ => wait_for_call(message, &room.awaited_name(), now),
    }
}

fn wait_for_call(message: &InboxMessage, awaited: &RoomName, now: Timestamp) -> Route {
    let error = "no call of this room appeared within an hour";
    let until = message.received_at + REPORT_WAIT;
    wait_until(message, awaited, (until, error), now)
}

fn wait_until(
    message: &InboxMessage,
    awaited: &RoomName,
    (until, error): (Timestamp, &str),
    now: Timestamp,
) -> Route {
    if now >= until {
        return Route::Aside(error.into());
    }
    // The call may begin in another process at this moment, which does not see that the message waits.
    let looks = LOOKS.map(|look| message.received_at + look);
    let again = looks.into_iter().find(|look| now < *look);
    Route::Wait {
        room_name: awaited.clone(),
        until: again.map_or(until, |again| until.min(again)),
    }
}
