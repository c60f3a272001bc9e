//! Whether this process reaches the other side of its sink. One that does not, beside others that may, leaves new
//! deliveries to them: whatever it claims waits until its request has timed out.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::outcome::{Attempt, Contact};

/// How often a process that does not reach the other side tries to.
const CHECK: Duration = Duration::from_secs(5);

/// Of one sink.
#[derive(Default)]
pub(super) struct Reach(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    /// Nothing was sent yet.
    #[default]
    Unknown,
    Reached,
    /// The other side did not answer, and did not when it was last asked.
    Lost {
        checked_at: Instant,
    },
}

impl Reach {
    /// Whether the other side did not answer last, or was not asked yet.
    pub(super) fn is_lost(&self) -> bool {
        !matches!(*self.state(), State::Reached)
    }

    /// Whether it is time to ask the other side again.
    pub(super) fn is_check_due(&self) -> bool {
        match *self.state() {
            State::Unknown => true,
            State::Reached => false,
            State::Lost { checked_at } => checked_at.elapsed() >= CHECK,
        }
    }

    /// The other side was asked whether it answers.
    pub(super) fn checked(&self, answers: bool) {
        *self.state() = match answers {
            true => State::Reached,
            false => State::Lost {
                checked_at: Instant::now(),
            },
        };
    }

    /// What attempts have shown.
    pub(super) fn note(&self, attempts: &[Attempt]) {
        if attempts.iter().any(|it| it.contact == Contact::Lost) {
            self.checked(false);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
