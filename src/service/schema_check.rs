//! What the pages ask the base when somebody compares its columns with the schema.

use std::sync::Arc;

use super::airtable;
use crate::{
    airtable::{Client, Plan, Schema},
    config::Config,
    http::SchemaCheck,
    pipeline::Clock,
    store::{Setting, Store},
    telemetry,
};

struct Check {
    client: Client,
    schema: Schema,
    store: Store,
}

/// A check with this configuration; its requests count.
///
/// # Errors
/// When AIRTABLE_SCHEMA cannot be read, or there is no client for requests.
pub(super) fn schema_check(
    config: &Config,
    store: &Store,
    clock: Clock,
) -> anyhow::Result<SchemaCheck> {
    let config = &config.airtable;
    let ledger = airtable::budget(config, store, clock).ledger();
    let check = Arc::new(Check {
        client: airtable::client(config, telemetry::http_client()?).counted(ledger),
        schema: airtable::schema(config.schema.as_deref())?,
        store: store.clone(),
    });
    Ok(Box::new(move || {
        let check = check.clone();
        Box::pin(async move { check.plan().await })
    }))
}

impl Check {
    async fn plan(&self) -> Result<String, String> {
        let key = self.client.mapping_key();
        let stored = self.store.get(Setting::Columns(&key)).await;
        let stored = stored.map_err(|error| error.reason())?;
        let known = stored.and_then(|text| serde_json::from_str(&text).ok());
        let plan = Plan::read(&self.client, &self.schema, known.as_ref()).await;
        let mut plan = plan.map_err(|error| format!("Airtable was not read: {error}"))?;
        let locked = self.store.locked_columns(&key).await;
        plan.mark_locked(locked.map_err(|error| error.reason())?.keys());
        Ok(plan.to_string().trim_end().to_owned())
    }
}
