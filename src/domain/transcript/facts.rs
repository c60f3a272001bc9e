//! What a report is about, without its words.

use jiff::Timestamp;

use super::origin::ReportOrigin;

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportFacts {
    /// Its own date, unless that is after its arrival.
    pub dated: Option<Timestamp>,
    /// The ID of the agent's job; empty if it has none.
    pub job: String,
    /// Whether its conversation has words.
    pub has_words: bool,
    /// Why the words that were uploaded with it cannot be used, for people.
    pub refused_words: Option<String>,
    /// How it came.
    pub origin: ReportOrigin,
}
