//! The row of a call as this service writes it, beside the row as Airtable has it.

use serde_json::{Map, Value};

use super::{notes, state::SinkState};
use crate::{
    airtable::{
        Column, Schema, Source, as_sent, is_same,
        projection::{RowLinks, project},
    },
    domain::{Call, CellContent, CellDifference, ComparedCell},
};

/// Where the row of a call was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    /// `tbl…`
    pub table_id: String,
    /// `rec…`
    pub record_id: String,
    /// `fld…` of the column that identifies the row of a call.
    pub key_field_id: String,
}

impl RowPlace {
    /// From the JSON that a delivery keeps; `None`: no row was written, or it was deleted.
    pub fn read(schema: &Schema, state: &Value) -> Option<RowPlace> {
        let state = SinkState::read(state);
        let key = state.sent.get(&schema.key().name)?;
        Some(RowPlace {
            key_field_id: key.field_id().to_owned(),
            record_id: state.record_id?,
            table_id: state.table_id,
        })
    }
}

/// The cells of the row, in the schema's order, without those that are empty on both sides. `state`: the JSON that a delivery
/// keeps; `found`: Airtable's cells by field ID. The copy of a recording is no cell that can be compared.
pub fn compared_cells(
    call: &Call,
    schema: &Schema,
    state: &Value,
    found: &Map<String, Value>,
) -> Vec<ComparedCell> {
    let state = SinkState::read(state);
    let mut cells = project(call, schema, &RowLinks::default()).cells;
    notes::append(&mut cells, schema, &state.notes);
    let columns = schema.enabled();
    let columns = columns.filter(|column| column.from != Source::RecordingAttachment);
    let compared = columns.filter_map(|column| {
        // What a purged call does not know any more stays as it is in the row.
        let ours = cells.get(&column.name)?;
        let field_id = state.sent.get(&column.name).map(|sent| sent.field_id());
        let theirs = field_id.and_then(|id| found.get(id)).cloned();
        Some(compare(column, ours, theirs.unwrap_or_default(), &state))
    });
    let has_value = |it: &ComparedCell| {
        let ours = it.ours.as_ref().is_some_and(|ours| !ours.is_null());
        ours || !it.theirs.is_null() || it.difference != CellDifference::None
    };
    compared.filter(has_value).collect()
}

fn compare(column: &Column, ours: &Value, theirs: Value, state: &SinkState) -> ComparedCell {
    let is_link = column.from.is_link();
    let sent = state.sent.get(&column.name);
    let was_sent = |value: &Value| sent.is_some_and(|sent| sent.has(value));
    let refused = state.refused.get(&column.name);
    let is_intact = match is_link {
        true => sent.is_none() || was_sent(&as_sent(column.kind, &theirs)),
        false => is_same(column.kind, ours, &theirs),
    };
    let difference = match is_intact {
        true => CellDifference::None,
        false if refused.is_some_and(|refused| refused.has(ours)) => CellDifference::Refused,
        false if is_link || was_sent(ours) => CellDifference::Edited,
        false => CellDifference::Unsent,
    };
    let contents = column.sources().map(Source::content);
    ComparedCell {
        column: column.name.clone(),
        ours: (!is_link).then(|| ours.clone()),
        theirs,
        content: most_private(contents),
        difference,
    }
}

fn most_private(contents: impl Iterator<Item = CellContent>) -> CellContent {
    let rank = |it: &CellContent| match it {
        CellContent::Plain => 0,
        CellContent::Room => 1,
        CellContent::Private => 2,
        CellContent::Link => 3,
        CellContent::Words => 4,
    };
    contents.max_by_key(rank).unwrap_or(CellContent::Private)
}
