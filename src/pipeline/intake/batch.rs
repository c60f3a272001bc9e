//! Messages that are written in one transaction, and the calls that they change.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{CallId, EgressId, EventPayload, Status},
    pipeline::message,
    store::{
        CallRow, CallUpdate, InboxMessage, MessageKind, MessageOutcome, NewReport, Processed,
        ReportBody, UnreadableMessage, Waiting,
    },
};

/// A message that was read: what it says, or why it cannot be read.
pub(super) struct ReadMessage {
    /// Without its body, which may be large.
    pub message: InboxMessage,
    pub payload: Result<EventPayload, String>,
    /// Of the body of a report.
    pub report: Option<ReportBody>,
}

impl ReadMessage {
    /// Reads a message; a panic costs that message alone.
    pub(super) fn read(mut message: InboxMessage) -> ReadMessage {
        let payload = message::read(&message);
        let is_report = message.kind == MessageKind::Report;
        let report = is_report.then(|| ReportBody::of(&message.body));
        message.body = Vec::new();
        ReadMessage {
            message,
            payload,
            report,
        }
    }

    /// The call that the message names by its id.
    pub(super) fn call_id(&self) -> Option<&str> {
        let room = self.payload.as_ref().ok().and_then(EventPayload::room);
        let sid = room.map(|room| room.sid.as_str());
        let id = self.message.call_id.as_deref().or(sid);
        id.filter(|id| !id.is_empty())
    }
}

/// A batch in progress.
#[derive(Default)]
pub(super) struct Batch {
    pub calls: BTreeMap<CallId, CallUpdate>,
    /// The status of each stored call before the batch.
    pub status_before: BTreeMap<CallId, Status>,
    /// Recordings of stored calls that were known to be outside our bucket before the batch.
    pub elsewhere_before: BTreeSet<EgressId>,
    /// The calls that a message of the batch changed.
    pub changed: BTreeSet<CallId>,
    pub processed: Vec<Processed>,
    pub waiting: Vec<Waiting>,
    /// Reports that were applied to their calls.
    pub reports: Vec<NewReport>,
    /// Recordings whose known end was corrected.
    pub corrected: Vec<(CallId, EgressId)>,
    /// Calls for which somebody asked to start or stop a recording.
    pub requested: Vec<CallId>,
    /// Calls that another project had begun, and that are ours.
    pub taken_over: Vec<CallId>,
    /// Whether LiveKit is to be asked for the object key of a recording.
    pub unproven: Unproven,
}

/// Whether an egress was reported with an object key that nothing proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unproven {
    #[default]
    None,
    /// Of a call of ours.
    Some,
}

impl Batch {
    /// Adds a call as it is stored, or one that begins.
    pub(super) fn add(&mut self, id: &str, stored: Option<CallRow>) {
        let status = stored.as_ref().map(|row| row.call.status());
        let status = status.map(|status| (CallId::from(id), status));
        self.status_before.extend(status);
        let recordings = stored.iter().flat_map(|row| row.call.recordings.values());
        let elsewhere = recordings.filter(|recording| recording.place.is_elsewhere());
        self.elsewhere_before
            .extend(elsewhere.map(|recording| recording.egress_id.clone()));
        let row = stored.map(|row| (row.call, row.revision, row.listing));
        let (call, read_revision, listing) = row.unwrap_or_default();
        let unchanged = CallUpdate {
            call,
            read_revision,
            listing,
            renamed: false,
            recordings_changed: false,
            due_deliveries: Vec::new(),
        };
        self.calls.insert(id.into(), unchanged);
    }

    /// Sets aside a message that only a newer version can read.
    pub(super) fn set_aside(&mut self, UnreadableMessage { id, reason }: UnreadableMessage) {
        let error = reason.to_string();
        tracing::warn!(inbox = id, %error, "inbox message set aside; it is kept");
        let outcome = MessageOutcome::Unreadable;
        self.processed.push(Processed::failed(&id, outcome, error));
    }

    /// The calls to be written: those that were changed, not those that were only read.
    pub(super) fn updates(&mut self) -> Vec<CallUpdate> {
        let changed = std::mem::take(&mut self.changed);
        let calls = std::mem::take(&mut self.calls).into_iter();
        calls
            .filter(|(id, _)| changed.contains(id))
            .map(|(_, update)| update)
            .collect()
    }
}
