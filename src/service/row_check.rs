//! What the pages ask the base when somebody compares the row of a call with what this service writes.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    airtable::{Client, Schema},
    domain::Call,
    http::{ComparedRow, RowCheck},
    pipeline::sinks::airtable::{RowPlace, compared_cells},
};

/// The comparison with this client and the schema that rows are written with.
pub(super) fn row_check(client: Arc<Client>, schema: Schema) -> RowCheck {
    let schema = Arc::new(schema);
    Box::new(move |call, state| {
        let (client, schema) = (client.clone(), schema.clone());
        Box::pin(async move { compare(&client, &schema, &call, &state).await })
    })
}

async fn compare(
    client: &Client,
    schema: &Schema,
    call: &Call,
    state: &Value,
) -> Result<ComparedRow, String> {
    let Some(place) = RowPlace::read(schema, state) else {
        return Ok(ComparedRow::Unwritten);
    };
    let rows = client.rows(&place.table_id, &place.key_field_id, &call.id);
    let mut rows = rows
        .await
        .map_err(|error| format!("Airtable was not read: {error}"))?;
    Ok(match rows.remove(&place.record_id) {
        Some(found) => ComparedRow::Cells(compared_cells(call, schema, state, &found)),
        None => ComparedRow::Deleted,
    })
}
