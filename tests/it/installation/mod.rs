//! The service as hosts, containers and proxies run it.

mod bucket;
mod database_files;
mod environment;
mod file_system;
mod healthcheck;
mod image;
mod private;
mod proxies;
mod secrets;
mod supervisor;
mod values;
