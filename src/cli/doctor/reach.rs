//! Whether an address can be reached, how long that takes, and what time it is there.

use std::{error::Error, time::Instant};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use crate::telemetry;

/// An answer, whatever its status.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// Of the whole request, with DNS and TLS.
    pub(super) ms: u128,
    /// How far our clock is ahead of the `Date` of the answer, in seconds; `None`: it had none.
    pub(super) ahead: Option<i64>,
}

/// Sends one GET without any key.
///
/// # Errors
/// Why there was no answer: an unknown host, a closed port, a certificate.
pub(super) async fn reach(http: &reqwest::Client, url: &str) -> Result<Reached, String> {
    let (begun, sent_at) = (Instant::now(), telemetry::now());
    let answer = http.get(url).send().await.map_err(|error| root(&error))?;
    let took = begun.elapsed();
    let date = answer.headers().get("date");
    let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
    let ahead = date.map(|date| ahead(sent_at, telemetry::now(), date.timestamp()));
    Ok(Reached {
        ms: took.as_millis(),
        ahead,
    })
}

/// The server's clock is cut to seconds and was read at some moment of the request: in doubt there is no difference.
fn ahead(sent_at: Timestamp, received_at: Timestamp, date: Timestamp) -> i64 {
    let second = SignedDuration::from_secs(1);
    let behind = date.duration_since(received_at);
    let ahead = sent_at.duration_since(date) - second;
    match (ahead.is_positive(), behind.is_positive()) {
        (true, _) => ahead.as_secs(),
        (_, true) => -behind.as_secs(),
        _ => 0,
    }
}

/// The innermost reason, without the address, which may hold a secret.
pub(super) fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match error.source() {
        Some(_) => root.to_string(),
        None => "the address cannot be used for a request".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_compared_with_the_moment_of_the_answer() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(ahead(at(10_200), at(10_900), at(10_000)), 0);
        assert_eq!(ahead(at(10_200), at(13_900), at(12_000)), 0);
        assert_eq!(ahead(at(100_000), at(100_100), at(10_000)), 89);
        assert_eq!(ahead(at(10_000), at(10_100), at(100_000)), -89);
    }
}
