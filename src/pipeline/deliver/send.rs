//! One batch of deliveries: reads the calls, sends them, stores the outcomes.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task,
    time::Instant,
};

use super::{
    deliverer::{BatchPermit, Deliverer, Due},
    dispatch::{Deliver, lock},
    finish::finish,
    outcome::{Attempt, Outcome},
};
use crate::{
    pipeline::job::LONG_STEP_TIMEOUT,
    store::{Delivery, DeliveryKey},
};

impl<D: Deliverer> Deliver<D> {
    /// Sends a batch and takes it out of the set in flight.
    pub(super) async fn dispatch(self: Arc<Self>, batch: Vec<Delivery>, permit: BatchPermit) {
        let keys: Vec<DeliveryKey> = batch.iter().map(|delivery| delivery.key.clone()).collect();
        let sent = tokio::time::timeout(LONG_STEP_TIMEOUT, self.send(batch, permit)).await;
        let lost = |_| {
            Err(anyhow::anyhow!(
                "timed out; perhaps the database does not answer"
            ))
        };
        let finished = sent.unwrap_or_else(lost).unwrap_or_else(|error| {
            let sink = self.deliverer.sink().as_str();
            tracing::warn!(
                sink,
                error = format!("{error:#}"),
                "the outcome of a delivery could not be stored; the delivery will be sent again"
            );
            Vec::new()
        });
        let is_claimed = self.store.is_shared() && !self.deliverer.sink().has_owner();
        let unfinished = keys
            .iter()
            .filter(|key| is_claimed && !finished.contains(key));
        lock(&self.unfinished).extend(unfinished.cloned());
        lock(&self.in_flight).retain(|key| !keys.contains(key));
        self.wake.sink(self.deliverer.sink()).notify_one();
    }

    /// Returns which deliveries have an outcome that is stored.
    async fn send(
        &self,
        batch: Vec<Delivery>,
        permit: BatchPermit,
    ) -> anyhow::Result<Vec<DeliveryKey>> {
        let (due, large) = self.load(batch).await?;
        // The read may have waited for the database, and another process may own the sink, or the claims, by now.
        if !self.may_send() {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        let attempts = match large {
            Some(_) => apart(self.attempts(&due, permit)).await,
            None => self.attempts(&due, permit).await,
        };
        self.reach.note(&attempts);
        let ended = self.end(due.iter().zip(attempts), began.elapsed()).await;
        self.commit_failed.store(ended.is_err(), Ordering::Relaxed);
        ended
    }

    async fn attempts(&self, due: &[Due], permit: BatchPermit) -> Vec<Attempt> {
        match self.try_to(due, permit).await {
            Some(attempts) => attempts,
            None => self.one_by_one(due).await,
        }
    }

    /// `None`: the sink panicked.
    async fn try_to(&self, due: &[Due], permit: BatchPermit) -> Option<Vec<Attempt>> {
        let sending = AssertUnwindSafe(self.deliverer.deliver(due, permit, (self.clock)()));
        sending.catch_unwind().await.ok()
    }

    /// After a panic: the call that causes it is dead, and the others of its batch are sent.
    async fn one_by_one(&self, due: &[Due]) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for one in due.chunks(1) {
            let alone = match due.len() {
                1 => None,
                _ => self.try_to(one, None).await,
            };
            attempts.extend(alone.unwrap_or_else(|| panicked(one)));
        }
        attempts
    }

    async fn end(
        &self,
        tries: impl Iterator<Item = (&Due, Attempt)>,
        took: Duration,
    ) -> anyhow::Result<Vec<DeliveryKey>> {
        let now = (self.clock)();
        let mut ends = Vec::new();
        for (Due { delivery, .. }, attempt) in tries {
            self.pause_or_resume(&attempt.outcome, now).await?;
            self.log(delivery, &attempt, now).await;
            ends.extend(finish(delivery, attempt, took, now).map(|finish| (delivery, finish)));
        }
        self.store.finish(&ends, now).await?;
        if ends.iter().any(|(_, finish)| !finish.messages.is_empty()) {
            self.wake.intake.notify_one();
        }
        let sink = self.deliverer.sink().as_str();
        for (_, finish) in ends.iter().filter(|(_, finish)| finish.tried) {
            metrics::counter!("livekit_airtable_deliveries_total", "sink" => sink, "state" => finish.state.as_str())
                .increment(1);
        }
        let finished = ends.iter().map(|(delivery, _)| delivery.key.clone());
        Ok(finished.collect())
    }
}

/// Has the thread for itself whenever it runs: a long transcript takes seconds to render, in several places. Other tasks of the
/// thread go on meanwhile. While it waits it has none, so that it can be stopped.
async fn apart<T>(work: impl Future<Output = T>) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => {
            let mut work = pin!(work);
            poll_fn(|context| task::block_in_place(|| work.as_mut().poll(context))).await
        }
        _ => work.await,
    }
}

fn panicked(due: &[Due]) -> Vec<Attempt> {
    let outcome = Outcome::Dead {
        error: "this call could not be delivered because of a bug; run `redrive` after an update"
            .into(),
    };
    due.iter()
        .map(|due| Attempt::new(outcome.clone(), &due.delivery.sink_state))
        .collect()
}
