//! A line of the audit trail before it has its place in the chain.

use jiff::Timestamp;

use super::{Actor, AuditAction};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub who: Actor,
    /// What.
    pub action: AuditAction,
    /// To which call.
    pub subject: AuditSubject,
    /// From where: an address, or the name of the host that a command ran on.
    pub client: String,
    /// The status of the answer; of a command its exit code.
    pub status: u16,
    /// Words of a closed set: the options of a command.
    pub detail: String,
    /// Whether the same again is a new line.
    pub repeats: Repeats,
}

/// The call that a line is about, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AuditSubject {
    /// `RM_…`
    pub call_id: Option<String>,
    /// `EG_…`
    pub egress_id: Option<String>,
    /// Of a start: the fingerprint of the settings.
    pub configuration: Option<String>,
}

/// Whether the same again is a new line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeats {
    /// Each time: the text is unique, so that a second try to store the same entry makes no second line.
    Each(String),
    /// Once an hour: a player asks for one recording many times.
    Hourly,
}

impl AuditEntry {
    /// The hour that it belongs to, counted from the epoch.
    pub fn hour(&self) -> i64 {
        self.at.as_second().div_euclid(3600)
    }

    /// What makes entries of one hour the same.
    pub fn identity(&self) -> String {
        let AuditSubject {
            call_id, egress_id, ..
        } = &self.subject;
        // An egress has one call, which may not be known each time.
        let link = egress_id.as_ref().or(call_id.as_ref());
        format!(
            "{}\n{}\n{}\n{}\n{}\n{}",
            self.hour(),
            self.action.as_str(),
            self.who,
            link.map_or("", String::as_str),
            self.client,
            self.detail
        )
    }
}
