//! The job: a batch of messages at a time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use super::{
    batch::{Batch, ReadMessage, Unproven},
    listed::Listed,
    pace::{LISTED, batch, give_way},
};
use crate::{
    domain::{Call, EgressId, Policy, Sink, Status},
    pipeline::{Job, RunsIn, Wake, backlog::Change},
    store::{
        self, CallUpdate, DueMessage, Fold, MessageOutcome, Processed, Sizes, Store, StoredMessage,
        Turn, UnreadableMessage,
    },
};

/// How often in a row a batch is read again because another process wrote one of its calls at the same time: replicas hear
/// of one call side by side. Each time, one of them has got ahead.
const CONFLICTS: u32 = 20;

/// A message that was read, or one that this version cannot read.
type Read = Result<ReadMessage, UnreadableMessage>;

/// Folds inbox messages into calls; those with large bodies are left to [`LargeIntake`](super::LargeIntake).
pub struct Intake {
    pub store: Store,
    pub policy: Policy,
    /// The configured sinks.
    pub sinks: Vec<Sink>,
    /// What the inbox had when it was last looked through.
    pub listed: Listed,
    pub wake: Arc<Wake>,
}

impl Job for Intake {
    fn name(&self) -> &'static str {
        "intake"
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.intake)
    }

    fn runs_in(&self) -> RunsIn {
        RunsIn::Replicas
    }

    fn every(&self) -> Duration {
        // How long a message waits that another process stored and left: nobody wakes this job for it here.
        Duration::from_millis(250)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let began = Instant::now();
        let messages = self.next(now).await?;
        if messages.is_empty() {
            return Ok(false);
        }
        self.fold_all(&messages, now).await?;
        give_way(&self.store, began).await;
        Ok(true)
    }
}

impl Intake {
    /// The messages of the next batch.
    async fn next(&self, now: Timestamp) -> Result<Vec<DueMessage>, store::Error> {
        let limit = batch(&self.store);
        let messages = self.listed.take(limit);
        if !messages.is_empty() {
            return Ok(messages);
        }
        let waiting = self.store.due_messages(Sizes::Others, now, LISTED).await?;
        if self.wake.backlog.note(waiting.len(), Instant::now().into()) == Change::Ended {
            self.wake.sink(Sink::Storage).notify_one();
        }
        self.listed.add(waiting);
        Ok(self.listed.take(limit))
    }

    /// Folds those of these messages that are still to be processed.
    pub(super) async fn fold_all(
        &self,
        messages: &[DueMessage],
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let mut conflicts = 0;
        loop {
            match self.fold_once(messages, now).await {
                Err(error) if conflicts < CONFLICTS && is_conflict(&error) => conflicts += 1,
                done => return done,
            }
        }
    }

    async fn fold_once(&self, messages: &[DueMessage], now: Timestamp) -> anyhow::Result<()> {
        let (stored, turn) = self.store.messages(messages, now).await?;
        if stored.is_empty() {
            return Ok(());
        }
        // Kept until they are stored: until then there are several copies of a large one.
        let processed = self.process(read(stored, &turn), now).await;
        drop(turn);
        match processed {
            Err(error) if outcome_of_one(&error).is_some() => {
                self.process_one_by_one(messages, now).await
            }
            processed => processed,
        }
    }

