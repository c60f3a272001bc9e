//! Logs that nothing can be stored, once when it begins and once when it is over.

use std::time::Duration;

use tokio::time::Instant;

/// How far apart two reports are at least.
const INTERVAL: Duration = Duration::from_secs(60);

/// A time in which nothing can be stored. A disk that takes a small message and no large one comes and goes with each,
/// and is logged once in [`INTERVAL`].
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    turned_away: usize,
    is_logged: bool,
    logged_at: Option<Instant>,
}

impl Outage {
    /// Notes what came of an attempt to store so many messages.
    pub(super) fn note(&mut self, outcome: &std::result::Result<(), String>, messages: usize) {
        match outcome {
            Ok(()) => self.end(),
            Err(error) => self.go_on(error, messages),
        }
    }

    fn go_on(&mut self, error: &str, messages: usize) {
        self.since.get_or_insert_with(Instant::now);
        self.turned_away += messages;
        let due = self.logged_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if !self.is_logged && due {
            tracing::error!(
                error,
                "the database cannot be written; senders are told to come again until it can"
            );
            self.is_logged = true;
            self.logged_at = Some(Instant::now());
        }
    }

    fn end(&mut self) {
        let Some(since) = self.since.take() else {
            return;
        };
        if self.is_logged {
            tracing::warn!(
                seconds = since.elapsed().as_secs(),
                turned_away = self.turned_away,
                "the database can be written again"
            );
        }
        self.is_logged = false;
        self.turned_away = 0;
    }
}
