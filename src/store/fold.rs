//! The result of a batch of messages, written in one transaction.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::{
    alignments,
    calls::{Listing, sort_time},
    enqueue::{NewDelivery, correct, enqueue, expedite},
    error::{Error, Result},
    inbox::{Processed, Waiting, mark_processed, wait, wake_waiting},
    new_report::NewReport,
    object_keys::claim,
    open::Store,
    reports,
    sql::{chunks, millis, rows, text, wide_chunks},
    waveforms,
};
use crate::domain::{
    Call, CallId, DueDelivery, EgressId, Project, Recording, Sink, transcript::Reports,
};

/// The result of intake for one call, written together with the inbox messages that it came from.
#[derive(Debug)]
pub struct CallUpdate {
    /// The call as it is now.
    pub call: Call,
    /// The revision that was read; 0 for a new call.
    pub read_revision: i64,
    /// What it was found and sorted by when it was read, if a change may leave that as it is.
    pub listing: Option<Listing>,
    /// The room name differs from the call that was read.
    pub renamed: bool,
    /// Its recordings, or what is known of their objects, differ from those of the call that was read.
    pub recordings_changed: bool,
    /// Deliveries that the change makes due.
    pub due_deliveries: Vec<DueDelivery>,
}

/// A batch: calls, deliveries and what became of the messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fold<'a> {
    /// Calls that changed.
    pub updates: &'a [CallUpdate],
    /// Messages that are done with.
    pub processed: &'a [Processed],
    /// Messages that wait for a call of their room's name.
    pub waiting: &'a [Waiting],
    /// Reports that were applied to their calls.
    pub reports: &'a [NewReport],
    /// Recordings whose known end was corrected, perhaps after its delivery: call and egress.
    pub corrected: &'a [(CallId, EgressId)],
    /// Calls for which somebody asked to start or stop a recording: LiveKit is asked at once.
    pub requested: &'a [CallId],
    /// Calls that another project had begun, and that are ours.
    pub taken_over: &'a [CallId],
}

