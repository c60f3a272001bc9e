//! Checks the bucket for the recording that the egress reported: a row says that a recording is there only if it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        Call, Object, ObjectState, Recording, Sink, counted, event::Observation, object::LostReason,
    },
    pipeline::{
        deliver::{Attempt, BatchPermit, Deliverer, Due, Outcome},
        message,
    },
    storage::{self, Client, Error},
    store::InboxMessage,
};

/// For people, of a recording that is late. On AWS a key that may not list the bucket gets 403 for a missing object, too.
const FORBIDDEN: &str = "The storage refused access to the recording (403): S3_ACCESS_KEY may not read S3_BUCKET (s3:GetObject), or the recording was never uploaded and the key may not list the bucket (s3:ListBucket).";
/// Follows [`FORBIDDEN`] as long as that is so.
const CHECKED_AGAIN: &str = " The service checks again once an hour for 3 days.";
/// How often it is looked for after that, and for how long.
const FORBIDDEN_AGAIN: Duration = Duration::from_secs(3600);
const FORBIDDEN_PERIOD: SignedDuration = SignedDuration::from_hours(72);

/// Looks for recordings in the bucket.
pub struct Storage {
    pub client: Client,
    /// EGRESS_LOST_AFTER
    pub lost_after: Duration,
}

impl Deliverer for Storage {
    fn sink(&self) -> Sink {
        Sink::Storage
    }

    fn parallel(&self) -> usize {
        32
    }

    fn gives_way(&self) -> bool {
        // The call is over; a message that waits may be about one that is to be recorded.
        true
    }

    async fn deliver(&self, due: &[Due], _: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.look(due, after_known(due, now)).await);
        }
        attempts
    }
}

impl Storage {
    async fn look(&self, due: &Due, now: Timestamp) -> Attempt {
        let (call, sink_state) = (&due.call, &due.delivery.sink_state);
        let recording = call.recordings.get(due.delivery.key.item.as_str());
        // A recording that was given up is checked again if somebody redrives it.
        let given_up = |recording: &Recording| {
            matches!(call.object(recording), Some(ObjectState::Lost { .. }))
        };
        let wanted = |recording: &&Recording| call.must_look_for(recording) || given_up(recording);
        let Some(recording) = recording.filter(wanted) else {
            let delivered = Outcome::Delivered { again: None };
            return Attempt::new(delivered, sink_state).did("nothing to look for");
        };
        if call.is_elsewhere(recording) {
            return self.look_once(due, recording, now).await;
        }
        let window = self.retry_window(call, recording, now);
        let answer = self.client.head(&recording.key).await;
        let status = status_of(&answer);
        let state = match answer {
            Ok(storage::ObjectHead::Found { size }) => fits(recording, size),
            Ok(storage::ObjectHead::Missing) => ObjectState::Missing,
            Err(Error::Forbidden) if self.is_late(call, recording, now) => {
                lost(LostReason::Forbidden, forbidden(window))
            }
            Err(error) => ObjectState::Unknown {
                error: error.to_string(),
            },
        };
        let state = self.conclude(call, recording, state, now);
        let outcome = outcome(&state, window);
        let attempt = explained(Attempt::new(outcome, sink_state), &state);
        let messages = observed(call, recording, state, now);
        attempt.answered(status).with_messages(messages)
    }

    /// Asks for a file that another program's egress sent to another bucket or endpoint: it may be ours under another
    /// name. When it is not there, nothing is wrong.
    async fn look_once(&self, due: &Due, recording: &Recording, now: Timestamp) -> Attempt {
        let (call, sink_state) = (&due.call, &due.delivery.sink_state);
        let answer = self.client.head(&recording.key).await;
        let status = status_of(&answer);
        let state = match answer {
            Ok(storage::ObjectHead::Found { size }) => match fits(recording, size) {
                found @ ObjectState::Found { .. } => found,
                _ => ObjectState::Missing,
            },
            Ok(storage::ObjectHead::Missing) | Err(Error::Forbidden) => ObjectState::Missing,
            Err(error) => {
                let error = error.to_string();
                let retry = Attempt::new(Outcome::Retry { after: None, error }, sink_state);
                return retry.answered(status);
            }
        };
        let delivered = Attempt::new(Outcome::Delivered { again: None }, sink_state);
        let attempt = explained(delivered, &state);
        let messages = observed(call, recording, state, now);
        attempt.answered(status).with_messages(messages)
    }

