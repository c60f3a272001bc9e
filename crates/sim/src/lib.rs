//! Stand-ins on real sockets for LiveKit, S3 storage and Airtable: for the service's `demo` and `sim` commands, for its tests, and
//! for testing other programs offline.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a stand-in live as long as it does"
)]

pub mod airtable;
mod crypto;
mod folder;
pub mod livekit;
pub mod mp3;
pub mod storage;
mod storage_keys;

pub use crypto::install_crypto;
