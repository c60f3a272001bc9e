//! The recording's copy in the row (the column filled from `recording_attachment`): sent once, looked at until Airtable
//! has fetched it, sent again when it has not. What people put into the cell stays there.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Airtable,
    row::{Row, SOON},
    table::Table,
};
use crate::{
    airtable::{Attachment, Class, Column},
    domain::Call,
    pipeline::deliver::Due,
    storage::Method,
};

/// How often a recording is sent.
const TRIES: u32 = 3;
/// How long Airtable may take to fetch it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How long the URL lives that Airtable fetches it from, at most.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// What is remembered of a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Copied {
    egress_id: String,
    tries: u32,
    /// Milliseconds since the epoch.
    sent_at: i64,
    /// What Airtable called it.
    ids: Vec<String>,
    state: DeliveryState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeliveryState {
    /// Not known to be in Airtable.
    Open,
    /// Seen there, with its size.
    There,
    GivenUp,
}

/// A copy that goes with the row's next request.
pub(super) struct Sending {
    pub column: String,
    kept: Vec<String>,
    url: String,
    filename: String,
}

impl Sending {
    /// What is in the cell by its ids, and ours.
    pub fn cell(&self) -> Value {
        let kept = self.kept.iter().map(|id| json!({ "id": id }));
        let ours = json!({ "url": self.url, "filename": self.filename });
        kept.chain([ours]).collect()
    }
}

/// What a cell says about a copy.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    There,
    /// Airtable has not fetched it yet.
    Fetching {
        ids: Vec<String>,
    },
    /// It must be sent (again); these attachments stay in the cell.
    Missing {
        kept: Vec<String>,
    },
}

impl Copied {
    fn new(egress_id: &str) -> Copied {
        Copied {
            egress_id: egress_id.to_owned(),
            tries: 0,
            sent_at: 0,
            ids: Vec::new(),
            state: DeliveryState::Open,
        }
    }

    /// For Error.
    pub fn note(&self, column: &str) -> Option<String> {
        let note = || {
            format!(
                "Airtable did not take the recording into “{column}”, sent {TRIES} times: the link to it still works."
            )
        };
        (self.state == DeliveryState::GivenUp).then(note)
    }

    fn waited(&self, now: Timestamp) -> SignedDuration {
        SignedDuration::from_millis(now.as_millisecond() - self.sent_at)
    }

    /// Ours is what Airtable called so, or what has our file's name and size: after an answer that was lost, too.
    fn record_errors(
        &self,
        cell: &[Attachment],
        filename: &str,
        size: u64,
        now: Timestamp,
    ) -> Verdict {
        let known = |it: &&Attachment| self.ids.contains(&it.id);
        let ours = |it: &&Attachment| known(it) || it.filename == filename;
        let whole = |it: &Attachment| it.size == Some(size) && it.kind.is_some();
        if cell.iter().filter(ours).any(whole) {
            return Verdict::There;
        }
        let ids = |fetched: bool| -> Vec<String> {
            let unfetched = cell.iter().filter(|it| fetched || it.size.is_none());
            unfetched.filter(ours).map(|it| it.id.clone()).collect()
        };
        let fetching = ids(false);
        if !fetching.is_empty() && (self.tries == 0 || self.waited(now) < PATIENCE) {
            return Verdict::Fetching { ids: fetching };
        }
        let others = cell.iter().filter(|it| !known(it));
        Verdict::Missing {
            kept: others.map(|it| it.id.clone()).collect(),
        }
    }
}

impl Airtable {
    pub(super) fn attachment_column(&self) -> Option<&Column> {
        let mut columns = self.schema.enabled();
        columns.find(|column| column.from == "recording_attachment")
    }

