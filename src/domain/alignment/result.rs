//! What a call keeps of an alignment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::align::Aligned;
use crate::domain::id::EgressId;

/// The result for one recording and the reports that there were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Alignment {
    /// The recording whose file was listened to.
    pub egress_id: EgressId,
    /// When the newest of the reports arrived, by our clock.
    pub reported_at: Option<Timestamp>,
    /// Milliseconds by which the reports' times are too early; negative: too late.
    pub offset_ms: i64,
    /// How sure that is, in thousandths.
    pub confidence: u16,
}

/// From this confidence on, in thousandths, the offset counts; below, the clocks do.
const SURE: u16 = 500;

impl Alignment {
    /// The result for this recording.
    pub fn new(
        egress_id: &EgressId,
        reported_at: Option<Timestamp>,
        aligned: Aligned,
    ) -> Alignment {
        Alignment {
            egress_id: egress_id.clone(),
            reported_at,
            offset_ms: (aligned.offset * 1e3).round() as i64,
            confidence: (aligned.confidence * 1e3).round() as u16,
        }
    }

    /// Seconds by which the reports' times are corrected; `None`: it is not sure, and the clocks count.
    pub fn offset(&self) -> Option<f64> {
        (self.confidence >= SURE).then_some(self.offset_ms as f64 / 1e3)
    }

    /// How sure it is, from 0 to 1.
    pub fn confidence(&self) -> f64 {
        f64::from(self.confidence) / 1e3
    }
}
