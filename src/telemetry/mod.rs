//! Logs, metrics, and the two things that every adapter is given: the clock and an HTTP client.

mod clock;
mod http_client;
mod log_field;
mod log_throttle;
mod logs;
mod origin;
mod panics;
mod recorder;
mod supervisor;
mod watchdog;

pub use clock::now;
pub use http_client::{
    HttpClientError, Proxies, http_client, http_client_with_certificates, use_proxies,
};
pub use log_throttle::LogThrottle;
pub use logs::{LogFormat, filter, init};
pub use origin::{host_name, process_owner};
pub use panics::log_panics;
pub use recorder::metrics;
pub use supervisor::Supervisor;
pub use watchdog::Watchdog;
