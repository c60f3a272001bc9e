//! The audit trail's own upkeep: refused requests of past hours become lines, and old lines are deleted (AUDIT_KEEP).

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Job, Wake};
use crate::store::Store;

/// How long after its hour another process may still count a refused request.
const LATE: Duration = Duration::from_secs(60);

/// Looks after the audit trail.
pub struct AuditUpkeep {
    store: Store,
    /// AUDIT_KEEP
    keep: Duration,
}

impl AuditUpkeep {
    /// `keep`: AUDIT_KEEP.
    pub fn new(store: Store, keep: Duration) -> AuditUpkeep {
        AuditUpkeep { store, keep }
    }
}

impl Job for AuditUpkeep {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn every(&self) -> Duration {
        self.keep
            .clamp(Duration::from_secs(1), Duration::from_secs(300))
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let hour = (now - LATE).as_second().div_euclid(3600);
        let lines = self.store.seal_refused(hour).await?;
        if !lines.is_empty() {
            let requests: i64 = lines.iter().map(|line| line.requests).sum();
            tracing::info!(
                target: "audit",
                lines = lines.len(),
                requests,
                hash = lines.last().map(|line| line.hash.as_str()),
                "audit: refused requests of the last hour"
            );
            return Ok(true);
        }
        let then = now.checked_sub(self.keep).unwrap_or(Timestamp::MIN);
        Ok(self.store.purge_audit(then).await? > 0)
    }
}
