//! What the process says about itself (logs, metrics), and the two things every adapter is given: a clock and an HTTP
//! client.

mod clock;
mod http_client;
mod log_throttle;
mod logs;
mod recorder;

pub use clock::now;
pub use http_client::http_client;
pub use log_throttle::LogThrottle;
pub use logs::{LogFormat, filter, init};
pub use recorder::metrics;
