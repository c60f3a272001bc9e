//! A report that intake has read.

use super::message::InboxMessage;
use crate::domain::{
    sha256,
    transcript::{ReportEntry, ReportFacts, StoredReport},
};

/// What is noted of a report's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportBody {
    hash: String,
    bytes: u64,
}

impl ReportBody {
    /// Of the body of an inbox message. The same report has the same hash, whoever named its room.
    pub fn of(message: &[u8]) -> ReportBody {
        let stored = serde_json::from_slice::<StoredReport<'_>>(message).ok();
        let body = stored.map_or(message, |stored| stored.body.get().as_bytes());
        ReportBody {
            hash: sha256(body),
            bytes: body.len() as u64,
        }
    }

    /// Finds an equal report that waits for this room.
    pub(super) fn key(&self, room_name: &str) -> String {
        let room = sha256(room_name.as_bytes());
        format!("report-{}-{room}", self.hash)
    }
}

/// A report of a call; its body is that of the inbox message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// Its call.
    pub(super) call_id: String,
    pub(super) entry: ReportEntry,
}

impl NewReport {
    /// The report in this message, of a call that is not known yet.
    pub fn new(message: &InboxMessage, facts: &ReportFacts, body: ReportBody) -> NewReport {
        NewReport {
            call_id: String::new(),
            entry: ReportEntry {
                id: message.id.clone(),
                facts: facts.clone(),
                hash: body.hash,
                received_at: message.received_at,
                bytes: body.bytes,
            },
        }
    }

    /// Whether it is one of this call.
    pub fn is_of(&self, call_id: &str) -> bool {
        self.call_id == call_id
    }

    /// The same of this call.
    pub fn of_call(self, call_id: &str) -> NewReport {
        NewReport {
            call_id: call_id.to_owned(),
            ..self
        }
    }
}
