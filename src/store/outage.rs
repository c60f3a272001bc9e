//! Tells that nothing can be stored.

use std::time::Duration;

use tokio::time::Instant;

/// How long it stays quiet after it was told that nothing can be stored.
const CALM: Duration = Duration::from_secs(60);

/// A time in which nothing can be stored: told when it begins and when it ends, not for every request. A disk that
/// takes a small message and no large one comes and goes with each, and is told once in [`CALM`].
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    turned_away: usize,
    is_told: bool,
    told_at: Option<Instant>,
}

impl Outage {
    /// What came of an attempt to store so many messages.
    pub fn tell(&mut self, outcome: &std::result::Result<(), String>, messages: usize) {
        match outcome {
            Ok(()) => self.over(),
            Err(error) => self.lasts(error, messages),
        }
    }

    fn lasts(&mut self, error: &str, messages: usize) {
        self.since.get_or_insert_with(Instant::now);
        self.turned_away += messages;
        let calm = self.told_at.is_none_or(|at| at.elapsed() >= CALM);
        if !self.is_told && calm {
            tracing::error!(
                error,
                "the database cannot be written; senders are told to come again until it can"
            );
            self.is_told = true;
            self.told_at = Some(Instant::now());
        }
    }

    fn over(&mut self) {
        let Some(since) = self.since.take() else {
            return;
        };
        if self.is_told {
            tracing::warn!(
                seconds = since.elapsed().as_secs(),
                turned_away = self.turned_away,
                "the database can be written again"
            );
        }
        self.is_told = false;
        self.turned_away = 0;
    }
}
