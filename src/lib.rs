pub mod airtable;
pub mod config;
pub mod domain;
pub mod http;
pub mod livekit;
pub mod mirror;
pub mod pipeline;
pub mod storage;
pub mod store;
pub mod telemetry;

#[cfg(feature = "sim")]
pub mod sim;

#[cfg(feature = "sim")]
pub mod sim;

/// The first thing a process does: rustls needs to know its cryptography before the first connection.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
