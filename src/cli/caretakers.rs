//! The jobs of `serve` that look after the service itself: its clock, its disk, and whoever must be told.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    alert,
    config::Config,
    pipeline::{
        Runner,
        clock_regression::ClockRegression,
        retention::Retention,
        watch::{Patience, Watch},
    },
    store::Store,
    telemetry,
};

/// Starts them.
pub fn start(config: &Config, store: &Store, runner: &Runner) -> anyhow::Result<()> {
    let store = || store.clone();
    runner.spawn(Arc::new(ClockRegression::new(store())));
    runner.spawn(Arc::new(Retention::new(store(), config.times.keep)));
    let http = telemetry::http_client()?;
    let alert = config.alert_webhook_url.clone();
    let alert = alert.map(|url| alert::Client::new(url, http));
    let paced = config.airtable.monthly_requests.is_some();
    let gathering = SignedDuration::from_hours(if paced { 24 } else { 0 });
    let limits = Patience::new(gathering, (runner.clock)());
    let (status, leases) = (runner.status.clone(), runner.leases.clone());
    let our_key = config.livekit.api_key.clone();
    let watch = Watch::new(store(), status, leases, alert, limits, our_key);
    runner.spawn(Arc::new(watch));
    Ok(())
}
