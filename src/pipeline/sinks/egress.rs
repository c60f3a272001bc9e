//! Egress is a sink: the call says "should be recorded", this compares with what LiveKit lists, and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is remembered before it is sent, and none is sent again before
//! LiveKit has been asked.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    domain::{
        Call, EventPayload, Room, Sink,
        call::{NotStarted, RecordingRequest},
        event::Observation,
        path::{self, Fill},
    },
    livekit::{
        body,
        egress::{Client, Error, Kind, Output, Stopped},
    },
    pipeline::{
        Clock,
        deliver::{Attempt, BatchPermit, Deliverer, Due, Outcome},
        message,
    },
    storage::{self, Object},
    store::{self, Delivery, Store},
};

/// A real egress shows up in ListEgress 0.1-0.5 s after its request.
const SHOWS_UP: SignedDuration = SignedDuration::from_secs(2);
/// A room that was last heard of so long ago may have closed unheard, or its events come late, and another of its name be
/// open: LiveKit starts by name, and would record that one twice.
const STALE: SignedDuration = SignedDuration::from_secs(5);
/// How long LiveKit may take to list a room; then it is another project's, or closed.
const LISTED: SignedDuration = SignedDuration::from_secs(10);
/// How soon a wrong key is tried again while the room lives.
const UNAUTHORIZED: Duration = Duration::from_secs(15);
/// Where a delivery's sink state has it that LiveKit refused our key.
const DENIED: &str = "denied";
/// How long a recording waits for the bucket to say whether its key is another call's.
const GLANCE: Duration = Duration::from_secs(1);

pub struct Egress {
    pub client: Client,
    pub output: Output,
    pub store: Store,
    pub storage: storage::Client,
    /// RECORDING_PATH
    pub path: String,
    /// EGRESS_LOST_AFTER: so long after its end a call that LiveKit says nothing of is given up.
    pub lost_after: Duration,
    pub clock: Clock,
}

impl Deliverer for Egress {
    fn sink(&self) -> Sink {
        Sink::Egress
    }

    fn parallel(&self) -> usize {
        64
    }

    async fn deliver(&self, due: &[Due], _: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.deliver_one(due, now).await);
        }
        attempts
    }
}

impl Egress {
    async fn deliver_one(&self, due: &Due, now: Timestamp) -> Attempt {
        let call = &due.call;
        if let Some(recording) = call.to_stop().first() {
            return self.stop(due, &recording.egress_id, now).await;
        }
        match call.pending_request() {
            None => Attempt::new(Outcome::Delivered { again: None }, &due.delivery.sink_state),
            Some(pending_request) => self.start(due, pending_request, now).await,
        }
    }

    async fn stop(&self, due: &Due, egress_id: &str, now: Timestamp) -> Attempt {
        let done = Attempt::new(Outcome::Delivered { again: None }, &due.delivery.sink_state);
        match self.client.stop(egress_id).await {
            Ok(Stopped::Yes(info)) => {
                tracing::info!(call = due.call.id, egress = egress_id, "recording stopped");
                done.with_messages([message::egress(info, now)])
            }
            Ok(Stopped::AlreadyOver) => {
                match self.client.list(Some(&due.call.room_name), false).await {
                    Ok(infos) => {
                        done.with_messages(infos.into_iter().map(|info| message::egress(info, now)))
                    }
                    Err(error) => retry(&error, &due.delivery.sink_state),
                }
            }
            Err(error) => retry(&error, &due.delivery.sink_state),
        }
    }

    async fn start(
        &self,
        due: &Due,
        pending_request: &RecordingRequest,
        now: Timestamp,
    ) -> Attempt {
        let (call, sink_state) = (&due.call, &due.delivery.sink_state);
        if let Some(wait) = shows_up_in(sink_state, now) {
            return Attempt::new(Outcome::Wait { after: wait }, sink_state);
        }
        if call.is_open() && call.may_be_foreign(self.client.api_key()) {
            let name = std::slice::from_ref(&call.room_name);
            match self.client.rooms(name).await {
                Ok(rooms) if rooms.iter().any(|room| room.sid == call.id) => {}
                Ok(_) => return foreign(due, now),
                Err(error) => return self.refused(due, &error, sink_state, now),
            }
        }
        // After a start without an answer one that has ended by now counts, too.
        let running_only = call.is_open() && sink_state["sent_at"].is_null();
        let listed = match self.client.list(Some(&call.room_name), running_only).await {
            Ok(listed) => listed,
            Err(error) => return self.refused(due, &error, sink_state, now),
        };
        let theirs = |info: &String| records(info, call, pending_request);
        let running: Vec<String> = listed.into_iter().filter(theirs).collect();
        if !running.is_empty() {
            tracing::info!(call = call.id, "a recording runs already; it is adopted");
            let messages = running.into_iter().map(|info| message::egress(info, now));
            return Attempt::new(Outcome::Delivered { again: None }, sink_state)
                .with_messages(messages);
        }
        match self.is_open(call, now).await {
            Ok(true) => self.send(due, pending_request).await,
            Ok(false) if call.is_open() && is_new(due, now) => not_listed_yet(sink_state),
            Ok(false) => self.too_late(call, sink_state, now),
            Err(error) => self.refused(due, &error, sink_state, now),
        }
    }

