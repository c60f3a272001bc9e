//! Whether Airtable creates rows. While it does not, new rows wait and existing ones are updated.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    pipeline::{
        budget::until,
        deliver::{Due, Outcome},
    },
    store::{self, Delivery, DeliveryState, Setting, Store},
};

/// After the first refusal, creates are tried again after this time; each further refusal doubles it.
const FIRST_PROBE: Duration = Duration::from_secs(30);
const LONGEST_PROBE: Duration = Duration::from_secs(3600);
/// While one batch probes, the others create no rows for this long.
const PROBING: Duration = Duration::from_secs(60);

/// Shared by the batches of a process.
#[derive(Default)]
pub struct CreateGate(Mutex<State>);

#[derive(Default)]
struct State {
    refusal: Option<CreateRefusal>,
    /// Whether the database is known to hold no refusal.
    is_stored_open: bool,
}

/// Why Airtable creates no rows.
#[derive(Clone)]
struct CreateRefusal {
    error: String,
    tried_at: Timestamp,
    probe_at: Timestamp,
    /// The number of probes; batches that are refused together count once.
    probes: u32,
}

impl CreateRefusal {
    fn outcome(&self, now: Timestamp) -> Outcome {
        Outcome::Park {
            after: until(self.probe_at, now).max(Duration::from_secs(1)),
            error: self.error.clone(),
        }
    }
}

impl CreateGate {
    /// The outcome of new rows that are not sent; `None`: they are sent, as a probe if rows were refused before.
    pub(super) fn check(&self, new: &[&Due], now: Timestamp) -> Option<Outcome> {
        let mut state = self.state();
        let refusal = state.refusal.as_mut().filter(|_| !new.is_empty())?;
        let tried_at = refusal.tried_at;
        let is_asked_for = new.iter().any(|due| is_redriven(&due.delivery, tried_at));
        if refusal.probe_at > now && !is_asked_for {
            return Some(refusal.outcome(now));
        }
        refusal.tried_at = now;
        refusal.probe_at = now + PROBING;
        refusal.probes += 1;
        None
    }

    /// Whether creates were refused, and no row has been created since.
    pub(super) fn is_closed(&self) -> bool {
        self.state().refusal.is_some()
    }

    /// Notes that Airtable refuses new rows although it updates others. Returns the outcome of each new row.
    pub(super) async fn close(&self, store: &Store, error: String, now: Timestamp) -> Outcome {
        let (refusal, is_first) = {
            let mut state = self.state();
            let is_first = state.refusal.is_none();
            let probes = state.refusal.as_ref().map_or(0, |refusal| refusal.probes);
            let wait = FIRST_PROBE * 2_u32.pow(probes.min(7));
            let refusal = CreateRefusal {
                error: error.clone(),
                tried_at: now,
                probe_at: now + wait.min(LONGEST_PROBE),
                probes,
            };
            state.refusal = Some(refusal.clone());
            state.is_stored_open = false;
            (refusal, is_first)
        };
        if is_first {
            tracing::error!(%error, "Airtable creates no new rows; existing rows are updated, and new ones are parked");
        }
        // Another process may have cleared it since. If this fails, the next refusal stores it.
        store.set(Setting::RefusedCreates, &error).await.ok();
        refusal.outcome(now)
    }

    /// Notes that Airtable has created a row. After refusals, the rows that waited for that become due.
    pub(super) async fn open(&self, store: &Store, now: Timestamp) -> Result<(), store::Error> {
        {
            let mut state = self.state();
            state.refusal = None;
            if state.is_stored_open {
                return Ok(());
            }
        }
        if store.creates_work(now).await? {
            tracing::info!("Airtable creates rows again; those that waited are being sent");
        }
        let mut state = self.state();
        // Another batch may have been refused meanwhile.
        state.is_stored_open = state.refusal.is_none();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody has redriven a parked delivery since the last try: it is pending again.
fn is_redriven(delivery: &Delivery, tried_at: Timestamp) -> bool {
    let was_parked = delivery
        .history
        .last()
        .is_some_and(|attempt| attempt.state == DeliveryState::Parked);
    let is_due = delivery.due_at.is_some_and(|due_at| due_at > tried_at);
    was_parked && delivery.state == DeliveryState::Pending && is_due
}
