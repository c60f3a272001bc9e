//! The pages under `/ops`, and what runs for them.

use std::sync::Arc;

use super::{
    airtable, recording::configured_sinks, row_check::row_check, schema_check::schema_check,
};
use crate::{
    config::Config,
    domain::figures::Prices,
    http::{HealthReader, LiveReader, OpsPages, OpsSettings},
    pipeline::Runner,
    storage,
    store::Store,
    telemetry,
};

/// Starts what reads for the pages. Their requests to Airtable count.
///
/// # Errors
/// When AIRTABLE_SCHEMA cannot be read, or there is no client for requests.
pub(super) fn start(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
    prices: Option<Arc<Prices>>,
) -> anyhow::Result<OpsPages> {
    let base = &config.airtable;
    let ledger = airtable::budget(base, store, runner.clock).ledger();
    let client = airtable::client(base, telemetry::http_client()?).counted(ledger);
    let client = Arc::new(client);
    let schema = airtable::schema(base.schema.as_deref())?;
    let schema = schema.with_times(base.transcript_times).with_prices(prices);
    let settings = OpsSettings {
        trust_header: config.http.ops_trust_header.clone(),
        livekit_url: config.livekit.url.clone(),
        airtable_url: base.api_url.clone(),
        base_id: base.base_id.clone(),
        sinks: configured_sinks(config.mirror.as_ref()),
        columns_key: client.mapping_key(),
        row: row_check(client.clone(), schema.clone()),
        schema: schema_check(client, schema, store),
    };
    let ops = OpsPages::new(settings, runner.stop.clone());
    let reader = LiveReader::new(&ops, store.clone(), runner.wake.clone(), runner.clock);
    runner.tasks.spawn(reader.run());
    let (storage, status) = (storage.clone(), runner.status.clone());
    let health = HealthReader::new(&ops, store.clone(), storage, status, runner.clock);
    runner.tasks.spawn(health.run());
    Ok(ops)
}