    /// Whether the room of this name that is open now is this call's.
    async fn is_open(&self, call: &Call, now: Timestamp) -> Result<bool, Error> {
        let heard_lately = call.alive_at.is_none_or(|at| at + STALE > now);
        if !call.is_open() || heard_lately {
            return Ok(call.is_open());
        }
        let rooms = self
            .client
            .rooms(std::slice::from_ref(&call.room_name))
            .await?;
        Ok(rooms.iter().any(|room| room.sid == call.id))
    }

    async fn send(&self, due: &Due, pending_request: &RecordingRequest) -> Attempt {
        let call = &due.call;
        let before = &due.delivery.sink_state;
        // All that takes time has been asked before: what is remembered is when the start was sent.
        let key = self.key(call, pending_request, (self.clock)()).await;
        let now = (self.clock)();
        let sink_state = json!({ "sent_at": now.as_millisecond() });
        match self
            .store
            .remember(&due.delivery.key, before, &sink_state)
            .await
        {
            Ok(()) => {}
            Err(store::Error::Conflict) => return Attempt::new(Outcome::Superseded, before),
            Err(error) => {
                let error = format!("{error}; nothing was started");
                return Attempt::new(Outcome::Retry { after: None, error }, before);
            }
        }
        match self.client.start(&call.room_name, &key, &self.output).await {
            Ok(info) => {
                let egress = egress_id(&info);
                tracing::info!(call = call.id, egress, "recording started");
                metrics::counter!("livekit_airtable_recordings_started_total").increment(1);
                let done = Attempt::new(Outcome::Delivered { again: None }, &sink_state);
                done.with_messages([message::egress(info, now)])
            }
            // Nobody knows what became of it: the sink state stays, and the list is asked first.
            Err(error) if error.kind() == Kind::Unanswered => retry(&error, &sink_state),
            Err(error) => self.refused(due, &error, &json!({}), now),
        }
    }

