//! What the process tells about itself, and the two things every adapter is given: a clock and an HTTP client.

use std::time::Duration;

use jiff::Timestamp;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Libraries whose info lines tell an operator nothing; a name in RUST_LOG wins over these.
/// The storage's client would tell objects' keys, which may hold a room's name, and that a caller's number. What sqlx
/// warns of, a slow or lost database, is told in our own words, and what the stand-in for a bucket refuses in its answers.
const QUIET: &str = "aws_sdk_s3=warn,aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,hyper=warn,\
                     hyper_util=warn,rustls=warn,h2=warn,s3s=off,s3s_fs=off,sqlx=error,reqwest=warn";

/// What is told and what is not: `filter` is in RUST_LOG's language; libraries that it does not name are quiet below
/// warn.
pub fn filter(filter: &str) -> EnvFilter {
    EnvFilter::new(format!("{QUIET},{filter}"))
}

/// Sends logs to stderr, as text for people or one JSON object a line. A second call in one process does nothing.
pub fn init(filter: &str, json: bool) {
    let registry = tracing_subscriber::registry().with(self::filter(filter));
    let installed = if json {
        let layer = fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr);
        registry.with(layer).try_init()
    } else {
        let color = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let layer = fmt::layer()
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(color);
        registry.with(layer).try_init()
    };
    installed.ok();
}

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

/// The client for everything that is not the storage: connections in 10 s, whole requests in 30 s unless a request
/// says otherwise. No redirect is followed: a token must not travel to another host, and a POST must not become a GET.
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
