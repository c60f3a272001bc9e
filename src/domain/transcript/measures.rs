//! What a report measured of a session, in a space that is bounded.

use std::collections::{BTreeMap, BTreeSet};

use super::{close_reason::CloseReason, speaker::Speaker};

/// The stages that errors are counted of: the name of a stage, and the type of its errors in events.
pub(super) const STAGES: [(&str, &str); 5] = [
    ("llm", "llm_error"),
    ("stt", "stt_error"),
    ("tts", "tts_error"),
    ("realtime", "realtime_model_error"),
    ("interruption", "interruption_detection_error"),
];

/// The stages whose errors reports count, by name.
pub fn stages() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|(name, _)| *name)
}

/// When somebody spoke, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub speaker: Speaker,
    pub start: i64,
    pub end: i64,
}

/// A delay of one item. Another job's report may repeat the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay {
    /// A hash of the item's ID.
    pub item: u64,
    pub milliseconds: u32,
}

/// What a report measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures {
    /// The times of speech, of both sides.
    pub spans: Vec<Span>,
    /// From the end of the caller's words to the agent's voice.
    pub latencies: Vec<Delay>,
    /// From the request to the first token of the model.
    pub llm_delays: Vec<Delay>,
    /// From the first token to the first sound of the voice.
    pub tts_delays: Vec<Delay>,
    /// From the end of the caller's words to the decision that the turn is over.
    pub turn_delays: Vec<Delay>,
    /// The confidence of the speech recognizer in each turn, in thousandths.
    pub confidences: Vec<Delay>,
    /// Calls of tools, by a hash of their items' IDs.
    pub tools: BTreeSet<u64>,
    /// When they were called, in milliseconds since 1970, as far as that is known.
    pub tool_times: BTreeMap<u64, i64>,
    /// Calls of tools that failed, likewise.
    pub failed_tools: BTreeSet<u64>,
    /// How often a detector heard that the caller interrupted the agent.
    pub interruptions: u64,
    /// How often the agent stopped although nobody interrupted it.
    pub false_interruptions: u64,
    /// The languages that were recognized.
    pub languages: BTreeSet<String>,
    /// The events of errors, by stage.
    pub errors: Vec<(&'static str, u64)>,
    /// The reason of the last event that closed the session.
    pub closed: Option<CloseReason>,
}
