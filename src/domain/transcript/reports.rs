//! The reports of one call: which of them counts.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::domain::latest::Latest;

/// The newest report counts. Dated reports compare by their date, undated ones by when they came, and of the two winners
/// the one counts that came last: so the order of the events does not matter. Shared, because a report may have
/// megabytes and a call is copied and compared with every event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reports {
    dated: Option<Latest<Arc<Report>, Timestamp>>,
    undated: Option<Latest<Arc<Report>, Timestamp>>,
}

impl Report {
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Reports {
    /// Keeps the report if it is newer than the one of its sort; `received_at` is by our clock.
    pub fn add(&mut self, report: &Arc<Report>, received_at: Timestamp) {
        let slot = if report.at.is_some() {
            &mut self.dated
        } else {
            &mut self.undated
        };
        let newer = slot.as_ref().is_none_or(|known| {
            let order = (report.at, received_at).cmp(&(known.at, *known.stamp()));
            // Of two with the same times any may win, if it is the same one in every order.
            order.then_with(|| report.json().cmp(&known.json())).is_gt()
        });
        if newer {
            *slot = Some(Latest::new(received_at, Arc::clone(report)));
        }
    }

    /// The report that counts.
    pub fn newest(&self) -> Option<&Report> {
        let all = [&self.dated, &self.undated];
        let newest = all
            .into_iter()
            .flatten()
            .max_by_key(|report| *report.stamp());
        newest.map(|report| report.value().as_ref())
    }
}
