//! From when on something counts as wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::UNRECORDED_AFTER;

/// How long things may take before they become conditions.
#[derive(Debug, Clone)]
pub struct Thresholds {
    /// How often conditions are checked.
    pub every: Duration,
    /// An open call without a recording.
    pub(super) unrecorded: SignedDuration,
    /// No webhook while rooms are open.
    pub(super) no_webhooks: SignedDuration,
    /// A delivery that has failed at least once, or an unprocessed inbox message.
    pub(super) failed_delivery: SignedDuration,
    /// A delivery that has not failed.
    pub(super) pending_delivery: SignedDuration,
    /// When this process started: webhooks before it are unknown.
    pub(super) started_at: Timestamp,
}

impl Thresholds {
    /// `batching`: how long rows may wait for a request to fill although nothing is wrong (AIRTABLE_MONTHLY_REQUESTS).
    pub fn new(batching: SignedDuration, started_at: Timestamp) -> Thresholds {
        let failed_delivery = SignedDuration::from_mins(10);
        Thresholds {
            every: Duration::from_secs(5),
            unrecorded: UNRECORDED_AFTER,
            no_webhooks: SignedDuration::from_hours(1),
            failed_delivery,
            pending_delivery: failed_delivery + batching,
            started_at,
        }
    }
}
