//! The service as hosts, containers and proxies run it.

mod bucket;
mod environment;
mod file_system;
mod private;
mod proxies;
mod secrets;
mod values;
