//! A start: only when LiveKit lists no recording of the call, and never twice.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    refusal::{foreign, stays_refused},
    room::{RoomState, absence, unlisted},
    sink::{Egress, OK, done, left, wait},
    state::EgressState,
    unconfirmed::{in_other_session, misplaced, still_misplaced, unconfirmed},
};
use crate::{
    domain::{Call, EventPayload, Room, call::RecordingRequest, event::Observation, is_id},
    livekit::{
        body,
        client::{Egresses, Error, ErrorKind},
    },
    pipeline::{
        deliver::{Attempt, Due, Outcome},
        message,
    },
    store,
};

/// How long LiveKit may take to list a room; after that, the room belongs to another project or is closed.
const LISTED: SignedDuration = SignedDuration::from_secs(10);

impl Egress {
    /// Adopts a recording that runs already, else starts one.
    pub(super) async fn start(
        &self,
        due: &Due,
        pending_request: &RecordingRequest,
        now: Timestamp,
    ) -> Attempt {
        let (call, state) = (&due.call, EgressState::of(&due.delivery));
        if let Some(after) = state.shows_up_in(now).or(restart_wait(call, now)) {
            return wait(due, after);
        }
        if state.has_given_up(call, pending_request, now) {
            return stays_refused(due, due.delivery.last_error.clone().unwrap_or_default());
        }
        match self
            .ask(due, self.awaits_people(call, pending_request, now))
            .await
        {
            Ok(None) => {}
            Ok(Some(after)) => return wait(due, after),
            Err(error) => return self.refused(due, &error, state, now),
        }
        if call.is_open() && call.may_be_foreign(self.client.api_key()) {
            match self.ask(due, self.is_listed(call)).await {
                Ok(true) => {}
                Ok(false) if is_new(due, now) => return not_listed_yet(due),
                Ok(false) => return foreign(due, now),
                Err(error) => return self.refused(due, &error, state, now),
            }
        }
        let listed = match self.ask(due, self.listed(due)).await {
            Ok(listed) => listed,
            Err(error) => return self.refused(due, &error, state, now),
        };
        let fulfils = |info: &&String| self.records(info, call, pending_request);
        let running: Vec<&String> = listed.iter().filter(fulfils).collect();
        if !running.is_empty() {
            tracing::info!(call = %call.id, "adopted a recording that is already running");
            let running = running.into_iter().cloned();
            let adopted = done(due).with_messages(running.map(|info| message::egress(info, now)));
            return adopted
                .did("found a recording that runs already")
                .answered(OK);
        }
        match self.ask(due, self.room_state(call, now)).await {
            Ok(RoomState::Open) => match still_misplaced(&listed, call, &state) {
                Some(other) => in_other_session(due, &other, &state, now),
                None => self.send(due, pending_request).await,
            },
            Ok(RoomState::Unlisted) if is_new(due, now) => not_listed_yet(due),
            Ok(RoomState::Unlisted) => unlisted(due, now),
            Ok(RoomState::Closed) => self.too_late(due, now).with_messages(absence(due, now)),
            Err(error) => self.refused(due, &error, state, now),
        }
    }

    /// The egresses that LiveKit lists of rooms with this name.
    async fn listed(&self, due: &Due) -> Result<Vec<String>, Error> {
        let call = &due.call;
        let sent = EgressState::of(&due.delivery).sent_at;
        // After an unanswered start, a recording that has already ended counts, too.
        let which = match call.is_open() && sent.is_none() {
            true => Egresses::Running,
            false => Egresses::All,
        };
        self.client.list(Some(&call.room_name), which).await
    }

    /// Whether a listed egress records this call into our bucket and fulfils the request.
    fn records(&self, info: &str, call: &Call, pending_request: &RecordingRequest) -> bool {
        let Ok(info) = serde_json::from_str::<Value>(info) else {
            return false;
        };
        let EventPayload::Egress {
            room,
            recording,
            destination,
        } = body::egress(&info, Room::default())
        else {
            return false;
        };
        let here = room.sid == call.id || room.sid.is_empty();
        let id = &recording.egress_id;
        let known = call.recordings.get(id);
        let useless = known.is_some_and(|known| !call.fulfils(known, pending_request));
        here && !useless
            && is_id(id)
            && !pending_request.ended.contains(id)
            && self.bucket.place_of(&destination).is_ours()
    }

