//! The recorder behind the `metrics` crate's counters and histograms.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Latencies in seconds: a webhook answers in milliseconds, a start or an upload takes up to 30 s.
const LATENCY_SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0,
];

/// Installs the recorder for `metrics`; `/metrics` shows what the handle renders. It opens no port of its own.
///
/// Whoever holds the handle calls `run_upkeep` now and then, or histograms grow. Fails on a second call.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(&LATENCY_SECONDS)?
        .install_recorder()
}
