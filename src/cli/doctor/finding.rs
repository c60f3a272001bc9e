//! The result of a check.

use serde::{Serialize, Serializer};

use super::row::Row;
use crate::cli::failure::{FAILED, NOT_PERMITTED, UNAVAILABLE, USAGE};

/// The groups of checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Group {
    Here,
    Clock,
    LiveKit,
    Bucket,
    Airtable,
    Links,
    Mirror,
    Alerts,
    Agents,
    /// `--call`
    Call,
}

impl Group {
    /// The name as people write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Group::Here => "Here",
            Group::Clock => "Clock",
            Group::LiveKit => "LiveKit",
            Group::Bucket => "Bucket",
            Group::Airtable => "Airtable",
            Group::Links => "Links",
            Group::Mirror => "Mirror",
            Group::Alerts => "Alerts",
            Group::Agents => "Agents",
            Group::Call => "Call",
        }
    }
}

/// A check: its group, and its name there.
pub(super) type Name = (Group, &'static str);

/// Checks without which others say nothing.
pub(super) const DATABASE: Name = (Group::Here, "database");
pub(super) const LIVEKIT_ADDRESS: Name = (Group::LiveKit, "address");
pub(super) const LIVEKIT_KEY: Name = (Group::LiveKit, "key and secret");
pub(super) const BUCKET: Name = (Group::Bucket, "region and endpoint");
pub(super) const OBJECTS: Name = (Group::Bucket, "objects");

/// What kind of failure it is; the worst one is the exit code. From the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Failed,
    Configuration,
    Unavailable,
    NotPermitted,
}

impl Severity {
    /// The exit code.
    pub(super) fn code(self) -> u8 {
        match self {
            Severity::Failed => FAILED,
            Severity::Configuration => USAGE,
            Severity::Unavailable => UNAVAILABLE,
            Severity::NotPermitted => NOT_PERMITTED,
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Skipped,
    /// Somebody should look at it; the exit code stays.
    Warning,
    /// Somebody must fix it.
    Failure(Severity),
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Skipped => "skipped",
            Level::Warning => "warning",
            Level::Failure(_) => "failure",
        }
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was seen.
    pub(super) detail: String,
    /// What to do: the variable, where to click, and the row of the documentation.
    pub(super) remedy: Option<String>,
}

impl Finding {
    /// It works.
    pub(super) fn ok(detail: impl Into<String>) -> Finding {
        Finding {
            level: Level::Ok,
            detail: detail.into(),
            remedy: None,
        }
    }

    /// It was not checked.
    pub(super) fn skipped(why: impl Into<String>) -> Finding {
        Finding {
            level: Level::Skipped,
            detail: why.into(),
            remedy: None,
        }
    }

    /// It says nothing as long as another check fails.
    pub(super) fn not_checked((group, check): Name) -> Finding {
        Finding::skipped(format!("not checked: see {}: {check}", group.as_str()))
    }

    /// The cause instead of what follows from it: of one fault, one finding is a failure.
    pub(super) fn caused_by(self, cause: Option<Finding>) -> Finding {
        match (self.level, cause) {
            (Level::Warning | Level::Failure(_), Some(cause)) => cause,
            _ => self,
        }
    }

    /// It works, and somebody should look at it.
    pub(super) fn warning(detail: impl Into<String>, remedy: &str, row: Row) -> Finding {
        Finding {
            level: Level::Warning,
            detail: detail.into(),
            remedy: Some(with_row(remedy, row)),
        }
    }

    /// It does not work. `remedy` names the variable and the place to click.
    pub(super) fn failure(
        severity: Severity,
        detail: impl Into<String>,
        remedy: &str,
        row: Row,
    ) -> Finding {
        Finding {
            level: Level::Failure(severity),
            detail: detail.into(),
            remedy: Some(with_row(remedy, row)),
        }
    }
}

fn with_row(remedy: &str, row: Row) -> String {
    format!(
        "{remedy} (docs/src/troubleshooting.md, row \"{}\")",
        row.title()
    )
}