    async fn is_listed(&self, call: &Call) -> Result<bool, Error> {
        let rooms = self.client.rooms(&[&call.room_name]).await?;
        Ok(rooms.iter().any(|room| room.sid == call.id))
    }

    async fn send(&self, due: &Due, pending_request: &RecordingRequest) -> Attempt {
        let (call, before) = (&due.call, &due.delivery.sink_state);
        // Everything that takes time comes before: what is remembered is when the start was sent.
        let key = match self.key(call, pending_request, (self.clock)()).await {
            Ok(key) => key,
            Err(error) => return not_stored(&error, before),
        };
        let now = (self.clock)();
        let state = EgressState::sent(now, &key);
        let sink_state = state.to_json();
        match self
            .store
            .remember(&due.delivery.key, before, &sink_state)
            .await
        {
            Ok(()) => {}
            Err(store::Error::Conflict) => return Attempt::new(Outcome::Superseded, before),
            Err(error) => return not_stored(&error, before),
        }
        match self.client.start(&call.room_name, &key, &self.output).await {
            Ok(info) => match misplaced(&info, call) {
                Some(other) => {
                    // The key is the other session's now.
                    self.release(call, &key).await;
                    in_other_session(due, &other, &state, now)
                        .with_messages([message::egress(info, now)])
                }
                None => started(call, info, &sink_state, now),
            },
            // The outcome is unknown: the state stays, and the list is asked first.
            Err(error) if error.kind() == ErrorKind::UnknownOutcome => {
                unconfirmed(due, &error, state, now)
            }
            Err(error) => {
                self.release(call, &key).await;
                let error = self.doubted(call, error).await;
                let absence = absence(due, now).filter(|_| error.kind() == ErrorKind::NotFound);
                let refused = self.refused(due, &error, EgressState::default(), now);
                refused.with_messages(absence)
            }
        }
    }
}

/// LiveKit has started this egress.
fn started(call: &Call, info: String, sink_state: &Value, now: Timestamp) -> Attempt {
    let egress = egress_id(&info);
    tracing::info!(call = %call.id, egress, "recording started");
    metrics::counter!("livekit_airtable_recordings_started_total").increment(1);
    let started = egress.as_deref().map(|egress_id| {
        let egress_id = egress_id.into();
        message::observation(&call.id, &Observation::Started { egress_id }, now)
    });
    let what = egress.as_deref().unwrap_or("a recording");
    Attempt::new(Outcome::Delivered { again: None }, sink_state)
        .did(format!("started {what}"))
        .answered(OK)
        .with_messages([message::egress(info, now)])
        .with_messages(started)
}

/// The database cannot hold what must be stored before a start.
fn not_stored(error: &store::Error, sink_state: &Value) -> Attempt {
    let error = format!("{error}; no recording was started");
    Attempt::new(Outcome::Retry { after: None, error }, sink_state)
}

/// Whether the room is so new that LiveKit may not list it yet.
fn is_new(due: &Due, now: Timestamp) -> bool {
    now < due.delivery.created_at + LISTED
}

fn not_listed_yet(due: &Due) -> Attempt {
    wait(due, Duration::from_secs(1))
}

/// How long a start waits after a recording that died.
fn restart_wait(call: &Call, now: Timestamp) -> Option<Duration> {
    let (pause, died_at) = call.restart_backoff()?;
    left(died_at?, pause, now)
}

fn egress_id(info: &str) -> Option<String> {
    let info: Value = serde_json::from_str(info).ok()?;
    let id = info["egressId"].as_str().filter(|id| is_id(id));
    id.map(str::to_owned)
}
