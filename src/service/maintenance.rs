//! The jobs that look after the service itself: its clock, its disk and its alerts.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    alert,
    config::Config,
    domain::budget::LONGEST_WAIT,
    pipeline::{
        Runner,
        alerts::{Alerts, Thresholds},
        audit::AuditUpkeep,
        clock_regression::ClockRegression,
        retention::Retention,
    },
    store::Store,
    telemetry,
};

/// Starts the maintenance jobs.
pub(super) fn start(config: &Config, store: &Store, runner: &Runner) -> anyhow::Result<()> {
    let store = || store.clone();
    runner.spawn(Arc::new(ClockRegression::new(store())));
    runner.spawn(Arc::new(Retention::new(store(), config.times.keep)));
    runner.spawn(Arc::new(AuditUpkeep::new(store(), config.times.audit_keep)));
    let http = telemetry::http_client()?;
    let webhook = config.alert_webhook_url.clone();
    let webhook = webhook.map(|url| alert::Client::new(url, http));
    let batching = match config.airtable.monthly_requests {
        Some(_) => LONGEST_WAIT,
        None => SignedDuration::ZERO,
    };
    let thresholds = Thresholds::new(batching, (runner.clock)());
    let our_key = config.livekit.api_key.clone();
    let alerts = Alerts::new(store(), runner, webhook, thresholds, our_key);
    runner.spawn(Arc::new(alerts));
    Ok(())
}
