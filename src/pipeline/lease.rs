//! One owner per job. With PostgreSQL every replica serves HTTP and one at a time runs each job.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use uuid::Uuid;

use super::Clock;
use crate::store::Store;

/// How long a lease lasts without being renewed: the hand-over after a kill.
const LIFE: Duration = Duration::from_secs(12);
const RENEWAL: Duration = Duration::from_secs(3);

/// The leases of this process.
#[derive(Clone)]
pub struct Leases {
    owner: Arc<str>,
    held: Arc<Mutex<BTreeMap<&'static str, bool>>>,
}

impl Default for Leases {
    fn default() -> Leases {
        Leases {
            owner: Uuid::now_v7().to_string().into(),
            held: Arc::default(),
        }
    }
}

impl Leases {
    pub fn want(&self, job: &'static str) {
        self.lock().entry(job).or_insert(false);
    }

    pub fn holds(&self, job: &str) -> bool {
        self.lock().get(job).copied().unwrap_or(false)
    }

    /// Takes and renews the leases of all jobs until it is dropped.
    pub async fn keep(&self, store: &Store, clock: Clock) {
        loop {
            self.renew(store, clock).await;
            tokio::time::sleep(RENEWAL).await;
        }
    }

    /// Takes or renews every lease once.
    pub async fn renew(&self, store: &Store, clock: Clock) {
        let jobs: Vec<&'static str> = self.lock().keys().copied().collect();
        for job in jobs {
            let now = clock();
            let mine = store.lease(job, &self.owner, now, now + LIFE).await;
            // A database that cannot be written gives nobody a lease; a job without one rests.
            self.lock().insert(job, mine.unwrap_or(false));
        }
    }

    /// Gives all leases back, so that another process goes on at once.
    pub async fn release(&self, store: &Store) {
        if let Err(error) = store.release(&self.owner).await {
            tracing::warn!(%error, "the leases could not be given back; they end by themselves in 12 s");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, bool>> {
        self.held
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}