    /// An object that is not there after EGRESS_LOST_AFTER is lost; a bucket that does not answer is asked again.
    fn conclude(
        &self,
        call: &Call,
        recording: &Recording,
        state: ObjectState,
        now: Timestamp,
    ) -> ObjectState {
        if !self.is_late(call, recording, now) {
            return state;
        }
        match state {
            ObjectState::Missing => lost(
                LostReason::NeverCame,
                "The recording was never uploaded to the bucket.".to_owned(),
            ),
            ObjectState::OtherSize { size } => lost(
                LostReason::OtherSize,
                format!("The recording in the bucket {}.", recording.odd_size(size)),
            ),
            state => state,
        }
    }

    fn is_late(&self, call: &Call, recording: &Recording, now: Timestamp) -> bool {
        over(call, recording).is_some_and(|over| now >= over + self.lost_after)
    }

    fn retry_window(&self, call: &Call, recording: &Recording, now: Timestamp) -> RetryWindow {
        match over(call, recording) {
            Some(over) if now >= over + self.lost_after + FORBIDDEN_PERIOD => RetryWindow::Over,
            _ => RetryWindow::Open,
        }
    }
}

fn status_of(answer: &Result<storage::ObjectHead, Error>) -> Option<u16> {
    match answer {
        Ok(storage::ObjectHead::Found { .. }) => Some(200),
        Ok(storage::ObjectHead::Missing) => Some(404),
        Err(error) => error.http_status(),
    }
}

/// The attempt, with what it found.
fn explained(attempt: Attempt, state: &ObjectState) -> Attempt {
    match state {
        ObjectState::Found { size } => {
            let bytes = counted(*size, "byte", "bytes");
            attempt.did(format!("found the recording, {bytes}"))
        }
        ObjectState::Missing => attempt.did("looked for the recording"),
        _ => attempt,
    }
}

/// The bucket's answer, if it is new.
fn observed(
    call: &Call,
    recording: &Recording,
    state: ObjectState,
    now: Timestamp,
) -> Option<InboxMessage> {
    let known = call.objects.get(&recording.egress_id);
    let is_new = known.is_none_or(|known| known.state != state || !known.is_of(recording));
    let object = Observation::Object {
        egress_id: recording.egress_id.clone(),
        object: Object {
            at: now,
            egress_version: recording.version(),
            state,
        },
    };
    is_new.then(|| message::observation(&call.id, &object, now))
}

fn over(call: &Call, recording: &Recording) -> Option<Timestamp> {
    call.ended_at().max(recording.ended_at)
}

/// The newest observation wins, also after the clock was set back.
fn after_known(due: &Due, now: Timestamp) -> Timestamp {
    let known = due.call.objects.get(due.delivery.key.item.as_str());
    let after = known.map(|known| known.at + SignedDuration::from_millis(1));
    after.map_or(now, |after| now.max(after))
}

/// A lost egress reported no size: any object that is not empty is accepted as its recording.
fn fits(recording: &Recording, size: u64) -> ObjectState {
    match recording.size {
        Some(reported) if reported != size => ObjectState::OtherSize { size },
        _ if size == 0 => ObjectState::OtherSize { size },
        _ => ObjectState::Found { size },
    }
}

fn lost(reason: LostReason, error: String) -> ObjectState {
    ObjectState::Lost { error, reason }
}

fn forbidden(window: RetryWindow) -> String {
    match window {
        RetryWindow::Open => format!("{FORBIDDEN}{CHECKED_AGAIN}"),
        RetryWindow::Over => FORBIDDEN.to_owned(),
    }
}

/// Whether an object behind a 403 may still turn up.
#[derive(Clone, Copy)]
enum RetryWindow {
    Open,
    Over,
}

fn outcome(state: &ObjectState, window: RetryWindow) -> Outcome {
    let retry = |after, error: String| Outcome::Retry { after, error };
    match state {
        ObjectState::Found { .. } => Outcome::Delivered { again: None },
        ObjectState::Missing => retry(None, "the object is not in the bucket yet".into()),
        ObjectState::OtherSize { size } => retry(
            None,
            format!("the object has {size} bytes, which is not the size that LiveKit reported"),
        ),
        ObjectState::Unknown { error } => retry(None, error.clone()),
        ObjectState::Lost { error, reason } => match (reason, window) {
            // The key's permissions may be corrected; the row says what is wrong meanwhile.
            (LostReason::Forbidden, RetryWindow::Open) => {
                retry(Some(FORBIDDEN_AGAIN), error.clone())
            }
            _ => Outcome::Dead {
                error: error.clone(),
            },
        },
    }
}
