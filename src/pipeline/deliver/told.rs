//! What the log says of tries that failed: a reason once, however many calls it hits, and again in an hour.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Attempt, Deliver, Deliverer, Outcome};
use crate::store::Delivery;

const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked whether it is over.
const LOOK: SignedDuration = SignedDuration::from_secs(5);
/// Reasons that are remembered.
const REASONS: usize = 100;

/// What a sink's log has said.
#[derive(Default)]
pub(super) struct Told(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// Reasons and when they were told, the oldest first.
    reasons: Vec<(String, Timestamp)>,
    looked_at: Option<Timestamp>,
}

impl Told {
    /// Whether this reason is to be told now; then it is remembered as told.
    pub fn is_news(&self, reason: &str, now: Timestamp) -> bool {
        let memory = &mut *self.lock();
        let reasons = &mut memory.reasons;
        // A time in the future is a clock that was set back.
        reasons.retain(|(_, at)| *at <= now && now < *at + AGAIN);
        let known = reasons.iter().any(|(told, _)| told == reason);
        if !known {
            if reasons.len() == REASONS {
                reasons.remove(0);
            }
            reasons.push((reason.to_owned(), now));
            // The try that it is of has yet to be written down.
            memory.looked_at = Some(now);
        }
        !known
    }

    /// Whether something was told, and it has not been looked for some seconds whether that is over.
    pub fn is_to_look(&self, now: Timestamp) -> bool {
        let memory = &mut *self.lock();
        let rested = |at: Timestamp| at > now || now >= at + LOOK;
        let due = !memory.reasons.is_empty() && memory.looked_at.is_none_or(rested);
        if due {
            memory.looked_at = Some(now);
        }
        due
    }

    /// It is over: what comes next is news.
    pub fn forget(&self) {
        *self.lock() = Memory::default();
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Deliverer> Deliver<D> {
    pub(super) async fn log(&self, delivery: &Delivery, attempt: &Attempt, now: Timestamp) {
        let (sink, call) = (delivery.key.sink.as_str(), &delivery.key.call_id);
        match &attempt.outcome {
            Outcome::Delivered { .. } => match &attempt.warning {
                None => tracing::debug!(sink, call, "delivered"),
                Some(warning) => {
                    tracing::warn!(sink, call, warning, "delivered, but not all of it")
                }
            },
            Outcome::Wait { .. } => tracing::debug!(sink, call, "too early"),
            Outcome::Retry { error, .. } if self.told.is_news(error, now) => {
                let waiting = self.store.waiting_for(delivery.key.sink).await.ok();
                tracing::warn!(sink, call, waiting, %error, "not delivered; it is tried again, and told again in an hour")
            }
            Outcome::Park { error, .. } if self.told.is_news(error, now) => {
                tracing::warn!(sink, call, %error, "it waits for a person")
            }
            Outcome::Retry { error, .. } | Outcome::Park { error, .. } => {
                tracing::debug!(sink, call, %error, "not delivered, as told before")
            }
            Outcome::Dead { error } => {
                tracing::error!(sink, call, %error, "it cannot be delivered; it is kept")
            }
            Outcome::Superseded => tracing::info!(sink, call, "another process has taken it up"),
            // Told once for the whole sink.
            Outcome::PauseSink { .. } => {}
        }
    }

    /// Says when nothing is left of what the log told.
    pub(super) async fn look_back(&self, now: Timestamp) -> anyhow::Result<()> {
        let sink = self.deliverer.sink();
        if self.told.is_to_look(now) && !self.store.has_failed(sink).await? {
            tracing::info!(
                sink = sink.as_str(),
                "nothing that had failed waits any more"
            );
            self.told.forget();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_reason_is_told_once_an_hour_and_another_at_once() {
        let told = Told::default();
        let news = [
            ("500", 0),
            ("500", 1),
            ("away", 2),
            ("500", 3599),
            ("500", 3600),
        ];
        let news = news.map(|(reason, seconds)| told.is_news(reason, at(seconds)));
        assert_eq!(news, [true, false, true, false, true]);
        assert!(told.is_news("500", at(-100)), "the clock was set back");
    }

    #[test]
    fn it_is_looked_now_and_then_whether_it_is_over() {
        let told = Told::default();
        assert!(!told.is_to_look(at(0)), "nothing was told");
        told.is_news("500", at(0));
        assert_eq!(
            [0, 5, 6, 10].map(|s| told.is_to_look(at(s))),
            [false, true, false, true]
        );
        told.forget();
        assert!(!told.is_to_look(at(100)));
        assert!(told.is_news("500", at(100)), "it is another trouble");
    }
}
