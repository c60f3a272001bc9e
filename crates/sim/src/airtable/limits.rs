//! Rate limits of bases and tokens: a number of requests in any second, and a lockout after one too many.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;

/// A year: never, for practical purposes, and still in the range of `Instant`.
const LONGEST_LOCKOUT: Duration = Duration::from_secs(365 * 86_400);

/// The limits of all bases and tokens.
pub(super) struct Limits {
    base: Limit,
    token: Limit,
    bases: HashMap<String, Limit>,
    tokens: HashMap<String, Limit>,
}

impl Limits {
    /// No request has been counted yet.
    pub(super) fn new(options: &Options) -> Self {
        let lockout = options.lockout;
        Self {
            base: Limit::new(options.requests_per_second, lockout),
            token: Limit::new(options.token_requests_per_second, lockout),
            bases: HashMap::new(),
            tokens: HashMap::new(),
        }
    }

    /// Counts a request and says whether it is within the limits.
    pub(super) fn admit(&mut self, token: &str, base: Option<&str>, now: Instant) -> bool {
        let of_token = self.tokens.entry(token.to_owned());
        let of_token = of_token.or_insert_with(|| self.token.clone());
        of_token.admit(now) && base.is_none_or(|base| self.of_base(base).admit(now))
    }

    /// Locks a base out, as after one request too many.
    pub(super) fn lock(&mut self, base: &str, now: Instant) {
        self.of_base(base).lock(now);
    }

    fn of_base(&mut self, base: &str) -> &mut Limit {
        let of_base = self.bases.entry(base.to_owned());
        of_base.or_insert_with(|| self.base.clone())
    }
}

#[derive(Clone)]
struct Limit {
    most: usize,
    window: Duration,
    lockout: Duration,
    admitted: VecDeque<Instant>,
    locked_until: Option<Instant>,
}

impl Limit {
    /// Fractional rates stretch the window: 0.5 a second is one in any two seconds. 0 is no limit.
    fn new(requests_per_second: f64, lockout: Duration) -> Self {
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

    fn lock(&mut self, now: Instant) {
        self.locked_until = Some(now + self.lockout);
    }

    /// One request too many starts a lockout; requests during the lockout are refused and do not extend it.
    fn admit(&mut self, now: Instant) -> bool {
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
