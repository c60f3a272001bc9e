//! What the pages ask the base when somebody compares its columns with the schema.

use std::sync::Arc;

use crate::{
    airtable::{Client, Plan, Schema, Sign, Step},
    domain::{ColumnState, ComparedColumn, ComparedTable},
    http::SchemaCheck,
    store::{Setting, Store},
};

struct Check {
    client: Arc<Client>,
    schema: Schema,
    store: Store,
}

/// The check with this client and the schema that rows are written with.
pub(super) fn schema_check(client: Arc<Client>, schema: Schema, store: &Store) -> SchemaCheck {
    let check = Arc::new(Check {
        client,
        schema,
        store: store.clone(),
    });
    Box::new(move || {
        let check = check.clone();
        Box::pin(async move { check.plan().await })
    })
}

impl Check {
    async fn plan(&self) -> Result<ComparedTable, String> {
        let key = self.client.mapping_key();
        let stored = self.store.get(Setting::Columns(&key)).await;
        let stored = stored.map_err(|error| error.reason())?;
        let known = stored.and_then(|text| serde_json::from_str(&text).ok());
        let plan = Plan::read(&self.client, &self.schema, known.as_ref()).await;
        let mut plan = plan.map_err(|error| format!("Airtable was not read: {error}"))?;
        let locked = self.store.locked_columns(&key).await;
        plan.mark_locked(locked.map_err(|error| error.reason())?.keys());
        Ok(compared(&plan))
    }
}

/// The plan for people who do not run it.
fn compared(plan: &Plan) -> ComparedTable {
    let columns = plan.steps.iter();
    let columns = columns.filter(|step| !matches!(step, Step::CreateTable { .. }));
    let column = |step: &Step| ComparedColumn {
        name: step.column().to_owned(),
        state: match step.sign() {
            Sign::Create => ColumnState::Missing,
            Sign::Keep => ColumnState::Fine,
            Sign::Accept => ColumnState::Accepted,
            Sign::ByHand => ColumnState::ByHand,
        },
        note: step.note(),
    };
    ComparedTable {
        name: plan.table.clone(),
        id: plan.table_id.clone(),
        columns: columns.map(column).collect(),
    }
}
