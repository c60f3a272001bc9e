//! Rebuilds a call from its messages with the current code and schema. It writes what intake would have written,
//! guarded by the revision that was read, so that both can run at once.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use super::{message, object_proof::prove, sinks::airtable::changed_columns};
use crate::{
    airtable::Schema,
    domain::{
        Call, Event, EventPayload, Policy, Sink, apply,
        call::{Admission, RecordingRequest},
    },
    store::{
        CallRow, CallUpdate, DeliveryState, Error, Fold, InboxMessage, MessageKind, NewReport,
        Outstanding, ProcessedMessage, ReadResult, RedriveScope, ReportBody, Store,
    },
};

/// A call as the current code builds it from its messages.
#[derive(Debug)]
pub struct Rebuilt {
    pub call: Call,
    /// The number of messages.
    pub messages: usize,
    /// Columns of its row whose values the current code and schema change.
    pub columns: Vec<String>,
    read_revision: i64,
    changed: bool,
    renamed: bool,
    read_results: Vec<ReadResult>,
    reports: Vec<NewReport>,
    /// Whether its row was delivered, and therefore must be made due to be written again.
    delivered: Option<Outstanding>,
}

impl Rebuilt {
    /// Whether there is anything to write.
    pub fn has_changes(&self) -> bool {
        self.changed || !self.columns.is_empty()
    }
}

/// The result of rebuilding a call.
#[derive(Debug)]
pub enum Replay {
    Rebuilt(Box<Rebuilt>),
    /// Some of its messages are missing: the call is not changed.
    Incomplete,
}

/// Rebuilds the call with this ID; writes nothing. `None`: no such call.
pub async fn rebuild(store: &Store, schema: &Schema, id: &str) -> Result<Option<Replay>, Error> {
    // The call is read first: anything folded meanwhile makes the write a conflict.
    let Some(known) = store.call(id).await? else {
        return Ok(None);
    };
    let is_purged = known.call.reports_apart && !store.has_reports(id).await?;
    let mut refolded = Refolded::new(id, schema);
    let mut after = String::new();
    loop {
        let (messages, _in_memory) = store.messages_of(id, &after).await?;
        let Some(last) = messages.last() else { break };
        after = last.id().to_owned();
        if is_purged || messages.iter().any(is_lost) {
            return Ok(Some(Replay::Incomplete));
        }
        for processed in &messages {
            refolded.add(store, processed).await?;
        }
    }
    let mut call = refolded.call.take().unwrap_or_else(|| begin(id));
    keep_policy_request(&mut call, &known.call);
    keep_places(&mut call, &known.call);
    if is_purged || lacks(&call, &known.call) {
        return Ok(Some(Replay::Incomplete));
    }
    let rebuilt = compare(store, schema, known, (call, refolded)).await?;
    Ok(Some(Replay::Rebuilt(Box::new(rebuilt))))
}

/// A call that is folded again.
struct Refolded {
    id: String,
    call: Option<Call>,
    policy: Policy,
    messages: usize,
    reports: Vec<NewReport>,
    read_results: Vec<ReadResult>,
}

impl Refolded {
    fn new(id: &str, schema: &Schema) -> Refolded {
        let mut policy = Policy::manual();
        policy.attributes = schema.attributes();
        Refolded {
            id: id.to_owned(),
            call: None,
            policy,
            messages: 0,
            reports: Vec::new(),
            read_results: Vec::new(),
        }
    }

    async fn add(&mut self, store: &Store, processed: &ProcessedMessage) -> Result<(), Error> {
        self.messages += 1;
        let Ok(message) = &processed.message else {
            return Ok(());
        };
        if is_superseded(message) {
            return Ok(());
        }
        let error = match message::read(message) {
            Ok(mut payload) => {
                let source = message::source(message);
                let call_before = (self.id.as_str(), self.call.as_ref());
                prove(store, &self.policy, call_before, &source, &mut payload).await?;
                let event = Event {
                    received_at: message.received_at,
                    source,
                    payload,
                };
                self.fold(message, &event).err()
            }
            Err(error) => Some(error),
        };
        if error != processed.error {
            let id = message.id.clone();
            self.read_results.push(ReadResult { id, error });
        }
        Ok(())
    }

    /// A panic only skips the one message.
    fn fold(&mut self, message: &InboxMessage, event: &Event) -> Result<(), String> {
        let (call, policy) = (self.call.as_ref(), &self.policy);
        let admission = Admission::of(call, &event.source);
        let step = AssertUnwindSafe(|| apply(call, &self.id, event, policy));
        let step = std::panic::catch_unwind(step);
        self.call = Some(step.map_err(|_| message::PANICKED.to_owned())?.call);
        if admission == Admission::Begun {
            // They were of another project.
            self.reports.clear();
        }
        if let EventPayload::Report { facts, .. } = &event.payload
            && admission != Admission::Refused
        {
            let body = ReportBody::of(&message.body);
            let report = NewReport::new(message, facts, body).of_call(&self.id);
            self.reports.push(report);
        }
        Ok(())
    }
}

