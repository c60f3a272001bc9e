//! What the sink remembers of a call's row. It is stored as JSON, whose names stay as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attachment::AttachmentState;
use crate::domain::hash;

/// A call's row as it was last written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SinkState {
    /// `tbl…`: the rest is not valid for another table.
    #[serde(rename = "table")]
    pub(super) table_id: String,
    /// `rec…`
    #[serde(rename = "record")]
    pub(super) record_id: Option<String>,
    /// Each cell that was sent, by column name.
    pub(super) sent: BTreeMap<String, SentCell>,
    /// Each value that Airtable refused, by column name.
    pub(super) refused: BTreeMap<String, SentCell>,
    /// The presigned links in the row: what they are for, and when they expire (milliseconds since the epoch).
    #[serde(rename = "signed")]
    pub(super) signed_links: Option<(String, i64)>,
    /// What the row's permanent links were made of, and how often links had been revoked. The database is searched for it.
    #[serde(rename = "links", skip_serializing_if = "Option::is_none")]
    pub(super) link_mark: Option<String>,
    /// The hash of the full transcript in the bucket, and its key.
    #[serde(rename = "text")]
    pub(super) transcript: Option<(u64, String)>,
    /// The copy of the recording in the row.
    #[serde(rename = "copied")]
    pub(super) attachment: Option<AttachmentState>,
    /// A hash of the last warning of a delivery, stored because the table has no column for errors.
    #[serde(rename = "told")]
    pub(super) warned: Option<u64>,
    /// The lines of Error that are no fault of the call's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    /// Columns that the row went without, because Airtable takes no values of ours for them. The database is searched for
    /// rows that have any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) disabled: Vec<String>,
    /// Whether the row waits because Airtable creates none. The database is searched for this field.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) create_refused: bool,
}

/// A cell without its value: the field id, and a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SentCell(String, u64);

impl SentCell {
    /// This value in this field.
    pub(super) fn new(field_id: &str, value: &Value) -> SentCell {
        SentCell(field_id.to_owned(), hash(value))
    }

    /// `fld…`
    pub(super) fn field_id(&self) -> &str {
        &self.0
    }

    /// Whether it is of this field.
    pub(super) fn is_of(&self, field_id: &str) -> bool {
        self.0 == field_id
    }

    /// Whether it had this value.
    pub(super) fn has(&self, value: &Value) -> bool {
        self.1 == hash(value)
    }
}

impl SinkState {
    /// From its JSON; nothing is known when it cannot be read.
    pub(super) fn read(json: &Value) -> SinkState {
        serde_json::from_value(json.clone()).unwrap_or_default()
    }

    /// From its JSON, as far as it is about this table.
    pub(super) fn in_table(json: &Value, table_id: &str) -> SinkState {
        let state = SinkState::read(json);
        match state.table_id == table_id {
            true => state,
            false => state.without_row(table_id),
        }
    }

    /// There is no row; the full transcript stays in the bucket.
    pub(super) fn without_row(self, table_id: &str) -> SinkState {
        SinkState {
            table_id: table_id.to_owned(),
            transcript: self.transcript,
            ..SinkState::default()
        }
    }

    /// Somebody deleted the row: what it said is kept, so that a change can be recognized.
    pub(super) fn deleted(self) -> SinkState {
        SinkState {
            record_id: None,
            signed_links: None,
            attachment: None,
            ..self
        }
    }

    /// Has the presigned links created and sent again.
    pub(super) fn outdate_links(&mut self) {
        if let Some((_, expires)) = &mut self.signed_links {
            *expires = 0;
        }
    }

    /// Whether somebody deleted the row.
    pub(super) fn is_deleted(&self) -> bool {
        self.record_id.is_none() && !self.sent.is_empty()
    }

    /// Whether Airtable rejected this value for this field.
    pub(super) fn has_refused(&self, column: &str, field_id: &str, value: &Value) -> bool {
        let refused = self.refused.get(column);
        refused.is_some_and(|refused| refused.is_of(field_id) && refused.has(value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn its_json_is_that_of_databases_that_are_there() {
        let stored = json!({
            "table": "tblCalls", "record": "rec1", "sent": {"Room": ["fldRoom", 7]}, "refused": {},
            "signed": ["key ", 1_800_000_000_000_i64], "text": [9, "a.txt"],
            "copied": {"egress_id": "EG_1", "tries": 1, "sent_at": 5, "ids": ["att1"], "state": "there"},
            "told": 3,
        });
        let state = SinkState::read(&stored);
        assert_eq!(state.record_id.as_deref(), Some("rec1"));
        assert!(state.sent["Room"].is_of("fldRoom"));
        assert_eq!(json!(state), stored);
    }

    #[test]
    fn a_row_that_waits_for_creates_says_so_in_the_words_that_the_database_is_searched_for() {
        let state = SinkState {
            create_refused: true,
            ..SinkState::default()
        };
        let stored = json!(state).to_string();
        assert!(stored.contains(r#""create_refused":true"#), "{stored}");
    }
}
