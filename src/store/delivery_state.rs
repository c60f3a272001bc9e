//! The states of deliveries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{UnknownName, by_name};

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Due now or later.
    Pending,
    /// Needs manual action; probed from time to time.
    Parked,
    /// Failed permanently: not tried again unless the call changes or somebody redrives it.
    Dead,
    /// Delivered; a later `due_at` is when a link in it is renewed.
    Done,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 4] = [
        DeliveryState::Pending,
        DeliveryState::Parked,
        DeliveryState::Dead,
        DeliveryState::Done,
    ];

    /// The states of what is not delivered, in the order of `--delivery`.
    pub const OUTSTANDING: [DeliveryState; 3] = [
        DeliveryState::Pending,
        DeliveryState::Parked,
        DeliveryState::Dead,
    ];

    /// The name in the column `state`, in the API and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Parked => "parked",
            DeliveryState::Dead => "dead",
            DeliveryState::Done => "done",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownName;

    fn from_str(name: &str) -> std::result::Result<DeliveryState, UnknownName> {
        by_name(&DeliveryState::ALL, DeliveryState::as_str, name)
    }
}
