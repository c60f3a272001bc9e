//! A condition: something that is wrong now.

use std::fmt;

use jiff::SignedDuration;

use crate::domain::Sink;

/// Affected calls that an alert names.
const NAMED_CALLS: usize = 3;

/// What kind of thing is wrong. Two checks that find the same kind find the same condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionKind {
    /// The database is not writable.
    Database,
    /// No lease can be renewed.
    Leases,
    /// Live calls are not being recorded.
    Unrecorded,
    /// Recordings fail one after the other.
    RecordingsFailed,
    /// Other programs record calls, too.
    RecordedTwice,
    /// No webhooks arrive.
    Webhooks,
    /// Deliveries to a sink wait too long.
    Waiting(Sink),
    /// Deliveries to a sink failed permanently.
    DeadLetters(Sink),
    /// Airtable creates no rows, though it updates those that are there.
    RefusedCreates,
    /// Deliveries to a sink that only a newer version can read.
    UnknownDelivery(Sink),
    /// Inbox messages are not processed.
    Inbox,
    /// A job fails or has died.
    Job(&'static str),
}

/// The key in the stored list of active alerts.
impl fmt::Display for ConditionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionKind::Database => f.write_str("store"),
            ConditionKind::Leases => f.write_str("leases"),
            ConditionKind::Unrecorded => f.write_str("unrecorded"),
            ConditionKind::RecordingsFailed => f.write_str("failed"),
            ConditionKind::RecordedTwice => f.write_str("recorded_twice"),
            ConditionKind::Webhooks => f.write_str("webhooks"),
            ConditionKind::Waiting(sink) => write!(f, "waiting_{}", sink.as_str()),
            ConditionKind::DeadLetters(sink) => write!(f, "dead_{}", sink.as_str()),
            ConditionKind::RefusedCreates => f.write_str("no_new_rows"),
            ConditionKind::UnknownDelivery(sink) => write!(f, "unknown_{}", sink.as_str()),
            ConditionKind::Inbox => f.write_str("inbox"),
            ConditionKind::Job(job) => write!(f, "job_{job}"),
        }
    }
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) kind: ConditionKind,
    /// What was wrong, for when it is resolved: "calls waited for Airtable".
    pub(super) summary: String,
    /// What is wrong and what to do, in sentences.
    pub(super) text: String,
    /// How many calls or deliveries are affected; 0 where nothing is counted.
    pub(super) count: i64,
    /// Ids of some affected calls.
    pub(super) calls: Vec<String>,
    /// How long it must last before it is alerted.
    pub(super) grace: SignedDuration,
    /// When it is alerted again while it lasts.
    pub(super) repeat: Repeat,
}

/// When an alert fires again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// When its count has doubled.
    Doubled,
    /// Once a day.
    Daily,
}

impl Condition {
    /// A condition that counts nothing and is alerted at once.
    pub(super) fn new(kind: ConditionKind, summary: impl Into<String>, text: String) -> Condition {
        Condition {
            kind,
            summary: summary.into(),
            text,
            count: 0,
            calls: Vec::new(),
            grace: SignedDuration::ZERO,
            repeat: Repeat::Doubled,
        }
    }

    /// Alerts it once a day while it lasts, however often it happens.
    pub(super) fn daily(mut self) -> Condition {
        self.repeat = Repeat::Daily;
        self
    }

    /// Says how much is affected; the first of `calls` are named.
    pub(super) fn affecting(mut self, count: i64, calls: Vec<String>) -> Condition {
        self.count = count;
        self.calls = calls;
        self.calls.truncate(NAMED_CALLS);
        self
    }

    /// Alerts it only after it has lasted for `grace`.
    pub(super) fn after(mut self, grace: SignedDuration) -> Condition {
        self.grace = grace;
        self
    }
}
