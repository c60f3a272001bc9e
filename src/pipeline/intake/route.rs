//! Which call a message belongs to.

use jiff::{SignedDuration, Timestamp};

use super::{batch::Batch, job::Intake};
use crate::{
    domain::{Call, CallId, EventPayload, Room, RoomName},
    store::InboxMessage,
};

/// How long a report that matches no call waits for one.
const REPORT_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// How long a request waits for LiveKit to confirm that its room exists.
const REQUEST_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// How far a report's time may lie outside of its call's.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// Where a message belongs.
pub(super) enum Route {
    /// To the call of this id.
    Call(CallId),
    /// Waits for a call with this name.
    Wait {
        room_name: RoomName,
        until: Timestamp,
    },
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
        let Some(room) = payload.room() else {
            return Ok(Route::Nowhere);
        };
        if !room.sid.is_empty() {
            let is_known = match payload {
                EventPayload::Report { .. } => self.is_known(batch, &room.sid).await?,
                _ => true,
            };
            return Ok(match is_known {
                true => Route::Call(room.sid.clone()),
                false => wait(message, payload, room, now),
            });
        }
        if let Some(egress_id) = payload.egress_id()
            && let Some(row) = self.store.call_of_egress(egress_id).await?
        {
            return Ok(Route::Call(row.call.id));
        }
        if room.name.is_empty() {
            return Ok(Route::Aside("the message names no known room".into()));
        }
        for name in room.names() {
            if let Some(id) = self.by_name(batch, message, payload, name).await? {
                return Ok(Route::Call(id));
            }
        }
        Ok(wait(message, payload, room, now))
    }

    /// Whether the call exists: a report alone makes none.
    async fn is_known(&self, batch: &Batch, id: &CallId) -> anyhow::Result<bool> {
        match batch.calls.get(id) {
            Some(update) => Ok(!update.call.id.is_empty()),
            None => Ok(self.store.call(id).await?.is_some()),
        }
    }

    /// The call with that name whose time contains the report's `timestamp`, otherwise the live one, otherwise (for
    /// reports) the newest of the last hour.
    async fn by_name(
        &self,
        batch: &Batch,
        message: &InboxMessage,
        payload: &EventPayload,
        name: &RoomName,
    ) -> anyhow::Result<Option<CallId>> {
        let stored = self.store.calls_named(name, 50).await?;
        let fresh = batch.calls.values().map(|update| &update.call);
        let fresh = fresh.filter(|call| call.room_name == *name);
        let stored = stored.iter().map(|row| &row.call);
        let stored = stored.filter(|call| !batch.calls.contains_key(&call.id));
        let mut calls: Vec<&Call> = fresh.chain(stored).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.started_at()));
        let first = |fits: &dyn Fn(&Call) -> bool| calls.iter().find(|call| fits(call));
        let live = first(&Call::is_open);
        let EventPayload::Report { report, .. } = payload else {
            return Ok(live.map(|call| call.id.clone()));
        };
        let dated = report.at.and_then(|at| first(&|call| holds(call, at)));
        let recent = first(&|call| is_recent(call, message.received_at));
        Ok(dated.or(live).or(recent).map(|call| call.id.clone()))
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

fn wait(message: &InboxMessage, payload: &EventPayload, room: &Room, now: Timestamp) -> Route {
    let (wait, error) = match payload {
        EventPayload::Request { .. } => (
            REQUEST_WAIT,
            "LiveKit did not confirm in time that the room exists",
        ),
        _ => (REPORT_WAIT, "no call of this room appeared within an hour"),
    };
    let until = message.received_at + wait;
    if now >= until {
        return Route::Aside(error.into());
    }
    Route::Wait {
        room_name: room.awaited_name(),
        until,
    }
}
