//! Rebuilds a call from its messages with the current code and schema. It writes what intake would have written,
//! guarded by the revision that was read, so that both can run at once.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use super::{message, object_proof::prove, sinks::airtable::changed_columns};
use crate::{
    airtable::Schema,
    domain::{Call, Event, Policy, Sink, apply, call::RecordingRequest},
    store::{
        CallRow, CallUpdate, DeliveryState, Error, Fold, Outstanding, ProcessedMessage, ReadResult,
        RedriveScope, Store,
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
    let messages = store.messages_of(id).await?;
    if known.call.purged || messages.iter().any(is_lost) {
        return Ok(Some(Replay::Incomplete));
    }
    let (mut call, mut read_results) = (None, Vec::new());
    let policy = Policy::manual();
    for processed in &messages {
        let Ok(message) = &processed.message else {
            continue;
        };
        let error = match message::read(message) {
            Ok(mut payload) => {
                let source = message::source(message);
                let call_before = (id, call.as_ref());
                prove(store, &policy, call_before, &source, &mut payload).await?;
                let event = Event {
                    received_at: message.received_at,
                    source,
                    payload,
                };
                fold(&mut call, id, &event, &policy).err()
            }
            Err(error) => Some(error),
        };
        if error != processed.error {
            let id = message.id.clone();
            read_results.push(ReadResult { id, error });
        }
    }
    let mut call = call.unwrap_or_else(|| begin(id));
    keep_policy_request(&mut call, &known.call);
    keep_places(&mut call, &known.call);
    if lacks(&call, &known.call) {
        return Ok(Some(Replay::Incomplete));
    }
    let rebuilt = compare(store, schema, known, call).await?;
    let rebuilt = Rebuilt {
        messages: messages.len(),
        read_results,
        ..rebuilt
    };
    Ok(Some(Replay::Rebuilt(Box::new(rebuilt))))
}

/// Whether the call was made of this message and cannot be made of it again: its body was purged, or only a newer version
/// can read it. One that was set aside is no part of the call.
fn is_lost(processed: &ProcessedMessage) -> bool {
    match &processed.message {
        Ok(message) => message.body.is_empty(),
        Err(_) => processed.error.is_none(),
    }
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
            renamed: rebuilt.renamed,
        };
        let updates = [folded];
        let fold = Fold::of_calls(&updates);
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

/// A panic only skips the one message.
fn fold(call: &mut Option<Call>, id: &str, event: &Event, policy: &Policy) -> Result<(), String> {
    let step = AssertUnwindSafe(|| apply(call.as_ref(), id, event, policy));
    let step = std::panic::catch_unwind(step);
    *call = Some(step.map_err(|_| message::PANICKED.to_owned())?.call);
    Ok(())
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
    let people = |of: &Call| of.participants.len();
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
            of.reports.newest().is_some(),
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
    call: Call,
) -> Result<Rebuilt, Error> {
    let changed = call != known.call;
    let deliveries = store.deliveries_of(&call.id).await?;
    let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
    let delivered = row.filter(|row| row.state == DeliveryState::Done);
    // A row whose delivery is pending gets the current state anyway.
    let compared = row.filter(|_| changed || delivered.is_some());
    let columns = compared.map_or_else(Vec::new, |row| {
        changed_columns(&call, schema, &row.sink_state)
    });
    let delivered = delivered.map(|row| Outstanding {
        key: row.key.clone(),
        room_name: call.room_name.to_string(),
        state: row.state,
        last_error: None,
    });
    Ok(Rebuilt {
        messages: 0,
        columns,
        read_revision: known.revision,
        changed,
        renamed: call.room_name != known.call.room_name,
        read_results: Vec::new(),
        delivered,
        call,
    })
}
