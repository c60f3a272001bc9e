//! What the call still needs of LiveKit: a stop, a start, or nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::state::EgressState;
use crate::{
    domain::{OurBucket, Recording, Sink},
    livekit::client::{Client, Egresses, Error, ErrorKind, Output, Stopped},
    pipeline::{
        Clock,
        deliver::{Attempt, BatchPermit, Contact, Deliverer, Due, Outcome},
        leases::Leases,
        message,
    },
    storage,
    store::Store,
};

/// How soon to retry with a rejected key while the room is open.
pub(super) const UNAUTHORIZED: Duration = Duration::from_secs(15);

/// Starts and stops recordings at LiveKit.
pub struct Egress {
    pub client: Client,
    pub output: Output,
    /// S3_BUCKET, to find out which recordings of others are there.
    pub bucket: OurBucket,
    pub store: Store,
    pub storage: storage::Client,
    /// RECORDING_PATH
    pub path: String,
    /// EGRESS_LOST_AFTER: how long after its end a call is given up if LiveKit reports nothing about it.
    pub lost_after: Duration,
    pub clock: Clock,
    /// Other processes may reach LiveKit if this one does not.
    pub leases: Leases,
}

impl Deliverer for Egress {
    fn sink(&self) -> Sink {
        Sink::Egress
    }

    fn parallel(&self) -> usize {
        64
    }

    async fn answers(&self) -> bool {
        // Any answer will do, also a refusal. No room has this name.
        let listed = self.client.list(Some("?"), Egresses::Running).await;
        listed.err().is_none_or(|error| !error.is_unanswered())
    }

    async fn deliver(&self, due: &[Due], _: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.reconcile(due, now).await);
        }
        attempts
    }
}

impl Egress {
    async fn reconcile(&self, due: &Due, now: Timestamp) -> Attempt {
        let call = &due.call;
        if call.is_others() {
            return self.of_other_project(due, now);
        }
        if let Some(found) = self.found_start(due, now) {
            return found;
        }
        if let Some(recording) = call.to_stop().first() {
            return self.stop(due, recording, now).await;
        }
        if let Some(both) = call.doubled() {
            return self.give_way(due, both, now).await;
        }
        if let Some(pending_request) = call.pending_request() {
            return self.start(due, pending_request, now).await;
        }
        match call.left_by_recorder() {
            Some(left) => self.look_for_end(due, left, now).await,
            None => self
                .refused_for_good(due)
                .unwrap_or_else(|| done(due).did("nothing to start or stop")),
        }
    }

    async fn stop(&self, due: &Due, recording: &Recording, now: Timestamp) -> Attempt {
        let egress_id = &recording.egress_id;
        match self.client.stop(egress_id).await {
            Ok(Stopped::Yes(info)) => {
                tracing::info!(call = %due.call.id, egress = %egress_id, "recording stopped");
                let stopped = done(due).with_messages([message::egress(info, now)]);
                stopped.did(format!("stopped {egress_id}")).answered(OK)
            }
            Ok(Stopped::AlreadyOver) => self.adopt_ends(due, now).await,
            Err(error) => not_stopped(&error, EgressState::of(&due.delivery)),
        }
    }

    /// How the recordings of the call's room ended.
    async fn adopt_ends(&self, due: &Due, now: Timestamp) -> Attempt {
        let room_name = Some(due.call.room_name.as_str());
        match self.client.list(room_name, Egresses::All).await {
            Ok(infos) => done(due)
                .with_messages(infos.into_iter().map(|info| message::egress(info, now)))
                .did("asked how the recordings of the room have ended")
                .answered(OK),
            Err(error) => retry(&error, EgressState::of(&due.delivery)),
        }
    }
}

/// The HTTP status of every answer of LiveKit's that is no error.
pub(super) const OK: Option<u16> = Some(200);

/// What an error shows of the way to LiveKit.
pub(super) fn contact(error: &Error) -> Contact {
    match error.is_unanswered() {
        true => Contact::Lost,
        false => Contact::Made,
    }
}

/// Nothing is left to do; the sink's state stays as it is.
pub(super) fn done(due: &Due) -> Attempt {
    Attempt::new(Outcome::Delivered { again: None }, &due.delivery.sink_state)
}

/// Nothing is sent yet; the sink's state stays as it is.
pub(super) fn wait(due: &Due, after: Duration) -> Attempt {
    Attempt::new(Outcome::Wait { after }, &due.delivery.sink_state)
}

/// How long until `pause` after `since`, a time by LiveKit's clock, which may be ahead of ours; `None`: it is over.
pub(super) fn left(since: Timestamp, pause: SignedDuration, now: Timestamp) -> Option<Duration> {
    let left = (since + pause).duration_since(now).min(pause);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

/// LiveKit did not do what it was asked for, and is asked again.
pub(super) fn retry(error: &Error, state: EgressState) -> Attempt {
    again(error, error.to_string(), state)
}

/// A stop that LiveKit refuses is tried again as well: a recording that goes on is paid for.
fn not_stopped(error: &Error, state: EgressState) -> Attempt {
    let text = format!("The recording could not be stopped: {error}. The service keeps trying.");
    again(error, text, state)
}

fn again(error: &Error, text: String, state: EgressState) -> Attempt {
    let after = (error.kind() == ErrorKind::Unauthorized).then_some(UNAUTHORIZED);
    let outcome = Outcome::Retry { after, error: text };
    Attempt::new(outcome, &state.after(error).to_json())
        .with_contact(contact(error))
        .answered(error.answered())
}
