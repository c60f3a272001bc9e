//! A condition: something that is wrong now.

use std::fmt;

use jiff::SignedDuration;

use super::alert_text::AlertText;
use crate::domain::Sink;

/// Affected calls that an alert names.
const NAMED_CALLS: usize = 3;

/// What kind of thing is wrong. Two checks that find the same kind find the same condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionKind {
    /// The database is not writable.
    Database,
    /// No lease can be renewed.
    Leases,
    /// Live calls are not being recorded.
    Unrecorded,
    /// Recordings fail one after the other.
    RecordingsFailed,
    /// Other programs also record calls.
    RecordedTwice,
    /// No webhooks arrive.
    Webhooks,
    /// Deliveries to a sink wait too long.
    Waiting(Sink),
    /// Deliveries to a sink failed permanently.
    DeadLetters(Sink),
    /// Airtable creates no rows, though it updates existing ones.
    RefusedCreates,
    /// Deliveries to a sink that only a newer version can read.
    UnknownDelivery(Sink),
    /// Inbox messages are not processed.
    Inbox,
    /// A job fails or has died.
    Job(String),
}

/// Kinds that are about one thing.
const SINGLE: [ConditionKind; 8] = [
    ConditionKind::Database,
    ConditionKind::Leases,
    ConditionKind::Unrecorded,
    ConditionKind::RecordingsFailed,
    ConditionKind::RecordedTwice,
    ConditionKind::Webhooks,
    ConditionKind::RefusedCreates,
    ConditionKind::Inbox,
];

impl ConditionKind {
    /// The kind with this key; `None`: a newer version has stored it.
    pub(super) fn of(key: &str) -> Option<ConditionKind> {
        let single = SINGLE.into_iter().find(|kind| kind.to_string() == key);
        single.or_else(|| {
            let (what, of) = key.split_once('_')?;
            let sink = || of.parse().ok();
            match what {
                "waiting" => sink().map(ConditionKind::Waiting),
                "dead" => sink().map(ConditionKind::DeadLetters),
                "unknown" => sink().map(ConditionKind::UnknownDelivery),
                "job" => Some(ConditionKind::Job(of.to_owned())),
                _ => None,
            }
        })
    }
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
    /// What is wrong, what to do, and some of the affected calls.
    pub(super) text: AlertText,
    /// How many calls or deliveries are affected; 0 where nothing is counted.
    pub(super) count: i64,
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
    /// A condition that counts nothing and is alerted at once. `what` is wrong, and what to do, in sentences.
    pub(super) fn new(kind: ConditionKind, summary: impl Into<String>, what: String) -> Condition {
        Condition {
            kind,
            summary: summary.into(),
            text: AlertText {
                what,
                ..AlertText::default()
            },
            count: 0,
            grace: SignedDuration::ZERO,
            repeat: Repeat::Doubled,
        }
    }

    /// Alerts once a day while it lasts, whatever its count.
    pub(super) fn daily(mut self) -> Condition {
        self.repeat = Repeat::Daily;
        self
    }

    /// Says how much is affected; the first of `calls` are named.
    pub(super) fn affecting(mut self, count: i64, calls: Vec<String>) -> Condition {
        self.count = count;
        self.text.calls = calls;
        self.text.calls.truncate(NAMED_CALLS);
        self.text.has_more = count > self.text.calls.len() as i64;
        self
    }

    /// Says what helps on the command line, in sentences.
    pub(super) fn with_commands(mut self, commands: &str) -> Condition {
        self.text.commands = commands.to_owned();
        self
    }

    /// Alerts it only after it has lasted for `grace`.
    pub(super) fn after(mut self, grace: SignedDuration) -> Condition {
        self.grace = grace;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_from_its_key() {
        let of_sinks = Sink::ALL.into_iter().flat_map(|sink| {
            [
                ConditionKind::Waiting(sink),
                ConditionKind::DeadLetters(sink),
                ConditionKind::UnknownDelivery(sink),
            ]
        });
        let job = ConditionKind::Job("intake_large".into());
        for kind in SINGLE.into_iter().chain(of_sinks).chain([job]) {
            assert_eq!(ConditionKind::of(&kind.to_string()), Some(kind));
        }
        assert_eq!(ConditionKind::of("dead_carrier_pigeon"), None);
        assert_eq!(ConditionKind::of("of_a_newer_version"), None);
    }
}
