//! Silence is told: looks for what a person must know of, and tells each trouble once when it begins and once when it
//! is over, on stderr and to ALERT_WEBHOOK_URL.

mod troubles;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use super::{Job, JobStatus, LONG_STEP, Wake, lease::Leases};
use crate::{
    alert,
    domain::alarm::{Alarms, Notice, Trouble, lasted},
    store::{Setting, Store},
};

pub use troubles::Patience;

/// Messages that wait for a hook that does not answer; more are left out, and counted.
const OUTBOX: usize = 20;
/// How often it is said what waits.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
/// What every process looks at.
const EVERYBODYS: [&str; 2] = [troubles::STORE, troubles::LEASES];

pub struct Watch {
    store: Store,
    status: JobStatus,
    leases: Leases,
    alert: Option<alert::Client>,
    limits: Patience,
    /// LIVEKIT_API_KEY
    our_key: String,
    memory: Mutex<Memory>,
}

/// What was told, and what is still to be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    alarms: Alarms,
    outbox: Vec<String>,
    left_out: u64,
    /// When it was last said what waits.
    said_at: Option<Timestamp>,
    /// The database does not have it yet.
    #[serde(skip)]
    unsaved: bool,
}

impl Watch {
    pub fn new(
        store: Store,
        status: JobStatus,
        leases: Leases,
        alert: Option<alert::Client>,
        limits: Patience,
        our_key: String,
    ) -> Watch {
        Watch {
            store,
            status,
            leases,
            alert,
            limits,
            our_key,
            memory: Mutex::default(),
        }
    }

    /// Looks at everything. Who does not hold the lease looks at the database and the leases alone: when they fail,
    /// nobody holds one.
    async fn look(&self, memory: &mut Memory, now: Timestamp) -> anyhow::Result<()> {
        let mut troubles = Vec::new();
        let all = match self.store.check(now).await {
            Ok(()) => {
                troubles.extend(self.unleased(now).await);
                self.leases.holds(self.name())
            }
            Err(error) => {
                troubles.push(troubles::unwritable(&error));
                false
            }
        };
        if all {
            self.remember(memory).await?;
            troubles.extend(self.troubles(now).await?);
            self.say_what_waits(memory, now).await?;
        } else {
            memory.alarms.hold_all_but(&EVERYBODYS, now);
        }
        self.tell(memory, &troubles, now);
        match all {
            true => self.save(memory).await,
            false => {
                memory.unsaved = EVERYBODYS.iter().any(|own| memory.alarms.holds(own));
                Ok(())
            }
        }
    }

    async fn save(&self, memory: &mut Memory) -> anyhow::Result<()> {
        memory.unsaved = true;
        let text = serde_json::to_string(memory)?;
        self.store.set(Setting::Alerts, &text).await?;
        memory.unsaved = false;
        Ok(())
    }

    /// What the process before this one told, or another one.
    async fn remember(&self, memory: &mut Memory) -> anyhow::Result<()> {
        if memory.unsaved {
            return Ok(());
        }
        let stored = self.store.get(Setting::Alerts).await?;
        let stored = stored.and_then(|text| serde_json::from_str(&text).ok());
        *memory = stored.unwrap_or_default();
        Ok(())
    }

    fn tell(&self, memory: &mut Memory, troubles: &[Trouble], now: Timestamp) {
        for notice in memory.alarms.look(troubles, now) {
            match &notice {
                Notice::Begins { condition, text } => tracing::warn!(condition, "{text}"),
                Notice::Over { condition, text } => tracing::info!(condition, "{text}"),
            }
            if self.alert.is_some() {
                memory.outbox.push(notice.text().to_owned());
            }
        }
        let surplus = memory.outbox.len().saturating_sub(OUTBOX);
        memory.outbox.drain(..surplus);
        memory.left_out += surplus as u64;
    }

    /// Sends what is to be told, in order. What is not taken is sent again after a while; nobody waits for it.
    async fn send(&self, memory: &mut Memory) -> anyhow::Result<()> {
        let Some(alert) = &self.alert else {
            return Ok(());
        };
        while let Some(text) = memory.outbox.first() {
            let more = match memory.left_out {
                0 => String::new(),
                count => format!(" ({count} messages before this one were left out.)"),
            };
            alert
                .post(&format!("livekit-airtable: {text}{more}"))
                .await?;
            memory.left_out = 0;
            memory.outbox.remove(0);
            // What could not be saved is saved at the next look.
            self.save(memory).await.ok();
        }
        Ok(())
    }

    /// Once an hour while something waits: how much, and how long the oldest has.
    async fn say_what_waits(&self, memory: &mut Memory, now: Timestamp) -> anyhow::Result<()> {
        let due = memory
            .said_at
            .is_none_or(|at| at > now || now >= at + HOURLY);
        let since = now - SignedDuration::from_mins(1);
        let waiting = match due {
            true => self.store.waiting(since, since).await?,
            false => Vec::new(),
        };
        for stuck in &waiting {
            let age = now.duration_since(stuck.oldest_created_at);
            tracing::warn!(
                sink = %stuck.sink,
                waiting = stuck.count,
                oldest_seconds = age.as_secs(),
                oldest_call = stuck.calls.first(),
                "calls wait to be delivered; the oldest has waited {}",
                lasted(age)
            );
            memory.said_at = Some(now);
        }
        Ok(())
    }
}

impl Job for Watch {
    fn name(&self) -> &'static str {
        troubles::WATCH
    }

    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify {
        &wake.nobody
    }

    fn is_leased(&self) -> bool {
        false
    }

    fn every(&self) -> Duration {
        self.limits.every
    }

    fn patience(&self) -> Duration {
        LONG_STEP
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let mut memory = self.memory.lock().await;
        let looked = self.look(&mut memory, now).await;
        self.send(&mut memory).await?;
        looked.map(|()| false)
    }
}
