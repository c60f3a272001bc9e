//! How long to wait before the next attempt.

use std::time::Duration;

/// 1, 2, 4 … 60 s after the first, second, third … failure, up to a quarter longer by `jitter` (0 to 1).
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let seconds = f64::from(1u32 << failures.saturating_sub(1).min(6)).min(60.0);
    Duration::from_secs_f64(seconds * (1.0 + jitter.clamp(0.0, 1.0) / 4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_a_minute() {
        let seconds: Vec<u64> = (0..10).map(|n| backoff(n, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(7, 1.0), Duration::from_secs(75));
    }
}
