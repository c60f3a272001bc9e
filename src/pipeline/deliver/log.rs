//! What the log says of a try.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::{Answer, Attempt, lock};
use crate::store::{Delivery, sink_name};

/// How often it is said that calls fail again as they did before: while a place is away each of what may be thousands
/// is tried every minute.
const AGAIN: Duration = Duration::from_secs(60);

/// One sink's.
#[derive(Default)]
pub(super) struct Log {
    said_again_at: Mutex<Option<Instant>>,
}

impl Log {
    pub fn say(&self, delivery: &Delivery, Attempt { answer, remark, .. }: &Attempt) {
        let (sink, call) = (sink_name(delivery.key.sink), &delivery.key.call_id);
        match answer {
            Answer::Delivered { .. } => match remark {
                None => tracing::debug!(sink, call, "delivered"),
                Some(remark) => tracing::warn!(sink, call, remark, "delivered, but not all of it"),
            },
            Answer::Wait { .. } => tracing::debug!(sink, call, "too early"),
            Answer::Retry { error, .. } | Answer::Park { error, .. }
                if !self.is_news(delivery, error) =>
            {
                tracing::debug!(sink, call, %error, "as before");
            }
            Answer::Retry { error, .. } => {
                tracing::warn!(sink, call, %error, "not delivered; it is tried again")
            }
            Answer::Park { error, .. } => {
                tracing::warn!(sink, call, %error, "it waits for a person")
            }
            Answer::Dead { error } => {
                tracing::error!(sink, call, %error, "it cannot be delivered; it is kept")
            }
            Answer::Elsewhere => tracing::info!(sink, call, "another process has taken it up"),
            // Told once for the whole sink.
            Answer::Closed { .. } => {}
        }
    }

    /// Whether this call fails for the first time or in other words, or nothing was said of such for a while.
    fn is_news(&self, delivery: &Delivery, error: &str) -> bool {
        if delivery.last_error.as_deref() != Some(error) {
            return true;
        }
        let mut said_at = lock(&self.said_again_at);
        if said_at.is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        *said_at = Some(Instant::now());
        true
    }
}