    /// Where the recording goes: not onto another call's, which would then be lost and played from both rows.
    async fn key(&self, call: &Call, pending_request: &RecordingRequest, now: Timestamp) -> String {
        let fill = Fill {
            room_id: pending_request.path_id.as_deref().unwrap_or(&call.id),
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let taken = |key: &str| call.recordings.values().any(|r| r.key == key);
        let key = path::key(&self.path, &fill, taken);
        // What the bucket and the store do not tell yet: another call's recording that begins at this moment.
        let by_id = self.path.contains("{room_id}");
        let apart = match &pending_request.path_id {
            None if by_id => return key,
            Some(id) if by_id => !path::is_anothers_id(id, &call.id),
            _ => path::is_apart_by_name(&self.path, &call.room_name),
        };
        if apart && !self.is_anothers(&key, call).await {
            return key;
        }
        let fill = Fill {
            room_id: &call.id,
            ..fill
        };
        path::key(&path::with_room_id(&self.path), &fill, taken)
    }

    /// Whether another call's recording has or will have this key. A bucket that does not say keeps no call waiting.
    async fn is_anothers(&self, key: &str, call: &Call) -> bool {
        let others = self.store.calls_named(&call.room_name, 10).await;
        let mut others = others.unwrap_or_default().into_iter();
        let has_it = |other: &Call| other.recordings.values().any(|r| r.key == key);
        if others.any(|row| row.call.id != call.id && has_it(&row.call)) {
            return true;
        }
        let head = tokio::time::timeout(GLANCE, self.storage.head(key)).await;
        matches!(head, Ok(Ok(Object::Found { .. })))
    }

    /// The room closed before a recording could be started.
    fn too_late(&self, call: &Call, sink_state: &Value, now: Timestamp) -> Attempt {
        let closed = "The room had closed before a recording could be started.";
        let error = match &call.not_started {
            Some(told) => told.error.clone(),
            None if call.may_be_foreign(self.client.api_key()) => format!(
                "{closed} Its webhooks are signed with {} and not with LIVEKIT_API_KEY: if that key is of another LiveKit \
                 project, its calls cannot be recorded here.",
                signers(call)
            ),
            None => closed.to_owned(),
        };
        let told = Observation::NotStarted {
            error,
            no_room: true,
            over: true,
        };
        Attempt::new(Outcome::Delivered { again: None }, sink_state)
            .with_messages([message::observation(&call.id, &told, now)])
    }

    /// LiveKit refused: what cannot work is over, what may pass is tried again while the room lives; both are told.
    fn refused(&self, due: &Due, error: &Error, sink_state: &Value, now: Timestamp) -> Attempt {
        let kind = error.kind();
        let ended = due.call.ended_at();
        let too_late = ended.is_some_and(|ended| now >= ended + self.lost_after);
        let over = too_late || matches!(kind, Kind::BadRequest | Kind::NotFound);
        let told = NotStarted {
            at: now,
            error: format!("The recording could not be started: {error}."),
            no_room: kind == Kind::NotFound,
            over,
        };
        let known = due.call.not_started.as_ref();
        let news = known.is_none_or(|known| known.error != told.error || over);
        let text = told.text(due.call.is_open());
        let told = Observation::NotStarted {
            error: told.error,
            no_room: told.no_room,
            over,
        };
        let outcome = match kind {
            _ if over => Outcome::Dead { error: text },
            Kind::Unauthorized => Outcome::Retry {
                after: Some(UNAUTHORIZED),
                error: text,
            },
            _ => Outcome::Retry {
                after: None,
                error: text,
            },
        };
        let messages = news.then(|| message::observation(&due.call.id, &told, now));
        Attempt::new(outcome, &remembering(error, sink_state)).with_messages(messages)
    }
}

/// Whether LiveKit may not list the room yet.
fn is_new(due: &Due, now: Timestamp) -> bool {
    now < due.delivery.created_at + LISTED
}

fn not_listed_yet(sink_state: &Value) -> Attempt {
    let after = Duration::from_secs(1);
    Attempt::new(Outcome::Wait { after }, sink_state)
}

/// Our project does not list a room that only another key's webhooks told of: it is not ours to record, and starting
/// by its name might record a room of ours that has the same.
fn foreign(due: &Due, now: Timestamp) -> Attempt {
    let (call, sink_state) = (&due.call, &due.delivery.sink_state);
    if is_new(due, now) {
        return not_listed_yet(sink_state);
    }
    let error = format!(
        "The recording could not be started: the call is in another LiveKit project than LIVEKIT_API_KEY's. Its webhooks \
         are signed with {}, and a key can record in its own project only.",
        signers(call)
    );
    tracing::warn!(call = call.id, signed_by = %signers(call), "a call of another LiveKit project cannot be recorded with LIVEKIT_API_KEY");
    let told = Observation::NotStarted {
        error,
        no_room: false,
        over: true,
    };
    Attempt::new(Outcome::Delivered { again: None }, sink_state)
        .with_messages([message::observation(&call.id, &told, now)])
}

fn signers(call: &Call) -> String {
    let keys: Vec<&str> = call.signers.iter().map(String::as_str).collect();
    keys.join(", ")
}

/// How long until a start that was sent would be listed.
fn shows_up_in(sink_state: &Value, now: Timestamp) -> Option<Duration> {
    let sent_at = Timestamp::from_millisecond(sink_state["sent_at"].as_i64()?).ok()?;
    let age = now.duration_since(sent_at);
    // A time in the future is a clock that was set back.
    if age >= SHOWS_UP || age.is_negative() {
        return None;
    }
    Duration::try_from(SHOWS_UP - age).ok()
}

/// Whether a listed egress records this call and fulfils the wish.
fn records(info: &str, call: &Call, pending_request: &RecordingRequest) -> bool {
    let Ok(info) = serde_json::from_str::<Value>(info) else {
        return false;
    };
    match body::egress(&info, Room::default()) {
        EventPayload::Egress { room, recording } => {
            let here = room.sid == call.id || room.sid.is_empty();
            here && !pending_request.ended.contains(&recording.egress_id)
        }
        _ => false,
    }
}

fn egress_id(info: &str) -> Option<String> {
    let info: Value = serde_json::from_str(info).ok()?;
    info["egressId"].as_str().map(str::to_owned)
}

fn retry(error: &Error, sink_state: &Value) -> Attempt {
    let sink_state = remembering(error, sink_state);
    let after = (error.kind() == Kind::Unauthorized).then_some(UNAUTHORIZED);
    let error = error.to_string();
    Attempt::new(Outcome::Retry { after, error }, &sink_state)
}

/// The sink state, with whether it was our key that LiveKit refused: who waits for an answer is told at once.
fn remembering(error: &Error, sink_state: &Value) -> Value {
    let mut sink_state = sink_state.clone();
    if let Some(sink_state) = sink_state.as_object_mut() {
        sink_state.remove(DENIED);
        if error.kind() == Kind::Unauthorized {
            sink_state.insert(DENIED.to_owned(), Value::Bool(true));
        }
    }
    sink_state
}

/// Whether LiveKit refused our key at the last try.
pub fn was_denied(delivery: &Delivery) -> bool {
    delivery.attempts > 0 && delivery.sink_state[DENIED] == Value::Bool(true)
}
