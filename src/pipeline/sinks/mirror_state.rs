//! The mirror's state: the last message about a recording.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{domain::call::RecordingEnd, store::Delivery};

/// The last message about a recording that was sent; stored with the delivery before it is sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MirrorState {
    /// `None`: nothing was sent, or by a version that did not store it.
    pub(super) end: Option<RecordingEnd>,
    /// Counts the messages about this recording.
    pub(super) number: u32,
    /// It was not acknowledged. It may have arrived all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) unconfirmed: bool,
}

impl MirrorState {
    /// The state in a delivery; an empty one for what this version cannot read.
    pub(super) fn of(delivery: &Delivery) -> MirrorState {
        MirrorState::deserialize(&delivery.sink_state).unwrap_or_default()
    }

    /// The number of the message that is to be sent; `None`: nothing has changed since the last one. A different end never
    /// has the number of a message that may have arrived.
    pub(super) fn next(&self, delivery: &Delivery, end: &RecordingEnd) -> Option<u32> {
        let is_redriven = delivery.delivered == 0;
        match &self.end {
            Some(sent) if sent != end => Some(self.number + 1),
            Some(_) if self.unconfirmed => Some(self.number),
            Some(_) => is_redriven.then_some(self.number),
            // An earlier version delivered it: it is due again only because its end has changed.
            None if !is_redriven => Some(2),
            None => Some(1),
        }
    }

    /// As it is stored.
    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}
