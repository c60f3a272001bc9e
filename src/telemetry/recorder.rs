//! The recorder behind the `metrics` crate's counters and histograms.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Latencies in seconds: webhooks take milliseconds, a start or an upload up to 30 s.
const LATENCY_SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0,
];

/// Installs the recorder for `metrics`; `/metrics` returns what the handle renders. Opens no port of its own.
///
/// The owner of the handle must call `run_upkeep` regularly, or histograms grow. Fails on a second call.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(&LATENCY_SECONDS)?
        .install_recorder()
}
