//! Folds a call anew from its letters, with today's code and schema. What it wrote would be what intake wrote: guarded
//! by the revision that was read, so that both may work at once.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use super::{letter, sinks::airtable::changed_columns};
use crate::{
    airtable::Schema,
    domain::{Call, Event, Policy, Sink, apply, call::Wish},
    store::{Again, CallRow, Error, Folded, Judged, Owing, State, Store},
};

/// A call as today's code makes it of its letters.
#[derive(Debug)]
pub struct Refolded {
    pub call: Call,
    /// How many letters it was made of.
    pub letters: usize,
    /// Columns of its row that today's code and schema fill otherwise.
    pub columns: Vec<String>,
    read_revision: i64,
    changed: bool,
    renamed: bool,
    judged: Vec<Judged>,
    /// Whether its row was delivered, and so must be made due to be written again.
    delivered: Option<Owing>,
}

impl Refolded {
    pub fn is_news(&self) -> bool {
        self.changed || !self.columns.is_empty()
    }
}

/// What `replay` may do with a call.
#[derive(Debug)]
pub enum Replay {
    Folded(Box<Refolded>),
    /// Its letters are not all there any more: it stays as it is.
    Incomplete,
}

/// Folds the call of this id anew; nothing is written. `None`: there is no such call.
pub async fn refold(store: &Store, schema: &Schema, id: &str) -> Result<Option<Replay>, Error> {
    // The call first: what is folded meanwhile makes the write a conflict.
    let Some(known) = store.call(id).await? else {
        return Ok(None);
    };
    let letters = store.letters_of(id).await?;
    let gone = known.call.forgotten;
    if gone || letters.iter().any(|folded| folded.letter.body.is_empty()) {
        return Ok(Some(Replay::Incomplete));
    }
    let (mut call, mut judged) = (begin(id), Vec::new());
    for folded in &letters {
        let error = match letter::read(&folded.letter) {
            Ok(fact) => {
                let event = Event {
                    received_at: folded.letter.received_at,
                    told_by: letter::teller(&folded.letter),
                    fact,
                };
                fold(&mut call, &event).err()
            }
            Err(error) => Some(error),
        };
        if error != folded.error {
            let id = folded.letter.id.clone();
            judged.push(Judged { id, error });
        }
    }
    keep_standing_wish(&mut call, &known.call);
    if lacks(&call, &known.call) {
        return Ok(Some(Replay::Incomplete));
    }
    let refolded = compare(store, schema, known, call).await?;
    let refolded = Refolded {
        letters: letters.len(),
        judged,
        ..refolded
    };
    Ok(Some(Replay::Folded(Box::new(refolded))))
}

/// Writes what is news. `Conflict`: the call has changed since it was read, and is to be folded again.
pub async fn write(
    store: &Store,
    refolded: &Refolded,
    sinks: &[Sink],
    now: Timestamp,
) -> Result<(), Error> {
    store.judge(&refolded.judged).await?;
    if refolded.changed {
        let folded = Folded {
            owed: refolded.call.owed(store.began_at().await?),
            call: refolded.call.clone(),
            read_revision: refolded.read_revision,
            renamed: refolded.renamed,
        };
        return store.commit_fold(&[folded], &[], &[], sinks, now).await;
    }
    let due = refolded.delivered.as_slice();
    if !refolded.columns.is_empty() {
        store.redrive(due, Again::Rest, now).await?;
    }
    Ok(())
}

fn begin(id: &str) -> Call {
    Call {
        id: id.to_owned(),
        ..Call::default()
    }
}

/// A panic costs the one letter.
fn fold(call: &mut Call, event: &Event) -> Result<(), String> {
    let policy = Policy::manual();
    let step = AssertUnwindSafe(|| apply(Some(call), &call.id, event, &policy));
    let step = std::panic::catch_unwind(step);
    *call = step.map_err(|_| letter::PANICKED.to_owned())?.call;
    Ok(())
}

/// Whether a room was to be recorded was decided when the call went on; today's RECORD_ROOMS has no say in it.
fn keep_standing_wish(call: &mut Call, known: &Call) {
    let standing = |wish: &&Wish| wish.asked_at.is_none();
    call.wanted
        .extend(known.wanted.iter().find(standing).cloned());
}

/// Whether something that was known of the call is not in its letters.
fn lacks(call: &Call, known: &Call) -> bool {
    let people = |of: &Call| of.participants.len();
    let stamps = |of: &Call| {
        [
            of.created_at,
            of.heard_from,
            of.alive_at,
            of.finished_at,
            of.gone_at,
        ]
        .into_iter()
        .flatten()
        .count()
    };
    let recordings = |of: &Call| of.recordings.len() + of.objects.len() + of.lost.len();
    let told = |of: &Call| {
        let told = [
            of.reports.newest().is_some(),
            of.not_started.is_some(),
            of.transcript_file.is_some(),
        ];
        of.wanted.len() + of.stops.len() + told.into_iter().filter(|told| *told).count()
    };
    [people, stamps, recordings, told]
        .iter()
        .any(|count: &fn(&Call) -> usize| count(call) < count(known))
}

async fn compare(
    store: &Store,
    schema: &Schema,
    known: CallRow,
    call: Call,
) -> Result<Refolded, Error> {
    let changed = call != known.call;
    let deliveries = store.deliveries_of(&call.id).await?;
    let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
    let delivered = row.filter(|row| row.state == State::Done);
    // A row that is on its way is written as it is now without anybody's help.
    let compared = row.filter(|_| changed || delivered.is_some());
    let columns = compared.map_or_else(Vec::new, |row| changed_columns(&call, schema, &row.memo));
    let delivered = delivered.map(|row| Owing {
        key: row.key.clone(),
        room_name: call.room_name.clone(),
        state: row.state,
        last_error: None,
    });
    Ok(Refolded {
        letters: 0,
        columns,
        read_revision: known.revision,
        changed,
        renamed: call.room_name != known.call.room_name,
        judged: Vec::new(),
        delivered,
        call,
    })
}
