//! The mirror: notifies EGRESS_WEBHOOK_URL once per ended recording, and again with a correction if its end changes.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{mirror_state::MirrorState, unpriced::Unpriced};
use crate::{
    domain::{
        Call, MirrorFigures, MirrorTranscript, Recording, RevokedRow, Sink,
        call::RecordingEnd,
        figures::{Figures, Prices},
        link::{LinkRules, Linked},
        nanoseconds::seconds,
    },
    mirror::{self, Client},
    pipeline::deliver::{Attempt, BatchPermit, Deliverer, Due, Outcome},
    storage::{self, Method, Served},
    store::{self, Store},
};

/// How long a delivery is tried before it is dead.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(72);
/// How long a message waits for the bucket's answer about a recording whose end has changed, and how often it looks.
const BUCKET: SignedDuration = SignedDuration::from_secs(20);
const LOOK: Duration = Duration::from_secs(1);
/// For the first ten minutes, attempts are at most 30 s apart.
const EAGER: SignedDuration = SignedDuration::from_mins(10);

/// Posts ended recordings to EGRESS_WEBHOOK_URL.
pub struct Mirror {
    pub client: Client,
    pub storage: storage::Client,
    pub links: LinkRules,
    pub store: Store,
    pub transcript: MirrorTranscript,
    pub figures: MirrorFigures,
    /// PRICES_FILE
    pub prices: Option<Arc<Prices>>,
    /// Models without a price that were logged.
    pub unpriced: Unpriced,
}

impl Deliverer for Mirror {
    fn sink(&self) -> Sink {
        Sink::Mirror
    }

    fn parallel(&self) -> usize {
        4
    }

    async fn deliver(&self, due: &[Due], _: BatchPermit, now: Timestamp) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for due in due {
            attempts.push(self.post(due, now).await);
        }
        attempts
    }
}

impl Mirror {
    /// Every figure by name, null where it is unknown; null if no agent reported anything.
    fn figures(&self, call: &Call) -> Value {
        let figures = call.figures(self.prices.as_deref());
        if let Some(figures) = &figures {
            self.unpriced.report(figures.unpriced());
        }
        figures.map_or(Value::Null, |figures: Figures| figures.by_name().collect())
    }

    async fn post(&self, due: &Due, now: Timestamp) -> Attempt {
        let sink_state = &due.delivery.sink_state;
        let delivered = Outcome::Delivered { again: None };
        let Some((recording, end, number)) = to_send(due) else {
            return Attempt::new(delivered, sink_state).did("nothing to send");
        };
        let waited = now.duration_since(due.delivery.created_at);
        if is_outdated(&due.call, recording) && waited.abs() < BUCKET {
            return Attempt::new(Outcome::Wait { after: LOOK }, sink_state);
        }
        let mut state = MirrorState {
            end: Some(end),
            number,
            unconfirmed: true,
        };
        if let Some(attempt) = self.not_remembered(due, &state.to_json()).await {
            return attempt;
        }
        let id = message_id(recording, number);
        let body = match self.body(&due.call, recording, number).await {
            Ok(body) => body,
            Err(error) => {
                let error = error.to_string();
                return Attempt::new(Outcome::Retry { after: None, error }, sink_state);
            }
        };
        let (outcome, status) = match self.client.post(&id, body, now).await {
            mirror::PostOutcome::Delivered { status } => {
                state.unconfirmed = false;
                let what = match number {
                    1 => "sent the end of the recording",
                    _ => "sent a correction",
                };
                let attempt = Attempt::new(delivered, &state.to_json()).did(what);
                return attempt.answered(Some(status));
            }
            mirror::PostOutcome::Retry { error, status } => (retry(due, &error, now), status),
        };
        Attempt::new(outcome, &state.to_json()).answered(status)
    }

    /// Stores the state before its message is sent, because the answer may be lost. `Some`: that failed, and nothing is sent.
    async fn not_remembered(&self, due: &Due, state: &Value) -> Option<Attempt> {
        let before = &due.delivery.sink_state;
        if state == before {
            return None;
        }
        let remembering = self.store.remember(&due.delivery.key, before, state);
        Some(match remembering.await {
            Ok(()) => return None,
            Err(store::Error::Conflict) => Attempt::new(Outcome::Superseded, before),
            Err(error) => {
                let error = format!("{error}; nothing was sent to EGRESS_WEBHOOK_URL");
                Attempt::new(Outcome::Retry { after: None, error }, before)
            }
        })
    }

