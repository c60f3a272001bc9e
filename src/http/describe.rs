//! A call and what is owed of it, as programs see them: in `/v1/calls` and in `calls --json`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    domain::{Call, Sink, nanoseconds},
    store::{AttemptRecord, Delivery, DeliveryState},
};

/// A call as a list shows it.
pub fn call(call: &Call) -> Value {
    let recordings: Vec<Value> = call
        .recordings
        .values()
        .map(|recording| {
            json!({
                "egress_id": recording.egress_id,
                "status": recording.status.as_str(),
                "filename": recording.key,
                "size": recording.size,
                "duration": recording.duration.map(nanoseconds::seconds),
                "started_at": recording.started_at,
                "ended_at": recording.ended_at,
                "object": call.object(recording),
                "error": Some(call.recording_error(recording)).filter(|e| !e.is_empty()),
            })
        })
        .collect();
    json!({
        "call_id": call.id,
        "room_name": call.room_name,
        "status": call.status().as_str(),
        "started_at": call.started_at(),
        "ended_at": call.ended_at(),
        "duration": call.duration().map(nanoseconds::seconds),
        "error": Some(call.error()).filter(|e| !e.is_empty()),
        "recordings": recordings,
    })
}

/// One call with its people and everything that is owed of it.
pub fn detail(of: &Call, deliveries: &[Delivery], now: Timestamp) -> Value {
    let mut body = call(of);
    body["participants"] = json!(of.participants.values().collect::<Vec<_>>());
    body["deliveries"] = deliveries.iter().map(|it| delivery(it, now)).collect();
    body
}

fn delivery(delivery: &Delivery, now: Timestamp) -> Value {
    // Newest first.
    let history = delivery.history.iter().rev();
    let history: Vec<Value> = history.map(|it| one_try(delivery, it)).collect();
    json!({
        "sink": delivery.key.sink.as_str(),
        "part": Some(&delivery.key.item).filter(|part| !part.is_empty()),
        "state": delivery.state.as_str(),
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
        "due_at": delivery.due_at,
        "next": next(delivery, now),
        "history": history,
    })
}

fn one_try(delivery: &Delivery, it: &AttemptRecord) -> Value {
    json!({
        "at": it.at,
        "state": it.state.as_str(),
        "answer": answer(delivery, it),
        "next_at": it.next_at,
    })
}

/// How a try ended, in the other side's words where it had any.
pub fn answer<'a>(delivery: &Delivery, it: &'a AttemptRecord) -> &'a str {
    let success = match delivery.key.sink {
        Sink::Airtable | Sink::Mirror => "delivered",
        Sink::Egress | Sink::Storage => "done",
    };
    it.error.as_deref().unwrap_or(success)
}

/// What happens next, for people.
pub fn next(delivery: &Delivery, now: Timestamp) -> String {
    let later = delivery.due_at.filter(|at| *at > now);
    match (delivery.state, later) {
        (DeliveryState::Pending, None) => {
            "It is due: it is sent as soon as its turn comes.".to_owned()
        }
        (DeliveryState::Pending, Some(at)) if delivery.attempts > 0 => {
            format!("It is tried again at {}.", seconds(at))
        }
        (DeliveryState::Pending, Some(at)) => format!("It is sent at {}.", seconds(at)),
        (DeliveryState::Parked, later) => {
            let probe = later.map_or("now".to_owned(), |at| format!("at {}", seconds(at)));
            format!("It waits for a person and is probed {probe}; `redrive` probes at once.")
        }
        (DeliveryState::Dead, _) => {
            "Nothing, until the call has news or `redrive --dead` sends it again.".to_owned()
        }
        (DeliveryState::Done, None) if delivery.due_at.is_none() => {
            "Nothing is left to do.".to_owned()
        }
        (DeliveryState::Done, later) => {
            let at = later.map_or("now".to_owned(), |at| format!("at {}", seconds(at)));
            format!("It is done; its links are signed anew {at}.")
        }
    }
}

/// A time as people read it: UTC, to the second.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
