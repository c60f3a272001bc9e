//! Logs, metrics, and the two things that every adapter is given: the clock and an HTTP client.

use std::time::Duration;

use jiff::Timestamp;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Libraries whose info lines are of no use to an operator; RUST_LOG overrides these.
/// The storage's client would log object keys, which may hold a room's name and with it a phone number. Of what sqlx warns
/// of, a slow or lost database, we have log lines of our own.
const QUIET: &str = "aws_config=warn,aws_sdk_s3=warn,aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,hyper=warn,\
                     hyper_util=warn,rustls=warn,h2=warn,s3s=off,s3s_fs=off,sqlx=error,reqwest=warn";

/// Which lines are logged: `filter` has the syntax of RUST_LOG; libraries that it does not name log warnings and errors
/// only.
pub fn filter(filter: &str) -> EnvFilter {
    EnvFilter::new(format!("{QUIET},{filter}"))
}

/// LOG_FORMAT
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, with colors on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends logs to stderr. A second call in one process does nothing.
pub fn init(filter: &str, format: LogFormat) {
    let registry = tracing_subscriber::registry().with(self::filter(filter));
    let installed = match format {
        LogFormat::Json => {
            let layer = fmt::layer().json().flatten_event(true);
            registry.with(layer.with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Text => {
            let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
            let layer = fmt::layer().with_target(false).with_ansi(color);
            registry.with(layer.with_writer(std::io::stderr)).try_init()
        }
    };
    installed.ok();
}

/// Upper bounds of the histogram buckets in seconds: a webhook takes milliseconds, a start or an upload up to 30 s.
const LATENCY_SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0,
];

/// Installs the recorder for `metrics`; `/metrics` shows what the handle renders. It opens no port of its own.
///
/// The owner of the handle calls `run_upkeep` now and then, or histograms grow.
///
/// # Errors
/// On a second call in one process.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(&LATENCY_SECONDS)?
        .install_recorder()
}

/// The client for everything but the storage: 10 s to connect, 30 s for a whole request unless it has its own timeout. It
/// follows no redirects: a token must not be sent to another host, and a POST must not become a GET.
///
/// # Errors
/// When the machine's certificates cannot be read.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("livekit-airtable/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The clock's edge: everything below takes `now` as a parameter.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
