//! Starts every job of the service.

use std::sync::Arc;

use anyhow::Context;

use super::{
    airtable, maintenance,
    recording::{RecordingJobs, configured_sinks},
    sinks::Sinks,
};
use crate::{
    config::Config,
    domain::{figures::Prices, link::LinkRules},
    pipeline::{Runner, alignment::Alignments},
    storage,
    store::Store,
    telemetry,
};

/// Starts what is configured: recordings, sinks, maintenance.
///
/// # Errors
/// When a variable has a value that cannot be used, or the database is not writable.
pub(super) async fn start(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
    (links, prices): (&LinkRules, Option<Arc<Prices>>),
) -> anyhow::Result<()> {
    let schema = airtable::schema(config.airtable.schema.as_deref())?;
    let schema = schema.with_times(config.airtable.transcript_times);
    let schema = schema.with_prices(prices);
    let http = telemetry::http_client()?;
    let recording = RecordingJobs {
        livekit: &config.livekit,
        bucket: &config.storage,
        recording: &config.recording,
        times: &config.times,
        sinks: configured_sinks(config.mirror.as_ref()),
        attributes: schema.attributes(),
    };
    let started = recording.start(store, runner, storage, http.clone());
    started.await?;
    // A restart tries locked columns, even if no row changes.
    let table = airtable::client(&config.airtable, http.clone()).mapping_key();
    let tried = store.try_incomplete_rows(&table, (runner.clock)()).await;
    tried.context("DATABASE_URL: the database is not writable")?;
    let sinks = Sinks {
        config,
        storage,
        links,
        http,
    };
    sinks.start(store, runner, schema);
    let (wake, stop) = (runner.wake.clone(), runner.stop.clone());
    let alignments = Alignments::new(store.clone(), storage.clone(), wake, stop);
    runner.spawn(Arc::new(alignments));
    maintenance::start(config, store, runner)
}
