//! Logging: its filter and its format.

use tracing_subscriber::{
    EnvFilter, field::MakeExt, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::log_field;

/// Libraries whose info lines are of no use to an operator; RUST_LOG overrides these.
/// The storage's client would log objects' keys, which may hold a room's name, and that a caller's number. What sqlx
/// warns of, a slow or lost database, we log ourselves, and what the stand-in for a bucket refuses is in its answers.
const QUIET: &str = "audit=info,aws_sdk_s3=warn,aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,hyper=warn,\
                     hyper_util=warn,rustls=warn,h2=warn,s3s=off,s3s_fs=off,sqlx=error,reqwest=warn";

/// The filter of log lines: `filter` has the syntax of RUST_LOG; libraries that it does not name log warnings and errors only.
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
            let fields = fmt::format::debug_fn(log_field::write).delimited(" ");
            let layer = fmt::layer().with_target(false).with_ansi(color);
            let layer = layer.fmt_fields(fields);
            registry.with(layer.with_writer(std::io::stderr)).try_init()
        }
    };
    installed.ok();
}
