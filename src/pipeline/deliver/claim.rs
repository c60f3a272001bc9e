//! Chooses which deliveries are sent next, if any.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use jiff::Timestamp;

use super::{
    deliverer::{BatchPolicy, Deliverer, Slot},
    dispatch::{Deliver, lock},
    outcome::Outcome,
};
use crate::{
    domain::budget::Month,
    store::{Delivery, DeliveryKey, PausedSink},
};

/// How long a process that the other side does not answer leaves a delivery to the others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(5);
/// How long the other side may take to answer a process that asks whether it does.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

impl<D: Deliverer> Deliver<D> {
    /// Due deliveries that are not in flight: as many as there is capacity for, for sinks with permits only as many as
    /// fit into one request, and one while the sink is paused.
    pub(super) async fn claim(
        &self,
        slot: Option<&Slot>,
        now: Timestamp,
    ) -> anyhow::Result<Vec<Delivery>> {
        let sink = self.deliverer.sink();
        if !sink.has_owner() {
            return self.claim_rows(now).await;
        }
        let in_flight = lock(&self.in_flight).clone();
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
            // Remaining capacity does not justify a request that is not full.
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
        // After an outage, each one was delayed by its own backoff.
        due.sort_by_key(|delivery| delivery.created_at);
        if let BatchPolicy::FinalOnly { since } = policy
            && due.len() < batch
            && due.iter().all(|delivery| delivery.due_since() > since)
        {
            due.clear();
        }
        Ok(due)
    }

    /// Due deliveries that no other process has claimed: as many as there is capacity for. A process that the other side does
    /// not answer takes only what the others have left.
    async fn claim_rows(&self, now: Timestamp) -> anyhow::Result<Vec<Delivery>> {
        let in_flight = lock(&self.in_flight).clone();
        let room = self.deliverer.parallel().saturating_sub(in_flight.len());
        if room == 0 {
            return Ok(Vec::new());
        }
        if !self.store.is_shared() {
            return self.take_rows(&in_flight, room, now).await;
        }
        let has_peers = self.leases.has_peers();
        if has_peers && self.reach.is_check_due() {
            let answers = tokio::time::timeout(ANSWER_TIMEOUT, self.deliverer.answers()).await;
            self.reach.checked(answers.unwrap_or(false));
        }
        let due_by = match has_peers && self.reach.is_lost() {
            true => now - LEFT_TO_OTHERS,
            false => now,
        };
        let sink = self.deliverer.sink();
        let mut claimed = self.store.claim_due(sink, due_by, room as i64).await?;
        // After an outage, each one was delayed by its own backoff.
        claimed.sort_by_key(|delivery| delivery.created_at);
        Ok(claimed)
    }

    /// Of a database that no other process serves, what is in flight is the claim: nothing is written.
    async fn take_rows(
        &self,
        in_flight: &HashSet<DeliveryKey>,
        room: usize,
        now: Timestamp,
    ) -> anyhow::Result<Vec<Delivery>> {
        let sink = self.deliverer.sink();
        if !self.started.load(Ordering::Relaxed) {
            self.store.forget_claims(sink).await?;
            self.started.store(true, Ordering::Relaxed);
        }
        let limit = (room + in_flight.len()) as i64;
        let mut due = self.store.due(sink, now, limit).await?;
        due.retain(|delivery| !in_flight.contains(&delivery.key));
        due.truncate(room);
        due.sort_by_key(|delivery| delivery.created_at);
        Ok(due)
    }

    /// Why the sink is paused, and when it is probed. The first check of this process probes at once; later, only the
    /// holder of the sink's lease pauses it, so an active sink need not be checked.
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
            tracing::warn!(sink = sink.as_str(), %since, %error, "the sink was paused before the restart; probing it now");
        }
        Ok(paused_sink)
    }

    /// A paused sink resumes with the first delivery that has another outcome.
    pub(super) async fn pause_or_resume(
        &self,
        outcome: &Outcome,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let sink = self.deliverer.sink();
        match outcome {
            Outcome::PauseSink { after, error } => {
                // Plan limits and our own limit are per calendar month.
                let probe_at = (now + *after).min(Month::of(now).ends);
                self.store.pause_sink(sink, error, probe_at, now).await?;
                if !self.is_paused.swap(true, Ordering::Relaxed) {
                    tracing::error!(sink = sink.as_str(), %error, "sink paused until the error is fixed; deliveries stay queued; run `livekit-airtable doctor`");
                }
            }
            Outcome::Retry { .. }
            | Outcome::Skipped { .. }
            | Outcome::Wait { .. }
            | Outcome::StaysDead { .. }
            | Outcome::Superseded => {}
            _ => {
                if self.is_paused.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        sink = sink.as_str(),
                        "sink resumed; queued deliveries are being sent"
                    );
                    self.store.resume_sink(sink, now).await?;
                }
            }
        }
        Ok(())
    }
}
