//! Counts failed sign-ins by address, so that nobody can try many tokens.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failed tries of one address in a minute.
const MOST: u32 = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// Addresses that are remembered; if there are more in a minute, nobody else may try.
const ADDRESSES: usize = 10_000;

/// Failed sign-ins of the last minute.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<String, (Instant, u32)>>);

/// A try that counts as failed until it has succeeded.
pub(super) struct Attempt<'a> {
    attempts: &'a Attempts,
    key: String,
}

impl Attempts {
    /// Begins a try from this address; `None`: there were too many.
    pub(super) fn begin(&self, client: &str) -> Option<Attempt<'_>> {
        self.begin_at(client, Instant::now())
    }

    fn begin_at(&self, client: &str, now: Instant) -> Option<Attempt<'_>> {
        let key = network(client);
        let mut tries = self.lock();
        if tries.len() >= ADDRESSES {
            tries.retain(|_, (since, _)| now.duration_since(*since) < MINUTE);
        }
        if tries.len() >= ADDRESSES && !tries.contains_key(&key) {
            return None;
        }
        let (since, count) = tries.entry(key.clone()).or_insert((now, 0));
        if now.duration_since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Attempt {
            attempts: self,
            key,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The token was right: this try is not counted.
    pub(super) fn succeeded(self) {
        if let Some((_, count)) = self.attempts.lock().get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The address; of IPv6 the network of one customer.
fn network(client: &str) -> String {
    match client.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        _ => client.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_a_minute_and_successes_do_not_count() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..20 {
            attempts.begin_at("192.0.2.1", now).unwrap().succeeded();
        }
        for _ in 0..MOST {
            assert!(attempts.begin_at("192.0.2.1", now).is_some());
        }
        assert!(attempts.begin_at("192.0.2.1", now).is_none());
        assert!(attempts.begin_at("192.0.2.2", now).is_some());
        assert!(attempts.begin_at("192.0.2.1", now + MINUTE).is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let attempts = Attempts::default();
        for n in 0..MOST {
            assert!(attempts.begin(&format!("2001:db8::{n:x}")).is_some());
        }
        assert!(attempts.begin("2001:db8::ffff").is_none());
        assert!(attempts.begin("2001:db8:0:1::1").is_some());
    }
}
