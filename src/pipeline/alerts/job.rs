//! The job that checks conditions and sends notifications.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Notify};

use super::{
    checks,
    condition::{Condition, ConditionKind},
    health::{self, ALERTS},
    outbox::Outbox,
    text::rounded,
    thresholds::Thresholds,
};
use crate::{
    alert,
    pipeline::{Job, JobStatus, LONG_STEP_TIMEOUT, Runner, RunsIn, Wake, leases::Leases},
    store::{Setting, Store},
};

/// How often the deliveries that wait are logged.
const LOG_WAITING_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Deliveries younger than this do not count as waiting.
const RECENT: SignedDuration = SignedDuration::from_mins(1);
/// What every process checks, whether or not it holds the lease.
const CHECKED_BY_ALL: [ConditionKind; 2] = [ConditionKind::Database, ConditionKind::Leases];

/// Checks conditions every few seconds and notifies people.
pub struct Alerts {
    store: Store,
    status: JobStatus,
    leases: Leases,
    webhook: Option<alert::Client>,
    thresholds: Thresholds,
    /// LIVEKIT_API_KEY
    our_key: String,
    outbox: Mutex<Outbox>,
}

impl Alerts {
    /// Alerts of this runner's jobs and of the store. Without a webhook they are in the log only.
    pub fn new(
        store: Store,
        runner: &Runner,
        webhook: Option<alert::Client>,
        thresholds: Thresholds,
        our_key: String,
    ) -> Alerts {
        Alerts {
            store,
            status: runner.status.clone(),
            leases: runner.leases.clone(),
            webhook,
            thresholds,
            our_key,
            outbox: Mutex::default(),
        }
    }

    /// Checks everything. A process without the lease checks the database and the leases alone: when those fail, no
    /// process holds one.
    async fn check(&self, outbox: &mut Outbox, now: Timestamp) -> anyhow::Result<()> {
        let mut conditions = Vec::new();
        let checks_all = match self.store.check(now).await {
            Ok(()) => {
                let unleased = health::unleased(&self.leases, &self.store, now);
                conditions.extend(unleased.await);
                self.leases.holds(self.name())
            }
            Err(error) => {
                conditions.push(health::unwritable(&error));
                false
            }
        };
        if checks_all {
            self.load(outbox).await?;
            conditions.extend(self.conditions(now).await?);
            self.log_waiting(outbox, now).await?;
        } else {
            outbox.active.keep_unchecked(&CHECKED_BY_ALL, now);
        }
        self.notify(outbox, &conditions, now);
        match checks_all {
            true => self.save(outbox).await,
            false => {
                let active = |kind: &ConditionKind| outbox.active.contains(kind);
                outbox.unsaved = CHECKED_BY_ALL.iter().any(active);
                Ok(())
            }
        }
    }

    async fn conditions(&self, now: Timestamp) -> anyhow::Result<Vec<Condition>> {
        let found = checks::find(&self.store, &self.our_key, &self.thresholds, now);
        let mut conditions = found.await?;
        let states = self.status.all().into_iter();
        conditions.extend(states.filter_map(|(job, state)| health::failing(job, state)));
        Ok(conditions)
    }

    fn notify(&self, outbox: &mut Outbox, conditions: &[Condition], now: Timestamp) {
        for notification in outbox.active.update(conditions, now) {
            notification.log();
            if self.webhook.is_some() {
                outbox.push(&notification);
            }
        }
    }

    async fn save(&self, outbox: &mut Outbox) -> anyhow::Result<()> {
        outbox.unsaved = true;
        let text = serde_json::to_string(outbox)?;
        self.store.set(Setting::Alerts, &text).await?;
        outbox.unsaved = false;
        Ok(())
    }

    /// Reads what another process, or the one before this, has alerted.
    async fn load(&self, outbox: &mut Outbox) -> anyhow::Result<()> {
        if outbox.unsaved {
            return Ok(());
        }
        let stored = self.store.get(Setting::Alerts).await?;
        let stored = stored.and_then(|text| serde_json::from_str(&text).ok());
        *outbox = stored.unwrap_or_default();
        Ok(())
    }

    /// Sends the messages in order. One that is refused is sent again by the next step; nothing waits for it.
    async fn send(&self, outbox: &mut Outbox) -> anyhow::Result<()> {
        let Some(webhook) = &self.webhook else {
            return Ok(());
        };
        while let Some(message) = outbox.next() {
            webhook.post(&message).await?;
            outbox.sent();
            // The next check saves it otherwise.
            self.save(outbox).await.ok();
        }
        Ok(())
    }

    /// Logs once an hour how many deliveries wait, and how long the oldest has.
    async fn log_waiting(&self, outbox: &mut Outbox, now: Timestamp) -> anyhow::Result<()> {
        let rested = |at: Timestamp| at > now || now >= at + LOG_WAITING_EVERY;
        if !outbox.logged_at.is_none_or(rested) {
            return Ok(());
        }
        for stuck in self.store.waiting(now - RECENT, now - RECENT).await? {
            let age = now.duration_since(stuck.oldest_created_at);
            tracing::warn!(
                sink = %stuck.sink,
                waiting = stuck.count,
                oldest_seconds = age.as_secs(),
                oldest_call = stuck.calls.first(),
                "deliveries are waiting; the oldest for {}",
                rounded(age)
            );
            outbox.logged_at = Some(now);
        }
        Ok(())
    }
}

impl Job for Alerts {
    fn name(&self) -> &'static str {
        ALERTS
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn runs_in(&self) -> RunsIn {
        RunsIn::Each
    }

    fn every(&self) -> Duration {
        self.thresholds.every
    }

    fn timeout(&self) -> Duration {
        LONG_STEP_TIMEOUT
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let mut outbox = self.outbox.lock().await;
        let checked = self.check(&mut outbox, now).await;
        self.send(&mut outbox).await?;
        checked.map(|()| false)
    }
}
