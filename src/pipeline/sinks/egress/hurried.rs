//! First attempts while other processes share the work: one that LiveKit does not answer lets another one try.

use std::time::Duration;

use super::sink::Egress;
use crate::{livekit::client::Error, pipeline::deliver::Due};

/// How long LiveKit may take to answer a question before the first starts of a call.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Attempts that give up this soon. LiveKit itself may be slow, and then somebody has to wait.
const ATTEMPTS: i64 = 2;

impl Egress {
    /// Whether another process may try instead.
    pub(super) fn is_hurried(&self, due: &Due) -> bool {
        due.delivery.attempts < ATTEMPTS && self.leases.has_peers()
    }

    /// Asks LiveKit for something that has no effect.
    pub(super) async fn ask<T>(
        &self,
        due: &Due,
        asking: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if !self.is_hurried(due) {
            return asking.await;
        }
        let within = ANSWER_TIMEOUT;
        let answer = tokio::time::timeout(within, asking).await;
        answer.unwrap_or(Err(Error::Silent { within }))
    }
}
