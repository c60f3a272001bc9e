//! Stores the entries of requests, one transaction after the other, beside the requests.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::refusals::Refusals;
use crate::{
    domain::audit::{AuditEntry, Repeats},
    http::error::Problem,
    store::{AuditLine, Store},
    telemetry::LogThrottle,
};

/// Entries of one transaction.
const GROUP: usize = 64;
/// Entries that wait for the database before requests are refused for want of an entry.
const QUEUE: usize = 1024;
/// How long an answer waits for its entry. An entry that takes longer is in the log first.
const STORED_WITHIN: Duration = Duration::from_secs(2);
/// How long the database is left alone after an error, and refused requests are gathered.
const PAUSE: Duration = Duration::from_secs(1);
/// Entries of the hour that are known to be stored.
const REMEMBERED: usize = 10_000;

type Queued = (AuditEntry, oneshot::Sender<()>);

/// Takes the entries of requests.
#[derive(Clone)]
pub struct AuditTrail {
    queue: mpsc::Sender<Queued>,
    refusals: Arc<Refusals>,
    recent: Arc<Mutex<Recent>>,
}

/// What was stored in the last hour that had entries.
#[derive(Default)]
struct Recent {
    hour: i64,
    entries: BTreeSet<String>,
}

/// Stores what the [`AuditTrail`] takes.
pub struct AuditWriter {
    store: Store,
    queue: mpsc::Receiver<Queued>,
    refusals: Arc<Refusals>,
    waiting: Vec<Queued>,
    failures: LogThrottle,
}

impl AuditTrail {
    /// The trail in this database, and its writer, which has to run.
    pub fn new(store: Store) -> (AuditTrail, AuditWriter) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let refusals = Arc::new(Refusals::default());
        let trail = AuditTrail {
            queue: sender,
            refusals: refusals.clone(),
            recent: Arc::default(),
        };
        let writer = AuditWriter {
            store,
            queue,
            refusals,
            waiting: Vec::new(),
            failures: LogThrottle::default(),
        };
        (trail, writer)
    }

    /// Counts a refused request; stored soon.
    pub(super) fn refused(&self, entry: AuditEntry) {
        self.refusals.count(entry);
    }

    /// Whether this process has stored the same in this hour.
    pub(super) fn has_recently(&self, entry: &AuditEntry) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.hour == entry.hour() && recent.entries.contains(&entry.identity())
    }

    /// Stores an entry before its request is answered. If the database takes longer than [`STORED_WITHIN`], the entry is
    /// logged at once and stored later. 503: not even that is possible, because too many entries wait.
    pub(super) async fn record(&self, entry: AuditEntry) -> Result<(), Problem> {
        let (ack, stored) = oneshot::channel();
        let queued = self.queue.try_send((entry.clone(), ack));
        queued.map_err(|_| {
            Problem::unavailable("the audit trail cannot be written; try again in a moment")
        })?;
        let stored = timeout(STORED_WITHIN, stored).await;
        if !matches!(stored, Ok(Ok(()))) {
            log_waiting(&entry);
        }
        if entry.repeats == Repeats::Hourly {
            self.remember(&entry);
        }
        Ok(())
    }

    fn remember(&self, entry: &AuditEntry) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.hour != entry.hour() || recent.entries.len() >= REMEMBERED {
            recent.hour = entry.hour();
            recent.entries.clear();
        }
        recent.entries.insert(entry.identity());
    }
}

impl AuditWriter {
    /// Stores entries until `stop` is cancelled, and then once more what waits.
    pub async fn run(mut self, stop: CancellationToken) {
        // When refused requests may be counted next, and whether there are any.
        let (mut next, mut is_due) = (Instant::now(), false);
        loop {
            let room = GROUP - self.waiting.len();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // What failed is tried again after a pause.
                () = sleep(PAUSE), if !self.waiting.is_empty() => {}
                received = self.queue.recv_many(&mut self.waiting, room), if self.waiting.is_empty() => {
                    // No request can come any more.
                    if received == 0 {
                        break;
                    }
                }
                () = self.refusals.wake.notified(), if !is_due => is_due = true,
                () = sleep_until(next), if is_due => {
                    self.count().await;
                    (next, is_due) = (Instant::now() + PAUSE, false);
                }
            }
            self.append().await;
        }
        while let Ok(queued) = self.queue.try_recv() {
            self.waiting.push(queued);
        }
        self.append().await;
        self.count().await;
    }

    async fn append(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let entries: Vec<AuditEntry> = self.waiting.iter().map(|(it, _)| it.clone()).collect();
        match self.store.append_audit(&entries).await {
            Ok(lines) => {
                lines.iter().for_each(log);
                for (_, stored) in self.waiting.drain(..) {
                    // The request may have been answered without it.
                    stored.send(()).ok();
                }
            }
            Err(error) => self.log_failure(&error.reason()),
        }
    }

    async fn count(&self) {
        let refused = self.refusals.take();
        if refused.is_empty() {
            return;
        }
        if let Err(error) = self.store.count_refused(&refused).await {
            self.log_failure(&error.reason());
            self.refusals.give_back(refused);
            self.refusals.wake.notify_one();
        }
    }

    fn log_failure(&self, error: &str) {
        if self.failures.should_log("audit").is_some() {
            tracing::error!(
                error,
                "the audit trail cannot be written; its lines wait and are tried again"
            );
        }
    }
}

/// A stored line. The hash in a log that is kept elsewhere shows whether the database was changed.
fn log(line: &AuditLine) {
    tracing::info!(
        target: "audit",
        number = line.number,
        who = line.who,
        action = line.action,
        call = line.call_id,
        egress = line.egress_id,
        client = line.client,
        status = line.status,
        hash = line.hash,
        "audit"
    );
}

fn log_waiting(entry: &AuditEntry) {
    tracing::warn!(
        target: "audit",
        who = %entry.who,
        action = entry.action.as_str(),
        call = entry.subject.call_id,
        egress = entry.subject.egress_id,
        client = entry.client,
        status = entry.status,
        "audit: the database has not stored this line yet"
    );
}
