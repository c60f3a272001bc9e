//! The row of a call: what it should say, and what of that is sent.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    attachment::AttachmentUpload,
    changed_cells::{CellFields, Comparison, Extent, LinkCells, changed_cells},
    notes,
    sink::Airtable,
    state::{SentCell, SinkState},
    table::Table,
    written::{RowBefore, Written},
};
use crate::{
    airtable::{
        Schema, Source,
        projection::{Projection, RowLinks, project},
    },
    domain::{Call, hash},
    pipeline::deliver::{Attempt, Due, Outcome},
};

/// How soon to retry what could not be added to a row.
pub(super) const SOON: SignedDuration = SignedDuration::from_secs(60);

/// The end of a warning about a row without a column for errors.
const NO_ERROR_COLUMN: &str = "Fix the value or the column. No column filled from `error` can be written, which would show this in the row.";

/// A row to be sent.
pub(super) struct Row {
    /// Its place among the due deliveries of the batch.
    pub(super) index: usize,
    /// What is remembered of it, changed on the way.
    pub(super) state: SinkState,
    /// Every cell, by column name.
    cells: Map<String, Value>,
    /// Values that their columns cannot hold, one line each.
    invalid_values: Vec<String>,
    links: LinkCells,
    extent: Extent,
    /// Additional lines of Error.
    pub(super) notes: Vec<String>,
    /// The recording's copy, if it is sent with this request.
    pub(super) upload: Option<AttachmentUpload>,
    /// When the row is checked again although nothing has changed.
    recheck_at: Option<Timestamp>,
    /// What Airtable has taken in this attempt, and its last answer.
    pub(super) done: Written,
}

/// A new row that was refused alone without a reason.
pub(super) struct Unexplained {
    /// The row.
    pub(super) row: Row,
    /// Its outcome if the row itself is at fault.
    pub(super) at_fault: Outcome,
    /// The refusal, if no row is created.
    pub(super) reason: String,
}

impl Airtable {
    /// The row as it should be now. `None`: somebody deleted it, and the call has not changed since; or the call is
    /// simulated.
    ///
    /// # Errors
    /// For people, when a link cannot be signed.
    pub(super) async fn row(
        &self,
        index: usize,
        due: &Due,
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<Row>, String> {
        let mut state = SinkState::in_table(&due.delivery.sink_state, &table.mapping.table_id);
        state.create_refused = false;
        self.row_with(state, (index, due), table, now).await
    }

    /// [`Airtable::row`] when its state is known.
    pub(super) async fn row_with(
        &self,
        mut state: SinkState,
        (index, due): (usize, &Due),
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<Row>, String> {
        let call = &due.call;
        let is_redriven = due.delivery.delivered == 0;
        if state.is_deleted() {
            if !is_redriven && !self.has_changed(call, &state, table) {
                return Ok(None);
            }
            state = state.without_row(&table.mapping.table_id);
        }
        // A row that was there before the simulator joined is kept up to date.
        if call.simulated && state.record_id.is_none() {
            return Ok(None);
        }
        let extent = match is_redriven && state.record_id.is_some() {
            true => Extent::FullRewrite,
            false => Extent::ChangedCells,
        };
        if extent == Extent::FullRewrite {
            state.signed_links = None;
            state.refused.clear();
        }
        if self.has_link_column_back(&state, table) {
            state.outdate_links();
        }
        let (links, link_cells) = self.row_links(call, &mut state, now).await?;
        let Projection {
            cells,
            invalid_values,
            unpriced,
        } = project(call, &self.schema, &links);
        self.unpriced.report(&unpriced);
        let mut row = Row {
            index,
            cells,
            invalid_values,
            links: link_cells,
            extent,
            notes: Vec::new(),
            upload: None,
            recheck_at: self.renewal(call, &state),
            done: Written::default(),
            state,
        };
        if let Some(error) = links.transcript_missing {
            row.notes.push(notes::transcript_missing(&error));
            row.recheck(now + SOON);
        }
        if let Some(at) = links.revoked_at {
            row.notes.push(notes::links_revoked(&call.id, at));
        }
        if let Some(column) = self.schema.filled_from(&Source::RecordingAttachment) {
            let attachment = row.state.attachment.as_ref();
            let note = attachment.and_then(|attachment| attachment.note(&column.name));
            row.notes.extend(note);
        }
        Ok(Some(row))
    }

    /// Whether a column for links takes values again that the row went without.
    fn has_link_column_back(&self, state: &SinkState, table: &Table) -> bool {
        let mut links = self.schema.enabled().filter(|column| column.from.is_link());
        links.any(|column| {
            state.disabled.contains(&column.name) && table.field_id(&column.name).is_some()
        })
    }

    /// Whether a row that somebody deleted must come back: fresh links and our own notes are no change of the call.
    fn has_changed(&self, call: &Call, state: &SinkState, table: &Table) -> bool {
        let cells = project(call, &self.schema, &RowLinks::default()).cells;
        let comparison = Comparison {
            schema: &self.schema,
            state,
            fields: CellFields::Of(table),
            links: LinkCells::Kept,
            extent: Extent::ChangedCells,
        };
        let changed = changed_cells(cells, &comparison);
        let mut columns = self.schema.enabled();
        columns.any(|column| column.from.is_of_a_call() && changed.contains_key(&column.name))
    }
}

impl Row {
    /// The cells that Airtable does not have yet, by column name.
    pub(super) fn changed_cells(&self, schema: &Schema, table: &Table) -> Map<String, Value> {
        let mut cells = self.cells.clone();
        notes::append(&mut cells, schema, &self.error_notes(table));
        let comparison = Comparison {
            schema,
            state: &self.state,
            fields: CellFields::Of(table),
            links: self.links,
            extent: self.extent,
        };
        let mut changed = changed_cells(cells, &comparison);
        if let Some(upload) = &self.upload
            && table.field_id(&upload.column).is_some()
        {
            changed.insert(upload.column.clone(), upload.cell());
        }
        changed
    }

    /// The lines of Error that are no fault of the call's own: a column that users changed costs the row a line, not
    /// the row.
    fn error_notes(&self, table: &Table) -> Vec<String> {
        let notes = self.notes.iter().cloned();
        notes
            .chain(notes::refused(self.refused_columns(table)))
            .chain(notes::disabled(table.changed_columns()))
            .chain(notes::locked(table.locked.iter()))
            .collect()
    }

    /// What Error would say if the table had a column for it; else nothing.
    fn unreported(&self, schema: &Schema, table: &Table) -> Vec<String> {
        if has_error_column(schema, table) {
            return Vec::new();
        }
        let lines = self.invalid_values.iter().chain(&self.notes).cloned();
        lines
            .chain(notes::refused(self.refused_columns(table)))
            .chain(notes::disabled(self.with_value(table.changed_columns())))
            .chain(notes::locked(self.with_value(table.locked.iter())))
            .collect()
    }

    /// The disabled columns for which the call has a value.
    pub(super) fn disabled_columns<'a>(
        &self,
        table: &'a Table,
    ) -> impl Iterator<Item = &'a String> {
        self.with_value(table.disabled.keys())
    }

