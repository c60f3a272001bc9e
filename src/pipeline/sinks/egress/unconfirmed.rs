//! Starts that led to no recording of the call, as far as LiveKit's answers tell: the answer was lost, or the egress
//! records another session of the room. What runs is paid for, so no further start is sent while it does.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    refusal::observation,
    sink::{OK, contact},
    state::EgressState,
};
use crate::{
    domain::{
        Call, CallId, EgressId, EventPayload, Room,
        start_refusal::{NotStarted, StartRefusal},
    },
    livekit::{body, client::Error},
    pipeline::deliver::{Attempt, Due, Outcome},
};

/// An egress of ours in another session of the call's room.
pub(super) struct Misplaced {
    egress_id: EgressId,
    session: CallId,
}

/// The egress of this answer, if it records another session.
pub(super) fn misplaced(info: &str, call: &Call) -> Option<Misplaced> {
    let info: Value = serde_json::from_str(info).ok()?;
    let EventPayload::Egress {
        room, recording, ..
    } = body::egress(&info, Room::default())
    else {
        return None;
    };
    let is_other = !room.sid.is_empty() && room.sid != call.id;
    is_other.then_some(Misplaced {
        egress_id: recording.egress_id,
        session: room.sid,
    })
}

/// The listed egress of an earlier start that still records another session: it has the key that only this start requested.
pub(super) fn still_misplaced(
    listed: &[String],
    call: &Call,
    state: &EgressState,
) -> Option<Misplaced> {
    let key = state.key.as_deref()?;
    let is_ours = |info: &&String| {
        let Ok(info) = serde_json::from_str::<Value>(info) else {
            return false;
        };
        match body::egress(&info, Room::default()) {
            EventPayload::Egress { recording, .. } => {
                recording.is_at(key) && !recording.status.is_over()
            }
            _ => false,
        }
    };
    let mut running = listed.iter().filter(is_ours);
    running.find_map(|info| misplaced(info, call))
}

/// LiveKit did not confirm the start: its list is asked before another one.
pub(super) fn unconfirmed(due: &Due, error: &Error, state: EgressState, now: Timestamp) -> Attempt {
    let text = format!("LiveKit did not confirm that the recording has started: {error}.");
    not_recorded(due, text, &state.after(error), now)
        .with_contact(contact(error))
        .answered(error.answered())
}

/// Waits for the end of an egress in another session.
pub(super) fn in_other_session(
    due: &Due,
    other: &Misplaced,
    state: &EgressState,
    now: Timestamp,
) -> Attempt {
    let call = &due.call;
    tracing::warn!(
        call = %call.id, egress = %other.egress_id, session = %other.session,
        "LiveKit records another session of the room than the one that was to be recorded; no other start is sent while that egress runs"
    );
    let text = format!(
        "LiveKit started the recording in another session of this room ({}), which has it in its own row.",
        other.session
    );
    not_recorded(due, text, state, now)
        .did("found that LiveKit records another session of the room")
        .answered(OK)
}

fn not_recorded(due: &Due, error: String, state: &EgressState, now: Timestamp) -> Attempt {
    let refusal = StartRefusal::Transient;
    let not_started = NotStarted {
        at: now,
        error,
        refusal,
    };
    let text = due.call.not_started_error(&not_started);
    let known = due.call.not_started.as_ref();
    let is_new = known.is_none_or(|known| known.error != not_started.error);
    let found = is_new.then(|| observation(&due.call, not_started.error, refusal, now));
    let outcome = Outcome::Retry {
        after: None,
        error: text,
    };
    Attempt::new(outcome, &state.to_json()).with_messages(found)
}
