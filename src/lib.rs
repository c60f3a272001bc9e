//! livekit-airtable: every LiveKit call recorded, one Airtable row per call.

pub mod airtable;
#[cfg(feature = "sim")]
pub mod sim;

/// The first thing a process does: rustls needs to know its cryptography before the first connection.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
