//! Logs that nothing can be stored.

use tokio::time::Instant;

use crate::telemetry::LogThrottle;

/// The one reason that is throttled, whatever the database says.
const UNWRITABLE: &str = "unwritable";

/// A time in which nothing can be stored: logged when it begins and when it ends, not for every request. On a disk that
/// takes a small message and no large one it begins and ends with each.
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    turned_away: usize,
    throttle: LogThrottle,
}

impl Outage {
    /// The outcome of an attempt to store this many messages.
    pub(super) fn record(&mut self, outcome: &std::result::Result<(), String>, messages: usize) {
        match outcome {
            Ok(()) => self.record_success(),
            Err(error) => self.record_failure(error, messages),
        }
    }

    fn record_failure(&mut self, error: &str, messages: usize) {
        self.since.get_or_insert_with(Instant::now);
        self.turned_away += messages;
        if self.throttle.should_log(UNWRITABLE).is_some() {
            tracing::error!(
                error,
                turned_away = self.turned_away,
                "the database cannot be written; requests are answered 503 until it can"
            );
        }
    }

    fn record_success(&mut self) {
        let Some(since) = self.since.take() else {
            return;
        };
        if self.throttle.should_log_recovery().is_some() {
            tracing::warn!(
                seconds = since.elapsed().as_secs(),
                turned_away = self.turned_away,
                "the database can be written again"
            );
        }
        self.turned_away = 0;
    }
}
