//! Which cells of a row Airtable does not have yet: one answer for deliveries and for `replay`.

use serde_json::{Map, Value};

use super::{
    notes,
    state::{SentCell, SinkState},
    table::Table,
};
use crate::{
    airtable::{
        Schema,
        projection::{RowLinks, project},
    },
    domain::Call,
};

/// What a row's cells are compared with.
pub(super) struct Comparison<'a> {
    pub(super) schema: &'a Schema,
    /// What was sent before, and refused.
    pub(super) state: &'a SinkState,
    pub(super) fields: CellFields<'a>,
    pub(super) links: LinkCells,
    /// A full rewrite sends unchanged cells, too.
    pub(super) extent: Extent,
}

/// What is known of the table.
#[derive(Clone, Copy)]
pub(super) enum CellFields<'a> {
    Of(&'a Table),
    /// Nobody asked Airtable: columns are where the row's cells went.
    AsSent,
}

/// The cells that hold links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkCells {
    Fresh,
    /// The links in the row are still valid, and are not sent.
    Kept,
}

/// How much of a row is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    ChangedCells,
    /// Everything, as if nothing had been sent.
    FullRewrite,
}

/// The cells that Airtable does not have yet, by column name.
pub(super) fn changed_cells(
    mut cells: Map<String, Value>,
    comparison: &Comparison<'_>,
) -> Map<String, Value> {
    cells.retain(|name, value| comparison.is_changed(name, value));
    cells
}

/// The columns whose cells Airtable does not have yet, in the schema's order, as far as our database knows. Links are
/// renewed for reasons of their own, and are left out. `state`: the JSON that a delivery keeps.
pub fn changed_columns(call: &Call, schema: &Schema, state: &Value) -> Vec<String> {
    let state = SinkState::read(state);
    let mut cells = project(call, schema, &RowLinks::default()).cells;
    notes::append(&mut cells, schema, &state.notes);
    let comparison = Comparison {
        schema,
        state: &state,
        fields: CellFields::AsSent,
        links: LinkCells::Kept,
        extent: Extent::ChangedCells,
    };
    let changed = changed_cells(cells, &comparison);
    let columns = schema.enabled().map(|column| &column.name);
    columns
        .filter(|name| changed.contains_key(*name))
        .cloned()
        .collect()
}

impl Comparison<'_> {
    /// A cell that was never sent to its field is a change unless it is empty.
    fn is_changed(&self, name: &str, value: &Value) -> bool {
        let Some(column) = self.schema.column(name) else {
            return false;
        };
        if self.links == LinkCells::Kept && column.from.is_link() {
            return false;
        }
        let field_id = match self.fields {
            // It is tried again without anybody's help.
            CellFields::AsSent if self.state.disabled.iter().any(|column| column == name) => {
                return false;
            }
            CellFields::AsSent => None,
            CellFields::Of(table) => match table.field_id(name) {
                None => return false,
                id => id,
            },
        };
        let is_of_field = |cell: &&SentCell| field_id.is_none_or(|id| cell.is_of(id));
        let refused = self.state.refused.get(name).filter(is_of_field);
        if refused.is_some_and(|refused| refused.has(value)) {
            return false;
        }
        match (self.extent, self.state.sent.get(name).filter(is_of_field)) {
            (Extent::FullRewrite, _) => true,
            (Extent::ChangedCells, Some(sent)) => !sent.has(value),
            (Extent::ChangedCells, None) => !value.is_null(),
        }
    }
}
