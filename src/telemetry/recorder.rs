//! The recorder behind the `metrics` crate's counters.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Installs the recorder for `metrics`; `/metrics` returns what the handle renders. Opens no port of its own. Fails on a second call.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}
