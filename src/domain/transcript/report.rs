//! What an agent reports of its session.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::speaker::Speaker;
use super::{
    close_reason::CloseReason, facts::ReportFacts, measures::Measures, origin::ReportOrigin,
};
use crate::domain::id_rules::as_id;

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// `at` is when the turn was created: a caller's after its words, an agent's when the reply or its sound began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_creation: bool,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Milliseconds from the start of the recording, if the agent counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i64>,
    /// How long it lasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_ms: Option<i64>,
    /// The speaker's label in the report, if only the call's participants can resolve it; in the joined conversation, the name
    /// of a voice that nobody can resolve. `speaker` then has no meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Box<str>>,
    /// Where the words begin in `text`, if the label is its beginning. If the label is no participant's, the text is the
    /// caller's, with its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_at: Option<u32>,
    /// The ID of its item in the agent's history, if it is unique: another job may be given that history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Box<str>>,
}

impl Turn {
    /// A turn with only a speaker and words.
    pub fn new(speaker: Speaker, text: impl Into<String>) -> Turn {
        Turn {
            speaker,
            text: text.into(),
            interrupted: false,
            at_creation: false,
            at: None,
            offset_ms: None,
            length_ms: None,
            label: None,
            words_at: None,
            item: None,
        }
    }
}

/// The conversation: turns, or the plain text that an agent sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcript {
    Turns(Vec<Turn>),
    Text(String),
}

impl Default for Transcript {
    fn default() -> Self {
        Transcript::Turns(Vec::new())
    }
}

impl Transcript {
    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        match self {
            Transcript::Turns(turns) => turns.is_empty(),
            Transcript::Text(text) => text.trim().is_empty(),
        }
    }

    /// How many turns it has; plain text with words counts as one.
    pub fn turns(&self) -> usize {
        match self {
            Transcript::Turns(turns) => turns.len(),
            Transcript::Text(_) => usize::from(!self.is_empty()),
        }
    }
}

/// One report of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The report's own `timestamp`.
    pub at: Option<Timestamp>,
    pub transcript: Transcript,
    /// The rest of the report (usage, close_reason, a summary …), without the conversation and the events.
    pub fields: Map<String, Value>,
    /// What it measured. Read from its body; a report that an earlier version stored in its call has none.
    #[serde(skip)]
    pub measures: Measures,
    /// How it came. Known of a report that was read from its body; earlier versions stored only those that were sent.
    #[serde(skip)]
    pub origin: ReportOrigin,
}

/// How far the sender's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

impl Report {
    /// Its own date; `None` without one, and for one after its arrival: nothing could replace such a report.
    pub fn dated(&self, received_at: Timestamp) -> Option<Timestamp> {
        dated(self.at, received_at)
    }

    /// The ID of the agent's job; empty if the report has none.
    pub fn job(&self) -> &str {
        job(&self.fields)
    }

    /// Why its session was closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        let names = ["close_reason", "closeReason"].iter();
        let mut given = names.filter_map(|name| CloseReason::read(self.fields.get(*name)?));
        given.next().or(self.measures.closed)
    }

    /// What it is about.
    pub fn facts(&self, received_at: Timestamp) -> ReportFacts {
        ReportFacts {
            dated: self.dated(received_at),
            job: as_id(self.job().to_owned()),
            has_words: !self.transcript.is_empty(),
            refused_words: None,
            origin: self.origin,
        }
    }
}

/// The date of a report, unless it is after the report's arrival.
pub(super) fn dated(at: Option<Timestamp>, received_at: Timestamp) -> Option<Timestamp> {
    at.filter(|at| at.duration_since(received_at) <= AHEAD)
}

/// The ID of the agent's job in the fields of a report.
pub(super) fn job(fields: &Map<String, Value>) -> &str {
    let own = ["job_id", "jobId"].iter();
    let own = own.filter_map(|name| fields.get(*name)?.as_str());
    let nested = fields.get("job").and_then(|job| job["id"].as_str());
    own.chain(nested)
        .find(|job| !job.is_empty())
        .unwrap_or_default()
}
