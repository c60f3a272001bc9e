//! A delivery: its state, what happens next, and its attempts.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    names,
    time::{short_length, to_milliseconds},
    waits::Waits,
};
use crate::{
    domain::Sink,
    store::{AttemptRecord, Delivery, Outstanding},
};

/// A delivery of a call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView<'a> {
    /// egress, storage, airtable, mirror
    #[schema(schema_with = names::sink)]
    pub sink: &'static str,
    /// The egress id, where the sink works by recording.
    #[schema(required = true)]
    pub part: Option<&'a str>,
    /// pending, parked, dead, done
    #[schema(schema_with = names::delivery_state)]
    pub state: &'static str,
    /// Attempts since it last succeeded.
    pub attempts: i64,
    /// Why the last attempt failed, in the other side's words where it had any.
    #[schema(required = true)]
    pub last_error: Option<&'a str>,
    /// When it is sent, retried, probed or renewed.
    #[schema(required = true)]
    pub due_at: Option<Timestamp>,
    /// The next step, or what it waits for, as text for people.
    pub next: String,
    /// The last attempts, newest first.
    pub history: Vec<AttemptView<'a>>,
}

/// An attempt that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView<'a> {
    /// When it ended.
    pub at: Timestamp,
    /// The state that it left the delivery in.
    #[schema(schema_with = names::delivery_state)]
    pub state: &'static str,
    /// How it ended, in the other side's words where it had any.
    pub answer: &'a str,
    /// Whether the answer is only that it succeeded.
    #[serde(skip)]
    is_plain: bool,
    /// When the delivery was due next.
    #[schema(required = true)]
    pub next_at: Option<Timestamp>,
    /// Seconds that it took; rows of Airtable are written ten at a time, and take as long as all of them. Null: an earlier version
    /// made the attempt.
    #[schema(required = true)]
    pub duration: Option<f64>,
    /// The HTTP status of the other side's last answer; null: nothing was asked, or nobody answered.
    #[schema(required = true)]
    pub http_status: Option<u16>,
    /// What it did, as text for people: `created the row`.
    #[schema(required = true)]
    pub action: Option<&'a str>,
}

/// A delivery in the list of those that `redrive` retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutstandingView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// LiveKit's name of the room.
    pub room_name: &'a str,
    /// egress, storage, airtable, mirror
    pub sink: &'static str,
    /// The egress id, where the sink works by recording.
    pub part: Option<&'a str>,
    /// pending, parked, dead, done
    pub state: &'static str,
    /// Why the last attempt failed.
    pub last_error: Option<&'a str>,
}

impl<'a> DeliveryView<'a> {
    /// `waits` decides what happens next.
    pub fn new(delivery: &'a Delivery, waits: &Waits) -> DeliveryView<'a> {
        let history = delivery.history.iter().rev();
        DeliveryView {
            sink: delivery.key.sink.as_str(),
            part: filled(&delivery.key.item),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_error: delivery.last_error.as_deref(),
            due_at: waits.due_at(delivery),
            next: waits.next_step(delivery),
            history: history.map(|it| AttemptView::new(delivery, it)).collect(),
        }
    }
}

impl<'a> AttemptView<'a> {
    /// Of a delivery that has it in its history.
    pub fn new(delivery: &Delivery, attempt: &'a AttemptRecord) -> AttemptView<'a> {
        let details = attempt.details.as_ref();
        AttemptView {
            at: attempt.at,
            state: attempt.state.as_str(),
            answer: outcome(delivery, attempt),
            is_plain: attempt.error.is_none(),
            next_at: attempt.next_at,
            duration: details.map(|it| to_milliseconds(it.took.as_secs_f64())),
            http_status: details.and_then(|it| it.http_status),
            action: details.and_then(|it| it.action.as_deref()),
        }
    }

    /// How it ended, for people: what it did, and the answer unless that says no more.
    pub fn result(&self) -> String {
        match self.action {
            Some(action) if self.is_plain => action.to_owned(),
            Some(action) => {
                let more = self.answer.strip_prefix("delivered; ");
                format!("{action}; {}", more.unwrap_or(self.answer))
            }
            None => self.answer.to_owned(),
        }
    }

    /// How long it took: `120 ms`; `None`: nobody knows.
    pub fn took(&self) -> Option<String> {
        self.duration.map(short_length)
    }

    /// The answer's status and how long it took, as far as they are known: `HTTP 200, 120 ms`.
    pub fn measured(&self) -> Option<String> {
        let status = self.http_status.map(|status| format!("HTTP {status}"));
        let known: Vec<String> = [status, self.took()].into_iter().flatten().collect();
        Some(known.join(", ")).filter(|text| !text.is_empty())
    }
}

impl<'a> OutstandingView<'a> {
    /// The delivery as it stood before it was retried.
    pub fn new(outstanding: &'a Outstanding) -> OutstandingView<'a> {
        OutstandingView {
            call_id: &outstanding.key.call_id,
            room_name: &outstanding.room_name,
            sink: outstanding.key.sink.as_str(),
            part: filled(&outstanding.key.item),
            state: outstanding.state.as_str(),
            last_error: outstanding.last_error.as_deref(),
        }
    }
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// How an attempt ended, in the other side's words where it had any.
fn outcome<'a>(delivery: &Delivery, attempt: &'a AttemptRecord) -> &'a str {
    let success = match delivery.key.sink {
        Sink::Airtable | Sink::Mirror => "delivered",
        Sink::Egress | Sink::Storage => "done",
    };
    attempt.error.as_deref().unwrap_or(success)
}
