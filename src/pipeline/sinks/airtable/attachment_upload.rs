//! Sends the recording's copy once, looks until Airtable has fetched it, and sends it again when it has not. What people
//! put into the cell stays there.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    attachment::{AttachmentCheck, AttachmentState, AttachmentUpload, Progress, TRIES},
    row::{Row, SOON},
    sink::Airtable,
    table::Table,
};
use crate::{
    airtable::{Attachment, Class, Column, Error, Source},
    domain::Call,
    pipeline::deliver::Due,
    storage::{self, Method, Served},
};

/// The maximum lifetime of the URL from which Airtable fetches it.
const TTL: Duration = Duration::from_secs(24 * 3600);

impl Airtable {
    fn attachment_column(&self) -> Option<&Column> {
        self.schema.filled_from(&Source::RecordingAttachment)
    }

    /// Reads the cells of rows whose recording is not known to be in Airtable (one request), and has it sent with the
    /// row where it is missing.
    pub(super) async fn check_attachments(
        &self,
        rows: &mut [Row],
        due: &[Due],
        table: &Table,
        now: Timestamp,
    ) {
        let Some(column) = self.attachment_column() else {
            return;
        };
        let Some(field) = table.field_id(&column.name) else {
            return;
        };
        let open = |row: &&mut Row| {
            row.state.record_id.is_some() && self.lacks_attachment(row, &due[row.index].call, table)
        };
        let open: Vec<&mut Row> = rows.iter_mut().filter(open).collect();
        let records: Vec<String> = open
            .iter()
            .filter_map(|row| row.state.record_id.clone())
            .collect();
        if records.is_empty() {
            return;
        }
        let read = self
            .client
            .attachments(&table.mapping.table_id, field, &records);
        match read.await {
            Ok(cells) => {
                for row in open {
                    let record = row.state.record_id.as_ref();
                    // A row that somebody deleted needs no recording.
                    if let Some(cell) = record.and_then(|record| cells.get(record)) {
                        let call = &due[row.index].call;
                        self.check_attachment(row, call, cell, now).await;
                    }
                }
            }
            Err(error) => self.attachments_unread(open, column, &error, now).await,
        }
    }

    async fn attachments_unread(
        &self,
        rows: Vec<&mut Row>,
        column: &Column,
        error: &Error,
        now: Timestamp,
    ) {
        tracing::warn!(%error, "the attachment column could not be read; retrying in a minute");
        let class = error.class();
        if class == Class::UnknownField {
            self.invalidate_table().await;
        }
        for row in rows {
            // The rows can be written but not read: a scope is missing.
            if class == Class::Configuration {
                let note = format!("The recording is not in “{}” yet: {error}", column.name);
                row.notes.push(note);
            }
            row.recheck(now + SOON);
        }
    }

    /// Whether the call has a recording that is not known to be in its row.
    pub(super) fn lacks_attachment(&self, row: &Row, call: &Call, table: &Table) -> bool {
        let column = self.attachment_column();
        let wanted = column.is_some_and(|column| table.field_id(&column.name).is_some());
        let recording = call.playable_recording().filter(|_| wanted);
        recording.is_some_and(|(recording, _)| match &row.state.attachment {
            Some(copied) => {
                recording.egress_id != copied.egress_id.as_str()
                    || copied.progress == Progress::Open
            }
            None => true,
        })
    }

    /// Decides by what is in the cell; a copy that is missing is made ready to go with the row.
    async fn check_attachment(
        &self,
        row: &mut Row,
        call: &Call,
        cell: &[Attachment],
        now: Timestamp,
    ) {
        let (Some((recording, size)), Some(column)) =
            (call.playable_recording(), self.attachment_column())
        else {
            return;
        };
        let known = row.state.attachment.take();
        let same = known.filter(|known| recording.egress_id == known.egress_id.as_str());
        let mut state = same.unwrap_or_else(|| AttachmentState::new(&recording.egress_id));
        let filename = recording.key.rsplit('/').next().unwrap_or_default();
        match state.check(cell, filename, size, now) {
            AttachmentCheck::Stored => state.progress = Progress::Stored,
            AttachmentCheck::Fetching { ids } => {
                if state.tries == 0 {
                    // It was sent, and the answer was lost.
                    (state.tries, state.sent_at) = (1, now.as_millisecond());
                }
                state.ids = ids;
                row.recheck(now + state.waited(now).max(SOON));
            }
            AttachmentCheck::Missing { .. } if state.tries >= TRIES => {
                state.progress = Progress::GivenUp;
                row.notes.extend(state.note(&column.name));
            }
            AttachmentCheck::Missing { kept } => {
                let url = self.attachment_url(&recording.key).await;
                let upload = url.map(|url| AttachmentUpload {
                    column: column.name.clone(),
                    kept,
                    url,
                    filename: filename.to_owned(),
                });
                match upload {
                    Ok(upload) => row.upload = Some(upload),
                    Err(error) => row.notes.push(format!(
                        "The recording could not be sent to “{}”: {error}",
                        column.name
                    )),
                }
            }
        }
        row.state.attachment = Some(state);
    }

    async fn attachment_url(&self, key: &str) -> Result<String, storage::Error> {
        let ttl = self.links.ttl.min(TTL);
        self.storage
            .presign(key, ttl, Method::Get, Served::default())
            .await
    }
}

impl Row {
    /// The copy was sent with the row; `answer`: the row's cells by field ID, as Airtable has them now.
    pub(super) fn attachment_sent(
        &mut self,
        answer: &Map<String, Value>,
        table: &Table,
        now: Timestamp,
    ) {
        let (Some(upload), Some(state)) = (self.upload.take(), &mut self.state.attachment) else {
            return;
        };
        let field = table.field_id(&upload.column).unwrap_or_default();
        let cell = Attachment::of_cell(answer.get(field)).into_iter();
        let new = cell.filter(|it| !upload.kept.contains(&it.id));
        state.ids = new.map(|it| it.id).collect();
        state.tries += 1;
        state.sent_at = now.as_millisecond();
        self.recheck(now + SOON);
    }

    /// Airtable rejected the cell; the row is written without it.
    pub(super) fn attachment_refused(&mut self, now: Timestamp) {
        self.upload = None;
        if let Some(state) = &mut self.state.attachment {
            state.tries += 1;
        }
        self.recheck(now + SOON);
    }
}
