//! The log lines of refused requests: anybody can cause them, so each reason has one a minute, with a count.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::error::Problem;
use crate::telemetry::LogThrottle;

/// How often the counts are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Logs the counts of refused requests, until `stop` is cancelled.
pub async fn summarize(refusals: Arc<LogThrottle>, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(LOOK))
        .await
        .is_some()
    {
        for (reason, count) in refusals.summaries() {
            tracing::warn!(reason, count, "more requests were rejected");
        }
    }
}

/// Logs an answer that says that a request is too much. Other refusals are logged where their reason is known, or are
/// mistakes that their sender reads about.
pub(super) fn note(refusals: &LogThrottle, status: StatusCode) {
    let reason = match status {
        StatusCode::REQUEST_TIMEOUT => "a body was incomplete or came too slowly (408)",
        StatusCode::PAYLOAD_TOO_LARGE => "a body was too large (413)",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the encoding of a body is not supported (415)",
        StatusCode::TOO_MANY_REQUESTS => {
            "a token was used for too many requests or too many bytes (429)"
        }
        StatusCode::INSUFFICIENT_STORAGE => {
            "the disk of the database is almost full, and the rest of it is for webhooks (507)"
        }
        _ => return,
    };
    log(refusals, reason);
}

/// In the extensions of an answer: that it is refused is logged already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged;

/// Logs that an upload of an agent, or a part of it, was refused; `room`: the sid that it names, if that was read. Tokens are
/// logged where they are checked.
pub(super) fn note_upload(refusals: &LogThrottle, problem: &Problem, room: &str) {
    let status = problem.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return;
    }
    // Without what differs each time.
    let kind = problem.detail().split(':').next().unwrap_or_default();
    let reason = format!("an upload: {} {kind}", status.as_u16());
    if let Some(suppressed) = refusals.should_log(&reason) {
        tracing::warn!(
            status = status.as_u16(),
            reason = problem.detail(),
            room,
            suppressed,
            "an agent's upload was refused, or a part of it"
        );
    }
}

/// Logs that a request found no place.
pub(super) fn note_busy(refusals: &LogThrottle) {
    log(refusals, "there were too many requests at once (503)");
}

fn log(refusals: &LogThrottle, reason: &str) {
    if let Some(suppressed) = refusals.should_log(reason) {
        tracing::warn!(reason, suppressed, "request rejected, nothing stored");
    }
}

/// What happens to connections when there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowd {
    /// One that waited for its other side was closed for a new one.
    Closed,
    /// All are answering requests, and a new one got 503.
    Refused,
}

/// The log lines about connections.
pub(super) struct CrowdLog(LogThrottle);

impl Default for CrowdLog {
    fn default() -> CrowdLog {
        CrowdLog(LogThrottle::each_minute())
    }
}

impl CrowdLog {
    /// Logs it, or counts it.
    pub(super) fn note(&self, crowd: Crowd) {
        let reason = match crowd {
            Crowd::Closed => "the slowest was closed for a new one",
            Crowd::Refused => "all are answering requests, and a new one got 503",
        };
        if let Some(suppressed) = self.0.should_log(reason) {
            tracing::warn!(reason, suppressed, "too many connections");
        }
    }

    /// Logs the counts.
    pub(super) fn summarize(&self) {
        for (reason, count) in self.0.summaries() {
            tracing::warn!(reason, count, "more connections were too many");
        }
    }
}
