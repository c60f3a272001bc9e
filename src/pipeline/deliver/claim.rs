//! What is sent next, and whether anything may be.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::{
    deliverer::{BatchPolicy, Deliverer, Slot},
    dispatch::{Deliver, lock},
    outcome::Outcome,
};
use crate::{
    domain::budget::Month,
    store::{Delivery, PausedSink},
};

impl<D: Deliverer> Deliver<D> {
    /// Due deliveries that are not on their way: as many as there is room for, with turns only what one request
    /// carries, and one while the sink is closed.
    pub(super) async fn claim(
        &self,
        slot: Option<&Slot>,
        now: Timestamp,
    ) -> anyhow::Result<Vec<Delivery>> {
        let in_flight = lock(&self.in_flight).clone();
        let sink = self.deliverer.sink();
        if let Some(paused_sink) = self.closed(now).await? {
            let probes = paused_sink.probe_at <= now && in_flight.is_empty();
            return Ok(match probes {
                true => self.store.probe(sink, now).await?.into_iter().collect(),
                false => Vec::new(),
            });
        }
        let batch = self.deliverer.batch();
        let all = (self.deliverer.parallel() * batch).saturating_sub(in_flight.len());
        let room = match slot {
            // What is left over is no reason for a request that is not full.
            Some(_) if all < batch => 0,
            Some(_) => batch,
            None => all,
        };
        if room == 0 {
            return Ok(Vec::new());
        }
        let limit = (room + in_flight.len()) as i64;
        let policy = slot.map_or(BatchPolicy::Everything, |slot| slot.policy);
        let mut due = match policy {
            BatchPolicy::Everything => self.store.due(sink, now, limit).await?,
            BatchPolicy::FinalOnly { .. } => self.store.due_final(sink, now, limit).await?,
        };
        due.retain(|delivery| !in_flight.contains(&delivery.key));
        due.truncate(room);
        // After an outage each was put off by a time of its own.
        due.sort_by_key(|delivery| delivery.created_at);
        if let BatchPolicy::FinalOnly { since } = policy
            && due.len() < batch
            && due.iter().all(|delivery| delivery.due_since() > since)
        {
            due.clear();
        }
        Ok(due)
    }

    /// Why nothing is sent, and when that is tried. The first time this process asks, it is tried at once; later only
    /// who holds the sink's lease closes it, so an open one need not be looked at.
    async fn closed(&self, now: Timestamp) -> anyhow::Result<Option<PausedSink>> {
        let sink = self.deliverer.sink();
        let starts = !self.started.load(Ordering::Relaxed);
        if !starts && !self.is_paused.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if starts {
            self.store.probe_now(sink, now).await?;
        }
        let paused_sink = self.store.paused_sink(sink).await?;
        self.is_paused
            .store(paused_sink.is_some(), Ordering::Relaxed);
        self.started.store(true, Ordering::Relaxed);
        if let Some(PausedSink { error, since, .. }) = paused_sink.as_ref().filter(|_| starts) {
            tracing::warn!(sink = sink.as_str(), %since, %error, "nothing could be sent before the restart; it is tried now");
        }
        Ok(paused_sink)
    }

    /// A closed sink opens with the first delivery that gets an answer of another kind.
    pub(super) async fn pause_or_resume(
        &self,
        outcome: &Outcome,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let sink = self.deliverer.sink();
        match outcome {
            Outcome::PauseSink { after, error } => {
                // Limits of plans and our own count by the month.
                let probe_at = (now + *after).min(Month::of(now).ends);
                self.store.pause_sink(sink, error, probe_at, now).await?;
                if !self.is_paused.swap(true, Ordering::Relaxed) {
                    tracing::error!(sink = sink.as_str(), %error, "nothing is sent until this is mended; everything is kept");
                }
            }
            Outcome::Retry { .. } | Outcome::Wait { .. } | Outcome::Superseded => {}
            _ => {
                if self.is_paused.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        sink = sink.as_str(),
                        "it works again; what waited is sent now"
                    );
                    self.store.resume_sink(sink, now).await?;
                }
            }
        }
        Ok(())
    }
}
