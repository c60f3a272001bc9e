//! How long leases last.

use std::time::Duration;

use crate::store::Store;

/// The times of the leases in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// How long a lease lasts without renewal: the time to take over after a kill.
    pub(super) life: Duration,
    /// How long before the end of its lease an owner starts nothing new.
    margin: Duration,
    /// How long one renewal may take. A connection that a pooler does not give must not cost the lease: the next attempt
    /// may get another one.
    pub(super) attempt: Duration,
    /// The rest between two renewals.
    pub(super) renewal: Duration,
    /// How often a process that waits for a lease checks it: the time to take over after a SIGTERM.
    pub(super) look: Duration,
}

/// Replicas: within 5 s of a kill, everything that the dead one had goes on in another.
const SHARED: Times = Times {
    life: Duration::from_millis(3500),
    margin: Duration::from_secs(1),
    attempt: Duration::from_millis(1200),
    renewal: Duration::from_millis(500),
    look: Duration::from_millis(500),
};

/// A file that one process serves: nobody waits for its leases, and each renewal is written to the disk.
const ALONE: Times = Times {
    life: Duration::from_secs(10),
    margin: Duration::from_secs(3),
    attempt: Duration::from_secs(10),
    renewal: Duration::from_secs(3),
    look: Duration::from_secs(1),
};

impl Times {
    /// Those of this database.
    pub(super) fn of(store: &Store) -> Times {
        match store.is_shared() {
            true => SHARED,
            false => ALONE,
        }
    }

    /// How long a lease is used from when the database was asked to renew it.
    pub(super) fn held(self) -> Duration {
        self.life - self.margin
    }

    /// The longest between two looks at a lease that both count: a process that could not look, because the database did
    /// not answer or it was itself stopped, knows nothing of others meanwhile.
    pub(super) fn gap(self) -> Duration {
        self.life / 2
    }
}
