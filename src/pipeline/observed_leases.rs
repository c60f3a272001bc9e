//! The leases of other processes, as this one has seen them.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::lease_times::Times;
use crate::store::Lease;

/// By job.
#[derive(Default)]
pub(super) struct ObservedLeases(BTreeMap<String, Observed>);

struct Observed {
    lease: Lease,
    /// When it was first seen with this beat.
    since: Instant,
    /// When it was last seen.
    looked_at: Instant,
}

impl ObservedLeases {
    /// Whether another process has a lease of its own.
    pub(super) fn has_processes(&self) -> bool {
        self.0.values().any(|seen| seen.lease.is_of_process())
    }

    /// Notes all leases of others; returns those that have not changed for so much time that their owner must be dead.
    pub(super) fn look(&mut self, others: &[Lease], times: Times) -> Vec<Lease> {
        let now = Instant::now();
        self.0
            .retain(|job, _| others.iter().any(|lease| lease.job == *job));
        let mut dead = Vec::new();
        for lease in others {
            let before = self.0.get(&lease.job);
            let unchanged = before.filter(|seen| {
                seen.lease == *lease && now.duration_since(seen.looked_at) <= times.gap()
            });
            let since = unchanged.map_or(now, |seen| seen.since);
            let seen = Observed {
                lease: lease.clone(),
                since,
                looked_at: now,
            };
            self.0.insert(lease.job.clone(), seen);
            if now.duration_since(since) >= times.life {
                dead.push(lease.clone());
            }
        }
        dead
    }
}
