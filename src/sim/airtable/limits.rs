//! The rate limit of a base: so many requests in any second, and nothing at all for a while after one too many.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A year: a time far off that can still be added to now.
const LONGEST_LOCKOUT: Duration = Duration::from_secs(365 * 86_400);

pub(super) struct Limit {
    most: usize,
    window: Duration,
    lockout: Duration,
    admitted: VecDeque<Instant>,
    locked_until: Option<Instant>,
}

impl Limit {
    /// Rates that are no whole number stretch the window: 0.5 a second is one in any two seconds. 0 is no limit.
    pub fn new(requests_per_second: f64, lockout: Duration) -> Self {
        let (most, window) = if requests_per_second > 0.0 {
            let most = requests_per_second.floor().max(1.0);
            let window = Duration::try_from_secs_f64(most / requests_per_second);
            (most as usize, window.unwrap_or(Duration::MAX))
        } else {
            (usize::MAX, Duration::ZERO)
        };
        Self {
            most,
            window,
            lockout: lockout.min(LONGEST_LOCKOUT),
            admitted: VecDeque::new(),
            locked_until: None,
        }
    }

    /// Locks the base, whoever sent too much.
    pub fn lock(&mut self, now: Instant) {
        self.locked_until = Some(now + self.lockout);
    }

    /// Whether a request that comes now is answered. One too many locks the base; requests during the lockout
    /// are refused and do not make it longer.
    pub fn admit(&mut self, now: Instant) -> bool {
        if self.locked_until.is_some_and(|until| now < until) {
            return false;
        }
        while self
            .admitted
            .front()
            .is_some_and(|&at| now.duration_since(at) >= self.window)
        {
            self.admitted.pop_front();
        }
        if self.admitted.len() >= self.most {
            self.lock(now);
            return false;
        }
        self.admitted.push_back(now);
        true
    }
}