impl<'a> Fold<'a> {
    /// Of calls alone.
    pub fn of_calls(updates: &'a [CallUpdate]) -> Fold<'a> {
        Fold {
            updates,
            ..Fold::default()
        }
    }

    /// Of messages alone that are done with.
    pub fn of_processed(processed: &'a [Processed]) -> Fold<'a> {
        Fold {
            processed,
            ..Fold::default()
        }
    }
}

impl Store {
    /// Writes a batch, all or nothing; deliveries only for these sinks. `Conflict`: somebody else wrote one of the calls
    /// or processed one of the messages meanwhile.
    pub async fn commit_fold(&self, fold: Fold<'_>, sinks: &[Sink], now: Timestamp) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        mark_processed(&mut transaction, self.engine, fold.processed, now).await?;
        wait(&mut transaction, fold.waiting, now).await?;
        drop_recordings(&mut transaction, fold.taken_over).await?;
        // All at once where others write, too: rows are locked in one order everywhere.
        let spares =
            |update: &&CallUpdate| self.engine.rewrites_indexes() && update.is_unmoved(now);
        let (unmoved, others): (Vec<_>, Vec<_>) = fold.updates.iter().partition(spares);
        write(&mut transaction, (&unmoved, UNMOVED), now).await?;
        write(&mut transaction, (&others, EVERYTHING), now).await?;
        let recorded = recorded(&fold);
        write_recordings(&mut transaction, &recorded).await?;
        let calls: Vec<&Call> = fold.updates.iter().map(|update| &update.call).collect();
        reports::keep(&mut transaction, &calls, fold.reports).await?;
        alignments::note(&mut transaction, &calls, now).await?;
        if self.draws {
            waveforms::note(&mut transaction, &calls, now).await?;
        }
        // The message about it is folded next and makes their deliveries due.
        let contested = claim(&mut transaction, self.process(), &recorded, now).await?;
        let sent = fold.updates.iter();
        let sent = sent.filter(|update| !contested.contains(&update.call.id));
        let due: Vec<NewDelivery> = sent.flat_map(new_deliveries).collect();
        enqueue(&mut transaction, due, sinks, now).await?;
        for (call_id, egress_id) in fold.corrected {
            let mut updates = fold.updates.iter();
            if let Some(update) = updates.find(|update| update.call.id == *call_id) {
                let revision = update.read_revision + 1;
                correct(&mut transaction, (call_id, egress_id), revision, now).await?;
            }
        }
        for call_id in fold.requested {
            expedite(&mut transaction, call_id, now).await?;
        }
        let renamed = fold.updates.iter().filter(|update| update.renamed);
        let names = renamed.map(|update| update.call.room_name.as_str());
        // Reports that name the room by its sid.
        let begun = fold
            .updates
            .iter()
            .filter(|update| update.read_revision == 0);
        let names = names.chain(begun.map(|update| update.call.id.as_str()));
        wake_waiting(&mut transaction, &names.collect::<Vec<_>>(), now).await?;
        Ok(transaction.commit().await?)
    }
}

fn new_deliveries(update: &CallUpdate) -> impl Iterator<Item = NewDelivery<'_>> {
    update.due_deliveries.iter().map(|due| NewDelivery {
        sink: due.sink,
        call_id: &update.call.id,
        item: &due.item,
        revision: update.read_revision + 1,
    })
}

impl CallUpdate {
    /// Whether it is found and sorted by what it was when it was read.
    fn is_unmoved(&self, now: Timestamp) -> bool {
        let before = self.listing.as_ref();
        before.is_some_and(|before| *before == Listing::of(&self.call, now))
    }
}

/// How a known call is written: of an unmoved one nothing that is in an index.
const UNMOVED: &str =
    "project = excluded.project, revision = excluded.revision, ended_at = excluded.ended_at,
  changed_at = excluded.changed_at, state = excluded.state
  WHERE calls.revision = excluded.revision - 1 AND calls.complete_at IS NULL";
const EVERYTHING: &str =
    "room_name = excluded.room_name, project = excluded.project, status = excluded.status,
  revision = excluded.revision, started_at = excluded.started_at, ended_at = excluded.ended_at,
  changed_at = excluded.changed_at, complete_at = NULL, state = excluded.state
  WHERE calls.revision = excluded.revision - 1";

/// Guarded by the revision that was read: no other process may have written the call meanwhile.
async fn write(
    connection: &mut AnyConnection,
    (updates, change): (&[&CallUpdate], &str),
    now: Timestamp,
) -> Result<()> {
    for chunk in wide_chunks(updates) {
        let sql = format!(
            "INSERT INTO calls (id, room_name, project, status, revision, started_at, ended_at, changed_at, state) VALUES {}
             ON CONFLICT (id) DO UPDATE SET {change}",
            rows(chunk.len(), 1, 9, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for CallUpdate {
            call,
            read_revision,
            ..
        } in chunk
        {
            query = query
                .bind(call.id.as_str())
                .bind(text(&call.room_name))
                .bind(project(call))
                .bind(call.status().as_str())
                .bind(read_revision + 1)
                .bind(sort_time(call, now))
                .bind(millis(call.ended_at()))
                .bind(now.as_millisecond())
                .bind(state(call)?);
        }
        let done = query.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

/// The calls whose recordings are to be written.
fn recorded<'a>(fold: &Fold<'a>) -> Vec<&'a Call> {
    let changed = fold.updates.iter().filter(|update| {
        let is_taken_over = || fold.taken_over.contains(&update.call.id);
        update.recordings_changed || update.read_revision == 0 || is_taken_over()
    });
    changed.map(|update| &update.call).collect()
}

/// The call without its reports, which are stored apart.
fn state(call: &Call) -> Result<String> {
    if call.reports.is_empty() {
        return Ok(serde_json::to_string(call)?);
    }
    let call = Call {
        reports: Reports::default(),
        reports_apart: true,
        ..call.clone()
    };
    Ok(serde_json::to_string(&call)?)
}

/// The API key of another project's call, as it is stored.
fn project(call: &Call) -> Option<String> {
    match &call.project {
        Project::Ours => None,
        Project::Other(key) => Some(text(key)),
    }
}

/// What another project had said of recordings, and what its agents reported, is not said of the call that is ours. Its row
/// stays the same row.
async fn drop_recordings(connection: &mut AnyConnection, calls: &[CallId]) -> Result<()> {
    for call_id in calls {
        sqlx::query("DELETE FROM recordings WHERE call_id = $1")
            .bind(call_id.as_str())
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM deliveries WHERE call_id = $1 AND part <> ''")
            .bind(call_id.as_str())
            .execute(&mut *connection)
            .await?;
        reports::forget(connection, call_id).await?;
    }
    Ok(())
}

/// The project of the call that an egress belongs to by now; NULL: ours.
const OWNER: &str = "(SELECT project FROM calls WHERE id = recordings.call_id)";
/// The project of the call that is written.
const CLAIMANT: &str = "(SELECT project FROM calls WHERE id = excluded.call_id)";

/// The call that an egress belongs to, and the egress's state. An egress of a call of ours stays ours, and becomes ours if
/// another project had named it first.
async fn write_recordings(connection: &mut AnyConnection, calls: &[&Call]) -> Result<()> {
    // One statement must not write the same row twice.
    let mut known: BTreeMap<&str, (&str, &Recording)> = BTreeMap::new();
    for call in calls {
        for (egress_id, recording) in &call.recordings {
            known.insert(egress_id, (&call.id, recording));
        }
    }
    let known: Vec<_> = known.into_iter().collect();
    for chunk in chunks(&known) {
        let sql = format!(
            "INSERT INTO recordings (egress_id, call_id, state) VALUES {}
             ON CONFLICT (egress_id) DO UPDATE SET state = excluded.state,
               call_id = CASE WHEN {OWNER} IS NULL THEN recordings.call_id ELSE excluded.call_id END
             WHERE ({CLAIMANT} IS NULL OR {CLAIMANT} = {OWNER})
               AND ({OWNER} IS NOT NULL OR recordings.state <> excluded.state)",
            rows(chunk.len(), 1, 3, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (egress_id, (call_id, recording)) in chunk {
            let state = serde_json::to_string(recording)?;
            query = query.bind(*egress_id).bind(*call_id).bind(state);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
