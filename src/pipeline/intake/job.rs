//! The job: a batch of messages at a time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::batch::{Batch, ReadMessage};
use crate::{
    domain::{Call, Policy, Sink, Status},
    pipeline::{Job, Wake},
    store::{self, CallUpdate, InboxMessage, Processed, Store},
};

/// Messages of one transaction.
const BATCH: i64 = 256;

/// Folds inbox messages into calls.
pub struct Intake {
    pub store: Store,
    pub policy: Policy,
    /// The sinks that are configured.
    pub sinks: Vec<Sink>,
    pub wake: Arc<Wake>,
}

impl Job for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.intake)
    }

    fn every(&self) -> Duration {
        // How long a message waits that another replica has taken: nobody wakes this job for it here.
        Duration::from_millis(250)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let messages = self.store.unprocessed(now, BATCH).await?;
        if messages.is_empty() {
            return Ok(false);
        }
        match self.process(messages, now).await {
            Err(error) if cannot_be_stored(&error) => self.process_one_by_one(now).await?,
            processed => processed?,
        }
        Ok(true)
    }
}

impl Intake {
    /// Folds messages into their calls, all or none.
    async fn process(&self, messages: Vec<InboxMessage>, now: Timestamp) -> anyhow::Result<()> {
        let messages: Vec<_> = messages.into_iter().map(ReadMessage::read).collect();
        let mut batch = self.begin(&messages).await?;
        for message in messages {
            self.add(&mut batch, message, now).await?;
        }
        let updates = batch.updates();
        self.store
            .commit_fold(&updates, &batch.processed, &batch.waiting, &self.sinks, now)
            .await
            .context("calls could not be written")?;
        for CallUpdate { call, .. } in &updates {
            log_status(call, batch.status_before.get(&call.id));
        }
        self.wake_sinks(&updates);
        if !batch.waiting.is_empty() {
            self.wake.reconcile.notify_one();
        }
        self.wake.folded.notify_waiters();
        Ok(())
    }

    /// A message that the database cannot store is set aside, and the others of its batch are processed.
    async fn process_one_by_one(&self, now: Timestamp) -> anyhow::Result<()> {
        for message in self.store.unprocessed(now, BATCH).await? {
            let id = message.id.clone();
            match self.process(vec![message], now).await {
                Err(error) if cannot_be_stored(&error) => {
                    let error = format!("what it says cannot be kept in a call: {error:#}");
                    self.set_aside(id, error, now).await?;
                }
                processed => processed?,
            }
        }
        Ok(())
    }

    async fn set_aside(&self, id: String, error: String, now: Timestamp) -> anyhow::Result<()> {
        tracing::warn!(inbox = id, %error, "set aside; it is kept in the inbox");
        let processed = [Processed {
            id,
            call_id: None,
            error: Some(error),
        }];
        let written = self.store.commit_fold(&[], &processed, &[], &[], now);
        written.await.context("a message could not be set aside")?;
        self.wake.folded.notify_waiters();
        Ok(())
    }

    fn wake_sinks(&self, updates: &[CallUpdate]) {
        for due in updates.iter().flat_map(|update| &update.due_deliveries) {
            self.wake.sink(due.sink).notify_one();
        }
    }

    /// A batch with the calls that its messages name by id, read at once.
    async fn begin(&self, messages: &[ReadMessage]) -> anyhow::Result<Batch> {
        let ids: BTreeSet<&str> = messages.iter().filter_map(ReadMessage::call_id).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut batch = Batch::default();
        for id in &ids {
            batch.add(id, None);
        }
        for row in self.store.calls(&ids).await? {
            let id = row.call.id.clone();
            batch.add(&id, Some(row));
        }
        Ok(batch)
    }
}

/// Logs a status that has changed. Not the reason: a bucket's or LiveKit's words may hold the room's name, and that a
/// phone number.
fn log_status(call: &Call, before: Option<&Status>) {
    let (call, status) = (&call.id, call.status());
    match status {
        _ if before == Some(&status) => {}
        Status::Failed => tracing::warn!(
            %call,
            "the call is Failed: it was to be recorded, and no recording is there; `livekit-airtable calls show {call}` says why"
        ),
        _ => tracing::info!(%call, "the call is {}", status.label()),
    }
}

/// Whether the database refuses something that a message says.
fn cannot_be_stored(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<store::Error>();
    error.is_some_and(store::Error::is_of_values)
}
