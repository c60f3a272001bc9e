//! Logs, metrics, and the two things that every adapter is given: the clock and an HTTP client.

mod clock;
mod http_client;
mod log_field;
mod log_throttle;
mod logs;
mod recorder;

pub use clock::now;
pub use http_client::http_client;
pub use log_throttle::LogThrottle;
pub use logs::{LogFormat, filter, init};
pub use recorder::metrics;
