//! Attempts that have ended, and how the newest of a delivery are stored: in `history` what every version reads, in
//! `attempt_details` what was added to it later, by the time of the attempt.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    delivery_state::DeliveryState,
    sql::{millis, text, time},
};

/// Attempts that are remembered, and how much of each one's texts.
const NEWEST: usize = 20;
const ERROR_CHARS: usize = 500;
const ACTION_CHARS: usize = 200;

/// A finished attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    /// When it ended.
    pub at: Timestamp,
    /// The state in which it left the delivery.
    pub state: DeliveryState,
    /// The other side's answer, or why it could not be asked; after a success, a warning.
    pub error: Option<String>,
    /// When the next try was due.
    pub next_at: Option<Timestamp>,
    /// `None`: an earlier version made it.
    pub details: Option<AttemptDetails>,
}

/// What an attempt did, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptDetails {
    /// How long it took, to the millisecond; of a sink that sends several calls at once, how long all of them took together.
    pub took: Duration,
    /// The HTTP status of the last answer; `None`: nothing was asked, or nobody answered.
    pub http_status: Option<u16>,
    /// What it did, for people: `created the row`.
    pub action: Option<String>,
}

/// The stored form of an attempt, kept short because there are many: its fields in order, times in milliseconds.
#[derive(Serialize, Deserialize)]
struct StoredAttempt(i64, DeliveryState, Option<String>, Option<i64>);

/// The stored form of its details: the attempt's time, milliseconds that it took, HTTP status, what it did.
#[derive(Serialize, Deserialize)]
struct StoredDetails(i64, u64, Option<u16>, Option<String>);

/// The two columns.
#[derive(Debug)]
pub(super) struct StoredAttempts {
    /// The column `history`.
    pub(super) history: String,
    /// The column `attempt_details`.
    pub(super) details: String,
}

impl AttemptRecord {
    /// The attempt, with its texts cut to what is stored.
    pub(super) fn shortened(self) -> AttemptRecord {
        let short = |it: String, chars: usize| text(&it).chars().take(chars).collect();
        AttemptRecord {
            error: self.error.map(|error| short(error, ERROR_CHARS)),
            details: self.details.map(|details| AttemptDetails {
                action: details.action.map(|action| short(action, ACTION_CHARS)),
                ..details
            }),
            ..self
        }
    }
}

/// The attempts before and this one: the newest of them.
pub(super) fn and_one(before: &[AttemptRecord], one: AttemptRecord) -> Vec<AttemptRecord> {
    let mut attempts = before.to_vec();
    attempts.push(one.shortened());
    let over = attempts.len().saturating_sub(NEWEST);
    attempts.split_off(over)
}

/// Reads both columns. Details that cannot be read are a later version's, and are left out.
pub(super) fn read(
    history: &str,
    details: Option<&str>,
) -> Result<Vec<AttemptRecord>, serde_json::Error> {
    let stored: Vec<StoredAttempt> = serde_json::from_str(history)?;
    let details: Vec<StoredDetails> = details
        .and_then(|details| serde_json::from_str(details).ok())
        .unwrap_or_default();
    let mut details = details.into_iter().peekable();
    let attempt = |StoredAttempt(at, state, error, next_at)| {
        // Both are in order of time, and an earlier version has added attempts without details.
        while details.next_if(|it| it.0 < at).is_some() {}
        AttemptRecord {
            at: time(at),
            state,
            error,
            next_at: next_at.map(time),
            details: details.next_if(|it| it.0 == at).map(AttemptDetails::from),
        }
    };
    Ok(stored.into_iter().map(attempt).collect())
}

/// Both columns of these attempts.
pub(super) fn write(attempts: &[AttemptRecord]) -> Result<StoredAttempts, serde_json::Error> {
    let history = attempts.iter().map(|it| {
        let (at, next_at) = (it.at.as_millisecond(), millis(it.next_at));
        StoredAttempt(at, it.state, it.error.clone(), next_at)
    });
    let history: Vec<StoredAttempt> = history.collect();
    let details = attempts.iter().filter_map(|it| {
        let details = it.details.as_ref()?;
        let took = u64::try_from(details.took.as_millis()).unwrap_or(u64::MAX);
        Some(StoredDetails(
            it.at.as_millisecond(),
            took,
            details.http_status,
            details.action.clone(),
        ))
    });
    let details: Vec<StoredDetails> = details.collect();
    Ok(StoredAttempts {
        history: serde_json::to_string(&history)?,
        details: serde_json::to_string(&details)?,
    })
}

impl From<StoredDetails> for AttemptDetails {
    fn from(StoredDetails(_, took, http_status, action): StoredDetails) -> AttemptDetails {
        AttemptDetails {
            took: Duration::from_millis(took),
            http_status,
            action,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> AttemptRecord {
        AttemptRecord {
            at: Timestamp::from_second(second).unwrap(),
            state: DeliveryState::Done,
            error: None,
            next_at: None,
            details: Some(AttemptDetails {
                took: Duration::from_millis(15),
                http_status: Some(200),
                action: Some("created the row".into()),
            }),
        }
    }

    #[test]
    fn what_an_earlier_version_adds_has_no_details_and_the_others_keep_theirs() {
        let stored = write(&[at(1), at(3)]).unwrap();
        assert_eq!(
            stored.history,
            r#"[[1000,"done",null,null],[3000,"done",null,null]]"#
        );
        // The version before has added one in the middle and one at the end, and has dropped the first.
        let history =
            r#"[[2000,"pending","away",2500],[3000,"done",null,null],[4000,"dead","no",null]]"#;
        let read = read(history, Some(&stored.details)).unwrap();
        let details: Vec<bool> = read.iter().map(|it| it.details.is_some()).collect();
        assert_eq!(details, [false, true, false]);
        assert_eq!(read[1], at(3));
        assert_eq!(read[0].error.as_deref(), Some("away"));
    }

    #[test]
    fn unknown_details_cost_no_attempt() {
        let history = write(&[at(1)]).unwrap().history;
        for details in [None, Some(""), Some("[[1,2]]"), Some("{}")] {
            let read = read(&history, details).unwrap();
            assert_eq!(read.len(), 1);
            assert_eq!(read[0].details, None);
        }
    }

    #[test]
    fn the_newest_are_kept_and_texts_are_cut() {
        let mut attempts = Vec::new();
        for second in 0..50 {
            let mut one = at(second);
            one.error = Some("é".repeat(2_000));
            one.details = Some(AttemptDetails {
                action: Some("x".repeat(2_000)),
                ..AttemptDetails::default()
            });
            attempts = and_one(&attempts, one);
        }
        assert_eq!(attempts.len(), NEWEST);
        assert_eq!(attempts.last().unwrap().at, at(49).at);
        let error = attempts[0].error.as_ref().unwrap();
        assert_eq!(error.chars().count(), ERROR_CHARS);
        let stored = write(&attempts).unwrap();
        assert!(stored.details.len() < NEWEST * (ACTION_CHARS + 40));
    }
}
