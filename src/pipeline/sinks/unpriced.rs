//! Models that the price list lacks: the cost of a call that used one is unknown, and the log says so once for each.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The most that are remembered; what comes after them is not logged.
const MOST: usize = 1_000;

/// What was logged since the start; clones share it.
#[derive(Clone, Default)]
pub struct Unpriced(Arc<Mutex<BTreeSet<String>>>);

impl Unpriced {
    /// Logs those of the models and units that were not logged yet.
    pub(super) fn report(&self, unpriced: &BTreeSet<String>) {
        if unpriced.is_empty() {
            return;
        }
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for model in unpriced {
            if logged.len() < MOST && logged.insert(model.clone()) {
                tracing::warn!(
                    model,
                    "PRICES_FILE has no price for this model and unit; calls that used it have no cost. Add it, restart, and run `livekit-airtable replay`"
                );
            }
        }
    }
}
