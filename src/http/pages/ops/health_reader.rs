//! Looks every few seconds how the dependencies are, without a request to Airtable or the mirror: for those, what their
//! deliveries have met with counts.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    health_log::{Dependency, HealthLog},
    state::OpsPages,
};
use crate::{
    domain::Sink,
    pipeline::{JobState, JobStatus},
    storage,
    store::Store,
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(10);
/// The bucket is asked at every so many looks.
const LOOKS: u64 = 6;
/// A step of the clock that is no drift.
const STEP: SignedDuration = SignedDuration::from_secs(2);
/// Nobody puts an object there; what counts is that the bucket answers.
const NO_OBJECT: &str = "livekit-airtable/health";
/// The job that asks LiveKit regularly.
const RECONCILE: &str = "reconcile";

/// Keeps the health page's bars.
pub struct HealthReader {
    log: Arc<HealthLog>,
    store: Store,
    storage: storage::Client,
    status: JobStatus,
    sinks: Vec<Sink>,
    clock: fn() -> Timestamp,
    stop: CancellationToken,
}

impl HealthReader {
    /// Reads for the page of `pages`.
    pub fn new(
        pages: &OpsPages,
        store: Store,
        storage: storage::Client,
        status: JobStatus,
        clock: fn() -> Timestamp,
    ) -> HealthReader {
        HealthReader {
            log: pages.health.clone(),
            store,
            storage,
            status,
            sinks: pages.sinks.clone(),
            clock,
            stop: pages.live.stop.clone(),
        }
    }

    /// Until the service stops.
    pub async fn run(self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.read()).await;
    }

    async fn read(&self) {
        let mut last = ((self.clock)(), Instant::now());
        for look in 1_u64.. {
            sleep(EVERY).await;
            let now = (self.clock)();
            let passed = SignedDuration::try_from(last.1.elapsed()).unwrap_or_default();
            self.note(
                Dependency::Clock,
                clock(now.duration_since(last.0) - passed),
            );
            last = (now, Instant::now());
            self.look(now).await;
            if look % LOOKS == 1 {
                self.bucket().await;
            }
        }
    }

    async fn look(&self, now: Timestamp) {
        let written = self.store.check(now).await;
        let is_written = written.is_ok();
        self.note(
            Dependency::Database,
            written.map_err(|error| error.reason()),
        );
        let disk = match self.store.has_room_for(1) {
            true => Ok(()),
            false => Err("the disk of the database is almost full".to_owned()),
        };
        self.note(Dependency::Disk, disk);
        // Without the database nothing is known of these.
        if is_written {
            self.sinks().await;
        }
    }

    async fn bucket(&self) {
        let answer = self.storage.head(NO_OBJECT).await;
        let answer = answer.map(drop).map_err(|error| error.to_string());
        self.note(Dependency::Bucket, answer);
    }

    async fn sinks(&self) {
        let livekit = match self.status.all().remove(RECONCILE) {
            Some(JobState::Failing(error)) => Some(error),
            _ => None,
        };
        for (of, sink, other) in [
            (Dependency::LiveKit, Sink::Egress, livekit),
            (Dependency::Airtable, Sink::Airtable, None),
            (Dependency::Mirror, Sink::Mirror, None),
        ] {
            if !self.sinks.contains(&sink) {
                continue;
            }
            let Ok(failing) = self.store.failing_sink(sink).await else {
                return;
            };
            let error = other.or(failing);
            self.note(of, error.map_or(Ok(()), Err));
        }
    }

    fn note(&self, of: Dependency, result: Result<(), String>) {
        self.log.note(of, result, (self.clock)());
    }
}

/// `jump`: by how much more the clock went on than time did.
fn clock(jump: SignedDuration) -> Result<(), String> {
    match jump.abs() > STEP {
        false => Ok(()),
        true => Err(format!("the clock was moved by {} s", jump.as_secs())),
    }
}
