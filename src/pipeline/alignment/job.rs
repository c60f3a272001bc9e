//! The job: one call after the other, in the background. What it finds goes through the inbox like everything else.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{MOST_ATTEMPTS, again_at},
    draw::Draw,
    listen::{Error, Heard, listen},
};
use crate::{
    domain::{
        Call, EgressId,
        alignment::{Aligned, Alignment, Said},
        event::Observation,
    },
    pipeline::{Job, LONG_STEP_TIMEOUT, Wake, message},
    storage,
    store::Store,
};

/// How often it looks for calls.
const EVERY: Duration = Duration::from_secs(5);

/// Listens to recordings.
pub struct Alignments {
    store: Store,
    storage: storage::Client,
    wake: Arc<Wake>,
    stop: CancellationToken,
}

/// What is to be listened to.
struct Task {
    egress_id: EgressId,
    key: String,
    /// When the newest of the reports arrived.
    reported_at: Option<Timestamp>,
    said: Said,
}

impl Alignments {
    /// `stop` ends a step at once.
    pub fn new(
        store: Store,
        storage: storage::Client,
        wake: Arc<Wake>,
        stop: CancellationToken,
    ) -> Alignments {
        Alignments {
            store,
            storage,
            wake,
            stop,
        }
    }

    /// What there is to do for this call; `None`: nothing any more.
    async fn task(&self, call_id: &str) -> anyhow::Result<Option<Task>> {
        let Some(row) = self.store.call(call_id).await? else {
            return Ok(None);
        };
        let mut call = row.call;
        if call.to_align().is_none() {
            return Ok(None);
        }
        let in_memory = self.store.load_reports(&mut call).await?;
        Ok(in_memory.work(|| task(&call)))
    }

    async fn align(&self, task: &Task) -> Result<Heard, Error> {
        let body = self.storage.read(&task.key).await?;
        listen(body, task.said.clone()).await
    }

    /// Of calls whose words were found, only other recordings are left.
    async fn draw(&self, now: Timestamp) -> anyhow::Result<bool> {
        let draw = Draw {
            store: &self.store,
            storage: &self.storage,
        };
        tokio::select! {
            drawn = draw.next(now) => drawn,
            () = self.stop.cancelled() => Ok(false),
        }
    }

    async fn note(
        &self,
        call_id: &str,
        alignment: Alignment,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let aligned = Observation::Aligned { alignment };
        let observed = message::observation(call_id, &aligned, now);
        self.store.put(observed).await?;
        self.store.end_alignment(call_id).await?;
        self.wake.intake.notify_one();
        Ok(())
    }
}

impl Task {
    fn result(&self, aligned: Aligned) -> Alignment {
        Alignment::new(&self.egress_id, self.reported_at, aligned)
    }
}

fn task(call: &Call) -> Option<Task> {
    let recording = call.to_align()?;
    let said = call.said(call.transcript()?.as_ref());
    said.is_enough().then(|| Task {
        egress_id: recording.egress_id.clone(),
        key: recording.key.clone(),
        reported_at: call.reported_at,
        said,
    })
}

/// Nothing was found, and another attempt would find no more.
const UNSURE: Aligned = Aligned {
    offset: 0.0,
    confidence: 0.0,
};

impl Job for Alignments {
    fn name(&self) -> &'static str {
        "alignment"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn timeout(&self) -> Duration {
        LONG_STEP_TIMEOUT
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let Some(due) = self.store.next_alignment(now).await? else {
            return self.draw(now).await;
        };
        let call_id = due.call_id.as_str();
        let task = match self.task(call_id).await? {
            Some(task) => task,
            None => {
                self.store.end_alignment(call_id).await?;
                return Ok(true);
            }
        };
        // Attempts that ended the process, or took too long, have left no result.
        let is_last = due.attempts >= MOST_ATTEMPTS;
        if due.attempts > MOST_ATTEMPTS {
            self.note(call_id, task.result(UNSURE), now).await?;
            return Ok(true);
        }
        let again_at = again_at(due.attempts, now);
        self.store.begin_alignment(call_id, again_at).await?;
        let heard = tokio::select! {
            heard = self.align(&task) => heard,
            () = self.stop.cancelled() => return Ok(false),
        };
        match heard {
            Ok(Heard { aligned, waveform }) => {
                let waveform = waveform.as_ref();
                self.store.end_waveform(&task.egress_id, waveform).await?;
                self.note(call_id, task.result(aligned), now).await?;
            }
            Err(error) if error.is_transient() && !is_last => {
                tracing::debug!(call_id, %error, "recording could not be fetched; its words keep the times of the clocks until it can be");
            }
            Err(error) => {
                tracing::warn!(call_id, %error, "recording was not listened to; its words keep the times of the clocks");
                self.note(call_id, task.result(UNSURE), now).await?;
            }
        }
        Ok(true)
    }
}
