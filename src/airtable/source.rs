//! What fills a column of the schema.

use std::{fmt, str::FromStr};

use crate::domain::{CellContent, figures::Figure};

/// Before the name of a figure.
pub(super) const FIGURES: &str = "figures.";

/// The source of a column's cells: a fact about the call, or something of the user's that a path or a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    CallId,
    RoomName,
    Status,
    StartedAt,
    EndedAt,
    Duration,
    Caller,
    Agent,
    Transcript,
    TranscriptUrl,
    RecordingUrl,
    RecordingUrlExpires,
    RecordingSize,
    EgressId,
    Error,
    RecordingAttachment,
    /// Every recording of the call, with its length and link.
    AllRecordings,
    Summary,
    Metadata,
    Participants,
    JobId,
    /// A figure that follows from what agents reported.
    Figure(Figure),
    /// A path into the metadata of the room, the agent's job or the agent's report.
    MetadataPath(String),
    /// An attribute of a participant, by name.
    Attribute(String),
    /// A path into the agent's report.
    ReportPath(String),
    /// The same text in every row.
    Constant(String),
}

impl Source {
    /// The sources that are one word, in the order in which messages list them.
    pub const NAMED: [Source; 21] = [
        Source::CallId,
        Source::RoomName,
        Source::Status,
        Source::StartedAt,
        Source::EndedAt,
        Source::Duration,
        Source::Caller,
        Source::Agent,
        Source::Transcript,
        Source::TranscriptUrl,
        Source::RecordingUrl,
        Source::RecordingUrlExpires,
        Source::RecordingSize,
        Source::EgressId,
        Source::Error,
        Source::RecordingAttachment,
        Source::AllRecordings,
        Source::Summary,
        Source::Metadata,
        Source::Participants,
        Source::JobId,
    ];
    /// The sources with something of the user's after a prefix: the prefix, and what follows it.
    pub const OPEN: [(&'static str, &'static str); 4] = [
        ("metadata.", "PATH"),
        ("attributes.", "NAME"),
        ("report.", "PATH"),
        ("constant:", "TEXT"),
    ];

    /// Its word in the schema file, or its prefix.
    pub fn name(&self) -> &'static str {
        match self {
            Source::CallId => "call_id",
            Source::RoomName => "room_name",
            Source::Status => "status",
            Source::StartedAt => "started_at",
            Source::EndedAt => "ended_at",
            Source::Duration => "duration",
            Source::Caller => "caller",
            Source::Agent => "agent",
            Source::Transcript => "transcript",
            Source::TranscriptUrl => "transcript_url",
            Source::RecordingUrl => "recording_url",
            Source::RecordingUrlExpires => "recording_url_expires",
            Source::RecordingSize => "recording_size",
            Source::EgressId => "egress_id",
            Source::Error => "error",
            Source::RecordingAttachment => "recording_attachment",
            Source::AllRecordings => "all_recordings",
            Source::Summary => "summary",
            Source::Metadata => "metadata",
            Source::Participants => "participants",
            Source::JobId => "job_id",
            Source::Figure(_) => FIGURES,
            Source::MetadataPath(_) => "metadata.",
            Source::Attribute(_) => "attributes.",
            Source::ReportPath(_) => "report.",
            Source::Constant(_) => "constant:",
        }
    }

    /// Whether it is one of our links, which are renewed although the call has not changed.
    pub fn is_link(&self) -> bool {
        matches!(
            self,
            Source::RecordingUrl
                | Source::RecordingUrlExpires
                | Source::TranscriptUrl
                | Source::AllRecordings
        )
    }

    /// How private its values are.
    pub fn content(&self) -> CellContent {
        match self {
            Source::CallId
            | Source::Status
            | Source::StartedAt
            | Source::EndedAt
            | Source::Duration
            | Source::Agent
            | Source::RecordingUrlExpires
            | Source::RecordingSize
            | Source::EgressId
            | Source::Error
            | Source::JobId
            | Source::Figure(_)
            | Source::Constant(_) => CellContent::Plain,
            Source::Transcript | Source::Summary | Source::ReportPath(_) => CellContent::Words,
            Source::TranscriptUrl
            | Source::RecordingUrl
            | Source::RecordingAttachment
            | Source::AllRecordings => CellContent::Link,
            Source::RoomName => CellContent::Room,
            Source::Caller
            | Source::Metadata
            | Source::Participants
            | Source::MetadataPath(_)
            | Source::Attribute(_) => CellContent::Private,
        }
    }

    /// Whether it is a fact about the call: links and the recording's copy are renewed, and errors hold our own notes.
    pub fn is_of_a_call(&self) -> bool {
        !self.is_link() && !matches!(self, Source::Error | Source::RecordingAttachment)
    }

    /// Whether it may be one of several sources of a column. Links, the copy, the key and the transcript are written separately.
    pub fn is_listable(&self) -> bool {
        self.is_of_a_call() && !matches!(self, Source::CallId | Source::Transcript)
    }

    /// Whether it is a figure.
    pub fn is_figure(&self) -> bool {
        matches!(self, Source::Figure(_))
    }

    /// Whether it comes from what an agent reported.
    pub fn is_reported(&self) -> bool {
        matches!(
            self,
            Source::Transcript
                | Source::TranscriptUrl
                | Source::Summary
                | Source::JobId
                | Source::Figure(_)
                | Source::ReportPath(_)
        )
    }
}

/// As the schema file spells it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Source::Figure(figure) => f.write_str(figure.name()),
            Source::MetadataPath(rest)
            | Source::Attribute(rest)
            | Source::ReportPath(rest)
            | Source::Constant(rest) => f.write_str(rest),
            _ => Ok(()),
        }
    }
}

/// A text names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSource;

impl FromStr for Source {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Source, UnknownSource> {
        if let Some(named) = Source::NAMED.into_iter().find(|s| s.name() == text) {
            return Ok(named);
        }
        if let Some(name) = text.strip_prefix(FIGURES) {
            let figure = name.parse().map_err(|_| UnknownSource)?;
            return Ok(Source::Figure(figure));
        }
        let open: [fn(String) -> Source; 4] = [
            Source::MetadataPath,
            Source::Attribute,
            Source::ReportPath,
            Source::Constant,
        ];
        for ((prefix, _), source) in Source::OPEN.into_iter().zip(open) {
            let rest = text.strip_prefix(prefix);
            if let Some(rest) = rest.filter(|rest| !rest.trim().is_empty()) {
                return Ok(source(rest.to_owned()));
            }
        }
        Err(UnknownSource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_as_it_is_written() {
        let open = Source::OPEN.map(|(prefix, rest)| format!("{prefix}{rest}"));
        let named = Source::NAMED.map(|source| source.to_string());
        let figures = Figure::ALL.map(|figure| Source::Figure(figure).to_string());
        for text in named.iter().chain(&open).chain(&figures) {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), *text);
        }
        for text in [
            "",
            "metadata.",
            "constant: ",
            "Call_id",
            "nowhere",
            "report",
            "figures.",
            "figures.nowhere",
        ] {
            assert_eq!(text.parse::<Source>(), Err(UnknownSource), "{text:?}");
        }
    }

    #[test]
    fn a_users_source_is_no_link_of_ours_whatever_its_name() {
        for text in [
            "metadata.callback_url",
            "report.recording_url",
            "constant:x_url",
        ] {
            assert!(!text.parse::<Source>().unwrap().is_link(), "{text}");
        }
        assert!(Source::RecordingUrl.is_link());
    }
}
