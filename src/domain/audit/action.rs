//! What the audit trail records.

/// What somebody did, or tried to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuditAction {
    /// Followed the link of a recording.
    Listen,
    /// Read a transcript.
    ReadWords,
    /// Had a link to a recording made.
    Link,
    /// Ended a link to a recording.
    Unlink,
    /// Had deliveries retried.
    Redrive,
    /// Had calls rebuilt.
    Replay,
    /// Imported history.
    Backfill,
    /// Started a recording.
    RecordStart,
    /// Stopped a recording.
    RecordStop,
    /// Read the audit trail.
    ReadAudit,
    /// Started the service.
    Start,
}

impl AuditAction {
    /// Its name in the database, the API and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditAction::Listen => "listen",
            AuditAction::ReadWords => "read_words",
            AuditAction::Link => "link",
            AuditAction::Unlink => "unlink",
            AuditAction::Redrive => "redrive",
            AuditAction::Replay => "replay",
            AuditAction::Backfill => "backfill",
            AuditAction::RecordStart => "record_start",
            AuditAction::RecordStop => "record_stop",
            AuditAction::ReadAudit => "read_audit",
            AuditAction::Start => "start",
        }
    }
}
