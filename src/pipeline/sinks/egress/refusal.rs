//! What the call and its row learn of a recording that could not be started.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    sink::{Egress, UNAUTHORIZED, contact, done},
    state::EgressState,
};
use crate::{
    domain::{
        Call,
        event::Observation,
        start_refusal::{NotStarted, StartRefusal},
    },
    livekit::client::{Error, ErrorKind},
    pipeline::{
        deliver::{Attempt, Due, Outcome},
        message,
    },
    store::{DeliveryState, InboxMessage},
};

impl Egress {
    /// LiveKit did not start the recording: what cannot work is over, what may pass is tried again while the room lives.
    pub(super) fn refused(
        &self,
        due: &Due,
        error: &Error,
        state: EgressState,
        now: Timestamp,
    ) -> Attempt {
        let not_started = NotStarted {
            at: now,
            error: format!("The recording could not be started: {error}."),
            refusal: self.meaning(&due.call, error.kind(), now),
        };
        let text = due.call.not_started_error(&not_started);
        let outcome = match error.kind() {
            _ if not_started.refusal.is_final() => Outcome::Dead { error: text },
            ErrorKind::Unauthorized => Outcome::Retry {
                after: Some(UNAUTHORIZED),
                error: text,
            },
            _ => Outcome::Retry {
                after: self
                    .is_hurried(due)
                    .then_some(Duration::ZERO)
                    .filter(|_| error.is_unanswered()),
                error: text,
            },
        };
        let known = due.call.not_started.as_ref();
        let is_new = not_started.refusal.is_final()
            || known.is_none_or(|known| known.error != not_started.error);
        let mut state = state.after(error);
        if not_started.refusal == StartRefusal::Final {
            state = state.given_up(now);
        }
        let NotStarted { error: text, .. } = not_started;
        let found = is_new.then(|| observation(&due.call, text, not_started.refusal, now));
        let attempt = Attempt::new(outcome, &state.to_json());
        attempt
            .with_contact(contact(error))
            .answered(error.answered())
            .with_messages(found)
    }

    /// A permanent refusal that still holds, although the call has changed since.
    pub(super) fn refused_for_good(&self, due: &Due) -> Option<Attempt> {
        let last = due.delivery.history.last()?;
        let standing = due.call.standing_refusal();
        let standing = standing.filter(|_| last.state == DeliveryState::Dead)?;
        Some(stays_refused(due, standing.error.clone()))
    }

    fn meaning(&self, call: &Call, kind: ErrorKind, now: Timestamp) -> StartRefusal {
        let ended = call.ended_at();
        let too_late = ended.is_some_and(|ended| now >= ended + self.lost_after);
        match kind {
            ErrorKind::NotFound => StartRefusal::NoRoom,
            ErrorKind::BadRequest => StartRefusal::Final,
            _ if too_late => StartRefusal::Final,
            _ => StartRefusal::Transient,
        }
    }

    /// A call of another project: nothing is started or stopped.
    pub(super) fn of_other_project(&self, due: &Due, now: Timestamp) -> Attempt {
        match due.call.pending_request() {
            Some(_) => foreign(due, now),
            None => done(due),
        }
    }

    /// The room closed before a recording could be started.
    pub(super) fn too_late(&self, due: &Due, now: Timestamp) -> Attempt {
        let call = &due.call;
        let closed = "The room closed before a recording could be started.";
        let error = match &call.not_started {
            Some(not_started) => not_started.error.clone(),
            None if call.may_be_foreign(self.client.api_key()) => format!(
                "{closed} Its webhooks are signed with {} and not with LIVEKIT_API_KEY: if that key belongs to another LiveKit project, its calls cannot be recorded here.",
                signers(call)
            ),
            None => closed.to_owned(),
        };
        done(due)
            .with_messages([observation(call, error, StartRefusal::NoRoom, now)])
            .did("started nothing: the room is closed")
    }
}

/// The start was refused for good and is not sent again.
pub(super) fn stays_refused(due: &Due, error: String) -> Attempt {
    Attempt::new(Outcome::StaysDead { error }, &due.delivery.sink_state)
}

/// Our project does not list a room that only another key's webhooks named: it is not ours to record, and starting by
/// its name might record a room of ours that has the same.
pub(super) fn foreign(due: &Due, now: Timestamp) -> Attempt {
    let call = &due.call;
    let error = format!(
        "The recording could not be started: the call belongs to another LiveKit project than LIVEKIT_API_KEY. Its webhooks are signed with {}, and a key can only record in its own project.",
        signers(call)
    );
    tracing::warn!(call = %call.id, signed_by = %signers(call), "a call of another LiveKit project cannot be recorded with LIVEKIT_API_KEY");
    done(due)
        .with_messages([observation(call, error, StartRefusal::Final, now)])
        .did("started nothing: the call belongs to another LiveKit project")
}

/// The observation that a start failed.
pub(super) fn observation(
    call: &Call,
    error: String,
    refusal: StartRefusal,
    now: Timestamp,
) -> InboxMessage {
    message::observation(&call.id, &Observation::NotStarted { error, refusal }, now)
}

fn signers(call: &Call) -> String {
    let keys: Vec<&str> = call.signers.iter().map(String::as_str).collect();
    keys.join(", ")
}
