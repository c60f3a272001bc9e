//! Logs a reason once, however often it recurs, and again after a while.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// How soon a reason is logged again that was logged, was over, and is back.
const AFTER_RECOVERY: Duration = MINUTE;
/// Reasons that are remembered; texts of others may differ each time.
const MAX_REASONS: usize = 100;

/// Which reasons were logged lately. A reason is logged once an hour (to the minute) while it lasts, and after a recovery
/// once a minute at most. It has a clock of its own, which nobody can set back.
pub struct LogThrottle<C: Clock = DefaultClock> {
    clock: C,
    terms: Terms,
    state: Mutex<ThrottleState<C>>,
}

/// How often a reason is logged that lasts, and what happens to a new one when [`MAX_REASONS`] are remembered.
#[derive(Clone, Copy)]
struct Terms {
    period: Duration,
    when_full: WhenFull,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenFull {
    /// All others are forgotten.
    Forget,
    /// It is not logged.
    Ignore,
}

/// What this program itself reports.
const OWN: Terms = Terms {
    period: HOUR,
    when_full: WhenFull::Forget,
};
/// What strangers cause: a text that differs each time must not fill the log.
const OF_STRANGERS: Terms = Terms {
    period: MINUTE,
    when_full: WhenFull::Ignore,
};

struct ThrottleState<C: Clock> {
    /// One message of each reason a period; replaced at a recovery.
    lasting: Limiter<C>,
    /// One message of each reason a minute, whether or not it was over in between.
    recurring: Limiter<C>,
    /// The known reasons, and how often each was suppressed since it was logged.
    suppressed: HashMap<String, u64>,
    /// Something was logged since the last recovery.
    has_logged: bool,
}

type Limiter<C> =
    RateLimiter<String, HashMapStateStore<String>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl Default for LogThrottle {
    fn default() -> LogThrottle {
        LogThrottle::with_clock(DefaultClock::default(), OWN)
    }
}

impl<C: Clock + Clone> ThrottleState<C> {
    fn new(clock: &C, period: Duration) -> ThrottleState<C> {
        ThrottleState {
            lasting: each(period, clock),
            recurring: each(AFTER_RECOVERY, clock),
            suppressed: HashMap::new(),
            has_logged: false,
        }
    }

    /// Whether nothing more can be remembered without forgetting.
    fn is_full_for(&self, reason: &str) -> bool {
        self.suppressed.len() >= MAX_REASONS && !self.suppressed.contains_key(reason)
    }

    /// Forgets reasons that have not come for a period, if that is needed. False: all are recent.
    fn make_room_for(&mut self, reason: &str) -> bool {
        let full = |state: &Self| state.is_full_for(reason) || state.lasting.len() >= MAX_REASONS;
        if self.suppressed.contains_key(reason) || !full(self) {
            return true;
        }
        self.lasting.retain_recent();
        self.recurring.retain_recent();
        if self.lasting.len() < MAX_REASONS {
            self.suppressed.retain(|_, count| *count > 0);
        }
        !full(self)
    }
}

impl LogThrottle {
    /// For what strangers cause: a reason is logged once a minute while it lasts.
    pub fn each_minute() -> LogThrottle {
        LogThrottle::with_clock(DefaultClock::default(), OF_STRANGERS)
    }
}

impl<C: Clock + Clone> LogThrottle<C> {
    fn with_clock(clock: C, terms: Terms) -> LogThrottle<C> {
        let state = Mutex::new(ThrottleState::new(&clock, terms.period));
        LogThrottle {
            clock,
            terms,
            state,
        }
    }

    /// Whether to log this reason now, and how often it was suppressed since it was last logged.
    pub fn should_log(&self, reason: &str) -> Option<u64> {
        let mut state = self.lock();
        if self.terms.when_full == WhenFull::Ignore && !state.make_room_for(reason) {
            return None;
        }
        if state.is_full_for(reason) {
            let has_logged = state.has_logged;
            *state = ThrottleState::new(&self.clock, self.terms.period);
            state.has_logged = has_logged;
        }
        let reason = reason.to_owned();
        let logs =
            state.recurring.check_key(&reason).is_ok() && state.lasting.check_key(&reason).is_ok();
        state.has_logged |= logs;
        let suppressed = state.suppressed.entry(reason).or_default();
        if logs {
            return Some(std::mem::take(suppressed));
        }
        *suppressed += 1;
        None
    }

    /// Whether to log that it is over: something was logged since the last recovery. Returns how many messages were
    /// suppressed since. Whatever comes next is logged again.
    pub fn should_log_recovery(&self) -> Option<u64> {
        let mut state = self.lock();
        if !state.has_logged {
            return None;
        }
        state.has_logged = false;
        state.lasting = each(self.terms.period, &self.clock);
        let counts = state.suppressed.values_mut();
        Some(counts.map(std::mem::take).sum())
    }