    /// Folds messages into their calls, all or none.
    async fn process(&self, messages: Vec<Read>, now: Timestamp) -> anyhow::Result<()> {
        let mut unreadable = Vec::new();
        let readable = messages.into_iter();
        let readable =
            readable.filter_map(|message| message.map_err(|error| unreadable.push(error)).ok());
        let messages: Vec<_> = readable.collect();
        let mut batch = self.begin(&messages).await?;
        unreadable.into_iter().for_each(|one| batch.set_aside(one));
        for message in messages {
            self.add(&mut batch, message, now).await?;
        }
        let updates = batch.updates();
        let fold = Fold {
            updates: &updates,
            processed: &batch.processed,
            waiting: &batch.waiting,
            reports: &batch.reports,
            corrected: &batch.corrected,
            requested: &batch.requested,
            taken_over: &batch.taken_over,
        };
        let written = self.store.commit_fold(fold, &self.sinks, now).await;
        written.context("calls could not be written")?;
        for CallUpdate { call, .. } in &updates {
            log_status(call, batch.status_before.get(&call.id));
            log_places(call, &batch.elsewhere_before);
        }
        self.wake_sinks(&updates);
        if !batch.corrected.is_empty() {
            self.wake.sink(Sink::Mirror).notify_one();
        }
        if !batch.requested.is_empty() {
            self.wake.sink(Sink::Egress).notify_one();
        }
        let is_missing = |update: &CallUpdate| update.call.missing_since().is_some();
        let unproven = batch.unproven == Unproven::Some;
        if unproven || !batch.waiting.is_empty() || updates.iter().any(is_missing) {
            self.wake.reconcile.notify_one();
        }
        self.wake.awaited.wake(&batch.processed);
        self.wake.folded.notify_waiters();
        Ok(())
    }

    /// A message that cannot be folded is set aside, and the others of its batch are processed.
    async fn process_one_by_one(
        &self,
        messages: &[DueMessage],
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (stored, turn) = self.store.messages(messages, now).await?;
        for message in read(stored, &turn) {
            let id = match &message {
                Ok(read) => read.message.id.clone(),
                Err(unreadable) => unreadable.id.clone(),
            };
            let Err(error) = self.process(vec![message], now).await else {
                continue;
            };
            match outcome_of_one(&error) {
                Some(outcome) => self.set_aside(&id, outcome, &error, now).await?,
                None => return Err(error),
            }
        }
        Ok(())
    }

    async fn set_aside(
        &self,
        id: &str,
        outcome: MessageOutcome,
        error: &anyhow::Error,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let error = format!("the call cannot hold this message: {error:#}");
        tracing::warn!(inbox = id, %error, "inbox message set aside; it is kept");
        let processed = [Processed::failed(id, outcome, error)];
        let written = self
            .store
            .commit_fold(Fold::of_processed(&processed), &[], now);
        written.await.context("a message could not be set aside")?;
        self.wake.awaited.wake(&processed);
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

/// Reads messages in their turn.
fn read(messages: Vec<StoredMessage>, turn: &Turn) -> Vec<Read> {
    let messages = messages.into_iter();
    turn.work(|| {
        messages
            .map(|message| message.map(ReadMessage::read))
            .collect()
    })
}

/// Logs a status that has changed. Not the reason: a bucket's or LiveKit's words may hold the room's name, and that a
/// phone number.
fn log_status(call: &Call, before: Option<&Status>) {
    let (call, status) = (&call.id, call.status());
    match status {
        _ if before == Some(&status) => {}
        Status::Failed => tracing::warn!(
            %call,
            "the call is Failed: a recording was requested and is missing; `livekit-airtable calls show {call}` shows why"
        ),
        _ => tracing::info!(%call, "the call is {}", status.label()),
    }
}

/// Logs recordings that are newly known to be outside our bucket.
fn log_places(call: &Call, known: &BTreeSet<EgressId>) {
    let new = call.recordings.values().filter(|recording| {
        recording.place.is_elsewhere() && !known.contains(&recording.egress_id)
    });
    for recording in new {
        let (call, egress, note) = (&call.id, &recording.egress_id, recording.place.note());
        tracing::warn!(%call, %egress, "{note}");
    }
}

/// Whether another process wrote one of the calls at the same time.
fn is_conflict(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<store::Error>();
    error.is_some_and(store::Error::is_conflict)
}

/// The outcome of the message that causes this error, so that the others are processed: the database refuses one of its
/// values, or this version cannot read its call. `None`: the message is not the cause.
fn outcome_of_one(error: &anyhow::Error) -> Option<MessageOutcome> {
    match error.downcast_ref::<store::Error>()? {
        store::Error::Unknown(_) => Some(MessageOutcome::Unreadable),
        error if error.refuses_value() => Some(MessageOutcome::SetAside),
        _ => None,
    }
}