    /// Looks at the cells of rows whose recording is not known to be in Airtable (one request), and lets it be sent
    /// with the row where it is missing.
    pub(super) async fn look_at_copies(
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
            row.sink_state.record.is_some() && self.owes_copy(row, &due[row.slot].call, table)
        };
        let mut open: Vec<&mut Row> = rows.iter_mut().filter(open).collect();
        let records: Vec<String> = open
            .iter()
            .filter_map(|row| row.sink_state.record.clone())
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
                    let record = row.sink_state.record.as_ref();
                    // A row that somebody deleted needs no recording.
                    if let Some(cell) = record.and_then(|record| cells.get(record)) {
                        self.copy(row, &due[row.slot].call, cell, column, now).await;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "Airtable could not be asked for the recordings in its rows; it is asked again");
                match error.class() {
                    Class::UnknownField => self.forget_table().await,
                    // The rows can be written and not read: that is a scope.
                    Class::Configuration => open.iter_mut().for_each(|row| {
                        let note =
                            format!("The recording is not in “{}” yet: {error}", column.name);
                        row.notes.push(note);
                    }),
                    _ => {}
                }
                open.iter_mut().for_each(|row| row.look_again(now + SOON));
            }
        }
    }

    /// Whether the call has a recording that is not known to be in its row.
    pub(super) fn owes_copy(&self, row: &Row, call: &Call, table: &Table) -> bool {
        let column = self.attachment_column();
        let wanted = column.is_some_and(|column| table.field_id(&column.name).is_some());
        let recording = call.playable_recording().filter(|_| wanted);
        recording.is_some_and(|(recording, _)| match &row.sink_state.copied {
            Some(copied) => {
                copied.egress_id != recording.egress_id || copied.state == DeliveryState::Open
            }
            None => true,
        })
    }

    async fn copy(
        &self,
        row: &mut Row,
        call: &Call,
        cell: &[Attachment],
        column: &Column,
        now: Timestamp,
    ) {
        let Some((recording, size)) = call.playable_recording() else {
            return;
        };
        let known = row.sink_state.copied.take();
        let same = known.filter(|known| known.egress_id == recording.egress_id);
        let mut copied = same.unwrap_or_else(|| Copied::new(&recording.egress_id));
        let filename = recording.key.rsplit('/').next().unwrap_or_default();
        match copied.record_errors(cell, filename, size, now) {
            Verdict::There => copied.state = DeliveryState::There,
            Verdict::Fetching { ids } => {
                if copied.tries == 0 {
                    // Sent before, and forgotten.
                    (copied.tries, copied.sent_at) = (1, now.as_millisecond());
                }
                copied.ids = ids;
                row.look_again(now + copied.waited(now).max(SOON));
            }
            Verdict::Missing { .. } if copied.tries >= TRIES => {
                copied.state = DeliveryState::GivenUp;
                row.notes.extend(copied.note(&column.name));
            }
            Verdict::Missing { kept } => {
                let ttl = self.links.ttl.min(TTL);
                match self
                    .storage
                    .presign(&recording.key, ttl, Method::Get, None)
                    .await
                {
                    Ok(url) => {
                        row.sending = Some(Sending {
                            column: column.name.clone(),
                            kept,
                            url,
                            filename: filename.to_owned(),
                        });
                    }
                    Err(error) => row.notes.push(format!(
                        "The recording could not be sent to “{}”: {error}",
                        column.name
                    )),
                }
            }
        }
        row.sink_state.copied = Some(copied);
    }
}

impl Row {
    /// The copy went with the row; `answer`: the row's cells by field id, as Airtable has them now.
    pub(super) fn copy_sent(&mut self, answer: &Map<String, Value>, table: &Table, now: Timestamp) {
        let (Some(sending), Some(copied)) = (self.sending.take(), &mut self.sink_state.copied)
        else {
            return;
        };
        let field = table.field_id(&sending.column).unwrap_or_default();
        let cell = Attachment::of_cell(answer.get(field)).into_iter();
        let new = cell.filter(|it| !sending.kept.contains(&it.id));
        copied.ids = new.map(|it| it.id).collect();
        copied.tries += 1;
        copied.sent_at = now.as_millisecond();
        self.look_again(now + SOON);
    }

    /// Airtable refused the cell; the row goes without it.
    pub(super) fn copy_refused(&mut self, now: Timestamp) {
        self.sending = None;
        if let Some(copied) = &mut self.sink_state.copied {
            copied.tries += 1;
        }
        self.look_again(now + SOON);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn item(id: &str, filename: &str, size: Option<u64>) -> Attachment {
        let kind = size.map(|_| "audio/mpeg".to_owned());
        let (id, filename) = (id.to_owned(), filename.to_owned());
        Attachment {
            id,
            filename,
            size,
            kind,
        }
    }

    fn read_results(tries: u32, ids: &[&str], minutes: i64, cell: &[Attachment]) -> Verdict {
        let copied = Copied {
            tries,
            ids: ids.iter().map(ToString::to_string).collect(),
            ..Copied::new("EG_1")
        };
        copied.record_errors(cell, "a.mp3", 100, NOW + SignedDuration::from_mins(minutes))
    }

    #[test]
    fn what_a_cell_says_about_our_copy() {
        let kept = |ids: &[&str]| Verdict::Missing {
            kept: ids.iter().map(ToString::to_string).collect(),
        };
        let theirs = item("attTheirs", "notes.pdf", Some(7));
        let mine = |size| item("attMine", "a.mp3", size);
        assert_eq!(read_results(0, &[], 0, &[]), kept(&[]));
        assert_eq!(
            read_results(1, &["attMine"], 1, &[theirs.clone(), mine(Some(100))]),
            Verdict::There
        );
        // Renamed by a person, and still ours.
        let renamed = item("attMine", "b.mp3", Some(100));
        assert_eq!(read_results(1, &["attMine"], 1, &[renamed]), Verdict::There);
        // Sent, and the answer was lost.
        assert_eq!(read_results(0, &[], 0, &[mine(Some(100))]), Verdict::There);
        let fetching = |ids: &[&str]| Verdict::Fetching {
            ids: ids.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            read_results(1, &["attMine"], 14, &[mine(None)]),
            fetching(&["attMine"])
        );
        assert_eq!(
            read_results(0, &[], 900, &[mine(None)]),
            fetching(&["attMine"])
        );
        // Never fetched, fetched wrong, or gone: ours goes, theirs stays, also one that has our name.
        assert_eq!(
            read_results(1, &["attMine"], 15, &[theirs.clone(), mine(None)]),
            kept(&["attTheirs"])
        );
        assert_eq!(
            read_results(1, &["attMine"], 1, &[mine(Some(31)), theirs.clone()]),
            kept(&["attTheirs"])
        );
        assert_eq!(
            read_results(1, &["attMine"], 1, &[theirs]),
            kept(&["attTheirs"])
        );
        let same_name = item("attOther", "a.mp3", Some(31));
        assert_eq!(
            read_results(1, &["attMine"], 1, &[same_name]),
            kept(&["attOther"])
        );
    }
}