    async fn body(
        &self,
        call: &Call,
        recording: &Recording,
        number: u32,
    ) -> Result<String, store::Error> {
        let mut body = json!({
            "event": "egress_ended",
            "egress_id": recording.egress_id,
            "room_name": call.room_name,
            "status": if recording.status.is_over() { recording.status.as_str() } else { "failed" },
            "file_results": self.files(call, recording).await?,
            "room_id": call.id,
            "call_id": call.id,
            "error": Some(error(call, recording)).filter(|error| !error.is_empty()),
        });
        if self.transcript == MirrorTranscript::On {
            let text = call.transcript().map(|transcript| transcript.text());
            body["transcript"] = json!(text);
        }
        if self.figures == MirrorFigures::On {
            body["figures"] = self.figures(call);
        }
        if number > 1 {
            body["corrects"] = json!(message_id(recording, number - 1));
        }
        Ok(body.to_string())
    }

    /// The files with bytes, seconds and a playable URL. Empty if no file was created, or not in our bucket.
    async fn files(&self, call: &Call, recording: &Recording) -> Result<Vec<Value>, store::Error> {
        let is_elsewhere = call.is_elsewhere(recording) || call.is_contested(recording);
        if !recording.expects_file() || is_elsewhere {
            return Ok(Vec::new());
        }
        Ok(vec![json!({
            "filename": recording.key,
            "size": recording.size,
            "duration": recording.duration.map(seconds),
            "download_url": self.url(call, recording).await?,
        })])
    }

    /// The permanent link with PUBLIC_URL, else a presigned URL; none after `calls unlink`, as in the row.
    async fn url(
        &self,
        call: &Call,
        recording: &Recording,
    ) -> Result<Option<String>, store::Error> {
        let revocation = self.store.link_revocation(&call.id).await?;
        if revocation.is_some_and(|it| it.row == RevokedRow::Unlinked) {
            return Ok(None);
        }
        let issue = revocation.map(|revocation| revocation.issue(revocation.at));
        let linked = Linked::Recording(&recording.egress_id);
        if let Some(permanent) = self.links.permanent(linked, issue) {
            return Ok(Some(permanent));
        }
        let (key, ttl) = (&recording.key, self.links.ttl);
        let signed = self
            .storage
            .presign(key, ttl, Method::Get, Served::default());
        Ok(signed.await.ok())
    }
}

/// The recording that the delivery is about, its end and the number of the message; `None`: there is nothing to send.
fn to_send(due: &Due) -> Option<(&Recording, RecordingEnd, u32)> {
    let recording = due.call.recordings.get(due.delivery.key.item.as_str())?;
    let end = due.call.recording_end(recording)?;
    // It may have ended just when it gave way to another.
    if !due.call.is_mirrored(recording) {
        return None;
    }
    let number = MirrorState::of(&due.delivery).next(&due.delivery, &end)?;
    Some((recording, end, number))
}

/// After an attempt that failed.
fn retry(due: &Due, error: &str, now: Timestamp) -> Outcome {
    let age = now.duration_since(due.delivery.created_at);
    if age >= GIVE_UP {
        return Outcome::Dead {
            error: format!("{error}; given up after 3 days"),
        };
    }
    let is_eager = age < EAGER && due.delivery.attempts >= 4;
    Outcome::Retry {
        after: is_eager.then_some(Duration::from_secs(25)),
        error: format!("{error}; retrying for 3 days"),
    }
}

/// Whether the bucket's answer is older than what LiveKit last reported of the recording.
fn is_outdated(call: &Call, recording: &Recording) -> bool {
    let known = call.objects.get(&recording.egress_id);
    known.is_some_and(|object| !object.is_of(recording)) && call.must_look_for(recording)
}

/// The recording's error, or that it is not in our bucket. The bucket's outdated answer would contradict the status.
fn error(call: &Call, recording: &Recording) -> String {
    let error = match is_outdated(call, recording) {
        true => call.reported_error(recording),
        false => call.recording_error(recording),
    };
    match error {
        error if error.is_empty() && call.is_elsewhere(recording) => recording.place.note(),
        error => error,
    }
}

/// The `webhook-id` of the n-th message about a recording: the same for every try.
fn message_id(recording: &Recording, number: u32) -> String {
    match number {
        1 => format!("msg_{}", recording.egress_id),
        _ => format!("msg_{}_{number}", recording.egress_id),
    }
}