    /// Those of the columns for which the call has a value.
    fn with_value<'a>(
        &self,
        columns: impl Iterator<Item = &'a String>,
    ) -> impl Iterator<Item = &'a String> {
        columns.filter(|name| self.cells.get(*name).is_some_and(|cell| !cell.is_null()))
    }

    /// The columns for which Airtable refused the value that the call has now.
    fn refused_columns(&self, table: &Table) -> impl Iterator<Item = &String> {
        self.state.refused.keys().filter(|name| {
            let cell = self.cells.get(*name).zip(table.field_id(name));
            cell.is_some_and(|(cell, id)| self.state.has_refused(name, id, cell))
        })
    }

    /// This value of the column is not sent again.
    pub(super) fn refuse(&mut self, column: &str, table: &Table) {
        if let Some((cell, id)) = self.cells.get(column).zip(table.field_id(column)) {
            let refused = SentCell::new(id, cell);
            self.state.refused.insert(column.to_owned(), refused);
        }
    }

    /// Airtable has the row with these cells.
    pub(super) fn written(&mut self, record_id: &str, cells: Map<String, Value>, table: &Table) {
        let before = match self.state.record_id.replace(record_id.to_owned()) {
            Some(_) => RowBefore::There,
            None => RowBefore::Unknown,
        };
        self.done.note(before, self.extent, cells.keys());
        let uploaded = self.upload.as_ref().map(|upload| upload.column.clone());
        for (name, cell) in cells {
            let id = table
                .field_id(&name)
                .filter(|_| Some(&name) != uploaded.as_ref());
            if let Some(id) = id {
                self.state.refused.remove(&name);
                self.state.sent.insert(name, SentCell::new(id, &cell));
            }
        }
    }

    /// Has the row checked then, or sooner if it is already due sooner.
    pub(super) fn recheck(&mut self, at: Timestamp) {
        self.recheck_at = Some(self.recheck_at.map_or(at, |known| known.min(at)));
    }

    /// Airtable has everything. What no column for errors can show becomes a warning, once.
    pub(super) fn delivered(mut self, schema: &Schema, table: &Table) -> Attempt {
        self.state.notes = match has_error_column(schema, table) {
            true => self.error_notes(table),
            false => Vec::new(),
        };
        // Error names them even if the call has no value for them.
        self.state.disabled = table.disabled.keys().cloned().collect();
        let unreported = self.unreported(schema, table);
        let warned = (!unreported.is_empty()).then(|| hash(&unreported));
        let is_new = warned.is_some() && warned != self.state.warned;
        self.state.warned = warned;
        let again = self.recheck_at;
        let mut attempt = attempt(Outcome::Delivered { again }, &self.state);
        attempt.warning = is_new.then(|| format!("{} {NO_ERROR_COLUMN}", unreported.join(" ")));
        self.done.explain_success(attempt)
    }

    /// The row in Airtable is unchanged, so its stored state is, too; an uploaded transcript stays in the bucket.
    pub(super) fn unsent(self, due: &Due, outcome: Outcome) -> Attempt {
        let state = SinkState {
            transcript: self.state.transcript,
            create_refused: self.state.create_refused,
            ..SinkState::read(&due.delivery.sink_state)
        };
        self.done.explain(attempt(outcome, &state))
    }
}

fn has_error_column(schema: &Schema, table: &Table) -> bool {
    let error = schema.error();
    error.is_some_and(|error| table.field_id(&error.name).is_some())
}

/// An attempt that leaves this to be remembered.
pub(super) fn attempt(outcome: Outcome, state: &SinkState) -> Attempt {
    let state = serde_json::to_value(state).unwrap_or_default();
    Attempt::new(outcome, &state)
}
