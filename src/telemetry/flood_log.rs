//! Log lines of what strangers cause: at most one a minute for each reason, with how many there were.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The least time between two lines of one reason.
const MINUTE: Duration = Duration::from_secs(60);
/// Reasons that are remembered. They are of closed sets; a text that differs each time must not fill the memory.
const MAX_REASONS: usize = 100;

/// When each reason was last logged, and how often it has come since.
#[derive(Default)]
pub struct FloodLog(Mutex<BTreeMap<String, Reason>>);

#[derive(Clone, Copy)]
struct Reason {
    logged: Instant,
    suppressed: u64,
}

impl FloodLog {
    /// Whether to log this reason now, and how often it has come since it was last logged.
    pub fn should_log(&self, reason: &str) -> Option<u64> {
        self.should_log_at(reason, Instant::now())
    }

    /// The reasons that have come again, and how often, if their last line is a minute old. These count as logged.
    pub fn summaries(&self) -> Vec<(String, u64)> {
        self.summaries_at(Instant::now())
    }

    fn should_log_at(&self, reason: &str, now: Instant) -> Option<u64> {
        let mut reasons = self.lock();
        if let Some(known) = reasons.get_mut(reason) {
            if now.duration_since(known.logged) < MINUTE {
                known.suppressed += 1;
                return None;
            }
            known.logged = now;
            return Some(std::mem::take(&mut known.suppressed));
        }
        if reasons.len() >= MAX_REASONS {
            return None;
        }
        let first = Reason {
            logged: now,
            suppressed: 0,
        };
        reasons.insert(reason.to_owned(), first);
        Some(0)
    }

    fn summaries_at(&self, now: Instant) -> Vec<(String, u64)> {
        let mut reasons = self.lock();
        let is_old = |known: &Reason| now.duration_since(known.logged) >= MINUTE;
        reasons.retain(|_, known| known.suppressed > 0 || !is_old(known));
        let overdue = reasons.iter_mut().filter(|(_, known)| is_old(known));
        let overdue = overdue.map(|(reason, known)| {
            known.logged = now;
            (reason.clone(), std::mem::take(&mut known.suppressed))
        });
        overdue.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Reason>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_one_line_a_minute_with_its_count() {
        let (log, begin) = (FloodLog::default(), Instant::now());
        let mut lines = Vec::new();
        for millisecond in 0..150_000 {
            let now = begin + Duration::from_millis(millisecond);
            lines.extend(log.should_log_at("no token", now));
        }
        assert_eq!(lines, [0, 59_999, 59_999]);
        assert_eq!(log.should_log_at("expired", begin), Some(0));
    }

    #[test]
    fn the_rest_of_a_flood_is_counted_when_it_is_over() {
        let (log, begin) = (FloodLog::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        for second in 0..10 {
            log.should_log_at("no token", after(second));
        }
        assert_eq!(log.summaries_at(after(59)), []);
        assert_eq!(log.summaries_at(after(60)), [("no token".to_owned(), 9)]);
        assert_eq!(log.should_log_at("no token", after(61)), None);
        assert_eq!(log.summaries_at(after(119)), []);
        assert_eq!(log.summaries_at(after(120)), [("no token".to_owned(), 1)]);
        assert_eq!(log.summaries_at(after(180)), []);
        assert_eq!(log.should_log_at("no token", after(181)), Some(0));
    }

    #[test]
    fn reasons_are_bounded() {
        let (log, now) = (FloodLog::default(), Instant::now());
        let logged = (0..1000).filter(|n| log.should_log_at(&n.to_string(), now).is_some());
        assert_eq!(logged.count(), MAX_REASONS);
    }
}
