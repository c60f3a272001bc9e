//! What the egress sink remembers of a call.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::serde::timestamp::millisecond};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::{Call, EgressId, call::RecordingRequest},
    livekit::client::{Error, ErrorKind},
    store::Delivery,
};

/// A real egress shows up in ListEgress 0.1-0.5 s after its request.
const SHOWS_UP: SignedDuration = SignedDuration::from_secs(2);

/// Stored with the delivery, so that it holds across a kill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EgressState {
    /// When a start was sent that may have been made. To the millisecond.
    #[serde(
        default,
        with = "millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub sent_at: Option<Timestamp>,
    /// The key that this start requested; identifies its egress if the answer is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// LiveKit refused our key or account at the last try: a request that waits for the outcome need not wait any longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    denied: bool,
    /// LiveKit would refuse the last try again: the same holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
    /// When a start was refused for good: it is not sent again before the call knows. To the millisecond.
    #[serde(
        default,
        with = "millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    given_up_at: Option<Timestamp>,
    /// Another program's egress beside ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) doubled: Option<Doubled>,
}

/// Another program's egress that also records the call, and when it was first seen. To the millisecond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doubled {
    pub(super) by: EgressId,
    #[serde(with = "millisecond::required")]
    pub(super) since: Timestamp,
}

/// What LiveKit's last error means for a request that waits for the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRefusal {
    /// It may pass.
    Transient,
    /// It stays.
    Final,
    /// It stays until the key or the account may do this.
    NotPermitted,
}

/// How long a final refusal may take to reach the call.
const FOLDED: SignedDuration = SignedDuration::from_secs(30);

impl EgressState {
    /// The state in a delivery; an empty one for what this version cannot read.
    pub fn of(delivery: &Delivery) -> EgressState {
        EgressState::deserialize(&delivery.sink_state).unwrap_or_default()
    }

    /// A start is about to be sent.
    pub(super) fn sent(now: Timestamp, key: &str) -> EgressState {
        EgressState {
            sent_at: Some(now),
            key: Some(key.to_owned()),
            ..EgressState::default()
        }
    }

    /// The state after LiveKit answered with this error.
    pub(super) fn after(self, error: &Error) -> EgressState {
        EgressState {
            denied: error.is_denied(),
            refused: error.kind() == ErrorKind::BadRequest,
            ..self
        }
    }

    /// The state after a start was refused for good.
    pub(super) fn given_up(self, now: Timestamp) -> EgressState {
        EgressState {
            given_up_at: Some(now),
            ..self
        }
    }

    /// Whether this request was refused for good a moment ago, and the call does not know yet.
    pub(super) fn has_given_up(
        &self,
        call: &Call,
        request: &RecordingRequest,
        now: Timestamp,
    ) -> bool {
        let is_recent = |at: &Timestamp| now.duration_since(*at).abs() < FOLDED;
        let Some(at) = self.given_up_at.filter(is_recent) else {
            return false;
        };
        let asked_before = request
            .asked_at
            .is_none_or(|asked| asked.as_millisecond() <= at.as_millisecond());
        let known = call.not_started.as_ref();
        asked_before && known.is_none_or(|known| known.at.as_millisecond() < at.as_millisecond())
    }

    /// What LiveKit's last error means.
    pub fn last_refusal(delivery: &Delivery) -> LastRefusal {
        match EgressState::of(delivery) {
            EgressState { denied: true, .. } => LastRefusal::NotPermitted,
            EgressState { refused: true, .. } => LastRefusal::Final,
            _ => LastRefusal::Transient,
        }
    }

    /// How long until a start that was sent would be listed.
    pub(super) fn shows_up_in(&self, now: Timestamp) -> Option<Duration> {
        let age = now.duration_since(self.sent_at?);
        // A time in the future: the clock was set back.
        if age >= SHOWS_UP || age.is_negative() {
            return None;
        }
        Duration::try_from(SHOWS_UP - age).ok()
    }

    /// As it is stored.
    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_another_version_stored_is_read() {
        let at = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let read = |json| EgressState::deserialize(json).unwrap();
        assert_eq!(read(json!({})), EgressState::default());
        let stored = json!({ "sent_at": 1_700_000_000_123_i64, "key": "a.mp3" });
        let sent = read(stored.clone());
        assert_eq!(sent, EgressState::sent(at, "a.mp3"));
        let older = read(json!({ "sent_at": 1_700_000_000_123_i64 }));
        assert_eq!((older.sent_at, older.key), (Some(at), None));
        assert!(read(json!({ "denied": true, "of a later version": 1 })).denied);
        assert_eq!(sent.to_json(), stored);
        assert_eq!(EgressState::default().to_json(), json!({}));
    }
}