/// Whether the call was made of this message and cannot be made of it again: its body was purged, or only a newer version
/// can read it. One that was set aside is no part of the call, and of a superseded report nothing is.
fn is_lost(processed: &ProcessedMessage) -> bool {
    match &processed.message {
        Ok(message) => message.body.is_empty() && !is_superseded(message),
        Err(_) => processed.error.is_none(),
    }
}

/// Whether the body of a report was deleted because newer ones count.
fn is_superseded(message: &InboxMessage) -> bool {
    message.kind == MessageKind::Report && message.body.is_empty()
}

/// Writes the changes. `Conflict`: the call has changed since it was read and must be rebuilt again.
pub async fn write(
    store: &Store,
    rebuilt: &Rebuilt,
    sinks: &[Sink],
    now: Timestamp,
) -> Result<(), Error> {
    store.record_errors(&rebuilt.read_results).await?;
    if rebuilt.changed {
        let folded = CallUpdate {
            due_deliveries: rebuilt.call.due_deliveries(store.began_at().await?),
            call: rebuilt.call.clone(),
            read_revision: rebuilt.read_revision,
            listing: None,
            renamed: rebuilt.renamed,
            recordings_changed: true,
        };
        let updates = [folded];
        let fold = Fold {
            reports: &rebuilt.reports,
            ..Fold::of_calls(&updates)
        };
        return store.commit_fold(fold, sinks, now).await;
    }
    let due = rebuilt.delivered.as_slice();
    if !rebuilt.columns.is_empty() {
        store.redrive(due, RedriveScope::Undelivered, now).await?;
    }
    Ok(())
}

fn begin(id: &str) -> Call {
    Call {
        id: id.into(),
        ..Call::default()
    }
}

/// Whether a room is recorded was decided during the call; the current RECORD_ROOMS and RECORD_SIMULATIONS do not change
/// that.
fn keep_policy_request(call: &mut Call, known: &Call) {
    let standing = |request: &&RecordingRequest| request.is_standing();
    call.requests
        .extend(known.requests.iter().find(standing).cloned());
    call.simulated = known.simulated;
}

/// Keeps the places of recordings: they were compared with the bucket of that time, and a new S3_BUCKET does not move them.
fn keep_places(call: &mut Call, known: &Call) {
    for (id, recording) in &mut call.recordings {
        let known = known.recordings.get(id).map(|known| known.place.clone());
        recording.place = known.unwrap_or_default().max(recording.place.clone());
    }
}

/// Whether the call has data that its messages do not contain.
fn lacks(call: &Call, known: &Call) -> bool {
    let people = |of: &Call| of.participant_count();
    let stamps = |of: &Call| {
        [
            of.created_at,
            of.first_seen_at,
            of.alive_at,
            of.finished_at,
            of.gone_at,
            of.missing.first().copied(),
        ]
        .into_iter()
        .flatten()
        .count()
    };
    let recordings = |of: &Call| {
        let ours = of.ours.len() + of.superseded.len();
        let objects = of.objects.len() + of.contested.len();
        of.recordings.len() + objects + of.lost.len() + ours
    };
    let facts = |of: &Call| {
        let single = [
            of.reported_at.is_some() || !of.reports.is_empty(),
            of.not_started.is_some(),
            of.transcript_file.is_some(),
        ];
        of.requests.len() + of.stops.len() + single.into_iter().filter(|known| *known).count()
    };
    [people, stamps, recordings, facts]
        .iter()
        .any(|count: &fn(&Call) -> usize| count(call) < count(known))
}

async fn compare(
    store: &Store,
    schema: &Schema,
    known: CallRow,
    (call, refolded): (Call, Refolded),
) -> Result<Rebuilt, Error> {
    let reports = refolded.reports;
    let changed = call != known.call || !store.has_noted(&call.id, &reports).await?;
    let deliveries = store.deliveries_of(&call.id).await?;
    let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
    let delivered = row.filter(|row| row.state == DeliveryState::Done);
    // A row whose delivery is pending gets the current state anyway.
    let compared = row.filter(|_| changed || delivered.is_some());
    let columns = match compared {
        Some(row) => {
            let mut shown = call.clone();
            let _in_memory = store.load_reports(&mut shown).await?;
            changed_columns(&shown, schema, &row.sink_state)
        }
        None => Vec::new(),
    };
    let delivered = delivered.map(|row| Outstanding {
        key: row.key.clone(),
        room_name: call.room_name.to_string(),
        state: row.state,
        last_error: None,
    });
    Ok(Rebuilt {
        messages: refolded.messages,
        columns,
        read_revision: known.revision,
        changed,
        renamed: call.room_name != known.call.room_name,
        read_results: refolded.read_results,
        reports,
        delivered,
        call,
    })
}
