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
    /// Read which calls there were, and who took part.
    ReadCalls,
    /// Read the metrics.
    ReadMetrics,
    /// Sent a transcript.
    SendTranscript,
    /// Started the service.
    Start,
    /// Signed in to the pages.
    SignIn,
}

impl AuditAction {
    /// Whether it leaves a line when it was permitted. The others are counted if they were not.
    pub fn leaves_line(self) -> bool {
        !matches!(
            self,
            AuditAction::ReadAudit
                | AuditAction::ReadCalls
                | AuditAction::ReadMetrics
                | AuditAction::SendTranscript
        )
    }

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
            AuditAction::ReadCalls => "read_calls",
            AuditAction::ReadMetrics => "read_metrics",
            AuditAction::SendTranscript => "send_transcript",
            AuditAction::Start => "start",
            AuditAction::SignIn => "sign_in",
        }
    }
}
