//! Whether many messages wait for intake. They may say that a room is open which is to be recorded; what is only to be looked up of
//! calls that are over can wait for them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many waiting messages take a while.
const MANY: usize = 1024;
/// How long others leave the database to intake: messages may pour in for hours.
const LONGEST: Duration = Duration::from_secs(30);

/// Since when many messages wait, if they do.
#[derive(Default)]
pub(super) struct Backlog(Mutex<Option<Instant>>);

/// What has become of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It goes on, or there is none.
    None,
    /// Its last messages are about to be folded.
    Ended,
}

impl Backlog {
    /// Notes how many messages intake found waiting.
    pub(super) fn note(&self, waiting: usize, now: Instant) -> Change {
        let mut since = self.lock();
        if waiting >= MANY {
            since.get_or_insert(now);
            return Change::None;
        }
        match since.take() {
            Some(_) => Change::Ended,
            None => Change::None,
        }
    }

    /// Whether intake goes first.
    pub(super) fn goes_first(&self, now: Instant) -> bool {
        self.lock()
            .is_some_and(|since| now.duration_since(since) < LONGEST)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intake_goes_first_while_many_messages_wait_but_not_for_ever() {
        let (backlog, began) = (Backlog::default(), Instant::now());
        assert_eq!(backlog.note(MANY - 1, began), Change::None);
        assert!(!backlog.goes_first(began));
        assert_eq!(backlog.note(MANY, began), Change::None);
        assert!(backlog.goes_first(began));
        let later = began + LONGEST / 2;
        assert_eq!(backlog.note(4 * MANY, later), Change::None);
        assert!(backlog.goes_first(later));
        let late = began + LONGEST;
        assert!(!backlog.goes_first(late));
        assert_eq!(backlog.note(0, late), Change::Ended);
        backlog.note(MANY, late);
        assert!(backlog.goes_first(late));
    }
}