    /// The reasons that were suppressed since they were logged, and how often, if it is time to log them again. These count as
    /// logged: what is over is counted all the same.
    pub fn summaries(&self) -> Vec<(String, u64)> {
        let mut state = self.lock();
        let ThrottleState {
            lasting,
            suppressed,
            ..
        } = &mut *state;
        let overdue = suppressed
            .iter_mut()
            .filter(|(reason, count)| **count > 0 && lasting.check_key(*reason).is_ok());
        let mut summaries: Vec<_> = overdue
            .map(|(reason, count)| (reason.clone(), std::mem::take(count)))
            .collect();
        summaries.sort();
        summaries
    }

    /// Whether something was logged of which the end was not.
    pub fn has_logged(&self) -> bool {
        self.lock().has_logged
    }

    fn lock(&self) -> MutexGuard<'_, ThrottleState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One message of each reason a `period`, which is not zero.
fn each<C: Clock + Clone>(period: Duration, clock: &C) -> Limiter<C> {
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::hashmap_with_clock(quota, clock.clone())
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn throttle() -> (LogThrottle<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (LogThrottle::with_clock(clock.clone(), OWN), clock)
    }

    fn each_minute() -> (LogThrottle<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (LogThrottle::with_clock(clock.clone(), OF_STRANGERS), clock)
    }

    fn forward(clock: &FakeRelativeClock, seconds: u64) {
        clock.advance(Duration::from_secs(seconds));
    }

    #[test]
    fn a_reason_is_logged_once_an_hour_and_another_at_once() {
        let (throttle, clock) = throttle();
        let mut logged = Vec::new();
        for (reason, after) in [
            ("500", 0),
            ("500", 1),
            ("away", 1),
            ("500", 3597),
            ("500", 60),
        ] {
            forward(&clock, after);
            logged.push(throttle.should_log(reason));
        }
        assert_eq!(logged, [Some(0), None, Some(0), None, Some(2)]);
    }

    #[test]
    fn a_recovery_is_logged_once_and_what_comes_next_is_news() {
        let (throttle, clock) = throttle();
        assert_eq!(throttle.should_log_recovery(), None, "nothing was logged");
        assert_eq!(throttle.should_log("500"), Some(0));
        assert!(throttle.has_logged());
        assert_eq!(throttle.should_log("500"), None);
        assert_eq!(throttle.should_log_recovery(), Some(1));
        assert_eq!(throttle.should_log_recovery(), None);
        forward(&clock, 100);
        assert_eq!(throttle.should_log("500"), Some(0));
    }

    #[test]
    fn what_comes_and_goes_is_logged_once_a_minute() {
        let (throttle, clock) = throttle();
        let mut logged = (0, 0);
        for _ in 0..300 {
            logged.0 += usize::from(throttle.should_log("full").is_some());
            logged.1 += usize::from(throttle.should_log_recovery().is_some());
            forward(&clock, 1);
        }
        assert_eq!(logged, (5, 5));
    }

    #[test]
    fn a_flood_has_one_line_a_minute_with_its_count() {
        let (throttle, clock) = each_minute();
        let mut lines = Vec::new();
        for _ in 0..150_000 {
            lines.extend(throttle.should_log("no token"));
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!(lines, [0, 59_999, 59_999]);
        assert_eq!(throttle.should_log("expired"), Some(0));
    }

    #[test]
    fn the_rest_of_a_flood_is_counted_when_it_is_over() {
        let (throttle, clock) = each_minute();
        for _ in 0..10 {
            throttle.should_log("no token");
            forward(&clock, 1);
        }
        forward(&clock, 49);
        assert_eq!(throttle.summaries(), [], "59 seconds after its line");
        forward(&clock, 1);
        assert_eq!(throttle.summaries(), [("no token".to_owned(), 9)]);
        forward(&clock, 1);
        assert_eq!(throttle.should_log("no token"), None);
        forward(&clock, 58);
        assert_eq!(throttle.summaries(), []);
        forward(&clock, 1);
        assert_eq!(throttle.summaries(), [("no token".to_owned(), 1)]);
        forward(&clock, 60);
        assert_eq!(throttle.summaries(), []);
        assert_eq!(throttle.should_log("no token"), Some(0));
    }

    #[test]
    fn a_flood_of_different_reasons_is_bounded() {
        let (throttle, clock) = each_minute();
        let flood = || {
            let reasons = (0..1000).map(|n| format!("reason {n}"));
            let logged = reasons.filter(|reason| throttle.should_log(reason).is_some());
            logged.count()
        };
        assert_eq!(flood(), MAX_REASONS);
        forward(&clock, 30);
        assert_eq!(flood(), 0);
        throttle.summaries();
        forward(&clock, 61);
        throttle.summaries();
        forward(&clock, 61);
        assert_eq!(flood(), MAX_REASONS, "those before are over");
    }

    #[test]
    fn reasons_are_bounded() {
        let (throttle, clock) = throttle();
        for n in 0..10 * MAX_REASONS {
            assert_eq!(throttle.should_log(&format!("call {n}")), Some(0));
            assert_eq!(throttle.should_log(&format!("call {n}")), None);
            forward(&clock, 1);
        }
        let state = throttle.lock();
        let lengths = [
            state.lasting.len(),
            state.recurring.len(),
            state.suppressed.len(),
        ];
        assert!(
            lengths.iter().all(|length| *length <= MAX_REASONS),
            "{lengths:?}"
        );
    }
}
