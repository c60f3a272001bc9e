//! How much of an egress an event knew.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{egress_status::EgressStatus, nanoseconds};

/// An egress' status and LiveKit's `updatedAt` when something was learnt of it. Stored as `[status, nanoseconds]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(from = "(EgressStatus, i64)", into = "(EgressStatus, i64)")]
pub struct EgressVersion {
    pub status: EgressStatus,
    /// `None` when LiveKit did not send it.
    pub updated_at: Option<Timestamp>,
}

impl From<(EgressStatus, i64)> for EgressVersion {
    fn from((status, updated_at): (EgressStatus, i64)) -> EgressVersion {
        EgressVersion {
            status,
            updated_at: nanoseconds::to_time(updated_at),
        }
    }
}

impl From<EgressVersion> for (EgressStatus, i64) {
    fn from(version: EgressVersion) -> (EgressStatus, i64) {
        (version.status, nanoseconds::of_time(version.updated_at))
    }
}

/// Which of two events about an egress is the newer: an end beats a beginning, then `updatedAt` decides, then the
/// status; the larger is the newer. Stored as `[over, nanoseconds, status]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(bool, i64, EgressStatus)", into = "(bool, i64, EgressStatus)")]
pub struct EventOrder {
    over: bool,
    updated_at: Option<Timestamp>,
    status: EgressStatus,
}

impl From<EgressVersion> for EventOrder {
    fn from(version: EgressVersion) -> EventOrder {
        EventOrder {
            over: version.status.is_over(),
            updated_at: version.updated_at,
            status: version.status,
        }
    }
}

impl From<(bool, i64, EgressStatus)> for EventOrder {
    fn from((over, updated_at, status): (bool, i64, EgressStatus)) -> EventOrder {
        EventOrder {
            over,
            updated_at: nanoseconds::to_time(updated_at),
            status,
        }
    }
}

impl From<EventOrder> for (bool, i64, EgressStatus) {
    fn from(order: EventOrder) -> (bool, i64, EgressStatus) {
        (
            order.over,
            nanoseconds::of_time(order.updated_at),
            order.status,
        )
    }
}
