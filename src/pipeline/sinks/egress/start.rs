//! A start: only when LiveKit lists no recording of the call, and never twice.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    refusal::foreign,
    room::{RoomState, absence, unlisted},
    sink::{Egress, done, left, retry, wait},
    state::EgressState,
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
            let error = due.delivery.last_error.clone().unwrap_or_default();
            return Attempt::new(Outcome::Dead { error }, &due.delivery.sink_state);
        }
        match self.awaits_people(call, pending_request, now).await {
            Ok(None) => {}
            Ok(Some(after)) => return wait(due, after),
            Err(error) => return self.refused(due, &error, state, now),
        }
        if call.is_open() && call.may_be_foreign(self.client.api_key()) {
            match self.is_listed(call).await {
                Ok(true) => {}
                Ok(false) if is_new(due, now) => return not_listed_yet(due),
                Ok(false) => return foreign(due, now),
                Err(error) => return self.refused(due, &error, state, now),
            }
        }
        let running = match self.running(due, pending_request).await {
            Ok(running) => running,
            Err(error) => return self.refused(due, &error, state, now),
        };
        if !running.is_empty() {
            tracing::info!(call = %call.id, "adopted a recording that is already running");
            return done(due)
                .with_messages(running.into_iter().map(|info| message::egress(info, now)));
        }
        match self.room_state(call, now).await {
            Ok(RoomState::Open) => self.send(due, pending_request).await,
            Ok(RoomState::Unlisted) if is_new(due, now) => not_listed_yet(due),
            Ok(RoomState::Unlisted) => unlisted(due, now),
            Ok(RoomState::Closed) => self.too_late(due, now).with_messages(absence(due, now)),
            Err(error) => self.refused(due, &error, state, now),
        }
    }

    /// The recordings that LiveKit lists of this call and that fulfil the request.
    async fn running(
        &self,
        due: &Due,
        pending_request: &RecordingRequest,
    ) -> Result<Vec<String>, Error> {
        let call = &due.call;
        let sent = EgressState::of(&due.delivery).sent_at;
        // After an unanswered start, a recording that has already ended counts, too.
        let which = match call.is_open() && sent.is_none() {
            true => Egresses::Running,
            false => Egresses::All,
        };
        let listed = self.client.list(Some(&call.room_name), which).await?;
        let fulfils = |info: &String| self.records(info, call, pending_request);
        Ok(listed.into_iter().filter(fulfils).collect())
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
        let key = self.key(call, pending_request, (self.clock)()).await;
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
            Err(error) => {
                let error = format!("{error}; no recording was started");
                return Attempt::new(Outcome::Retry { after: None, error }, before);
            }
        }
        match self.client.start(&call.room_name, &key, &self.output).await {
            Ok(info) => {
                let egress = egress_id(&info);
                tracing::info!(call = %call.id, egress, "recording started");
                metrics::counter!("livekit_airtable_recordings_started_total").increment(1);
                let done = Attempt::new(Outcome::Delivered { again: None }, &sink_state);
                let started = egress.map(|egress_id| {
                    let egress_id = egress_id.into();
                    message::observation(&call.id, &Observation::Started { egress_id }, now)
                });
                done.with_messages([message::egress(info, now)])
                    .with_messages(started)
            }
            // The outcome is unknown: the state stays, and the list is asked first.
            Err(error) if error.kind() == ErrorKind::UnknownOutcome => retry(&error, state),
            Err(error) => {
                let error = self.doubted(call, error).await;
                let absence = absence(due, now).filter(|_| error.kind() == ErrorKind::NotFound);
                let refused = self.refused(due, &error, EgressState::default(), now);
                refused.with_messages(absence)
            }
        }
    }
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
