//! Stand-ins on real sockets for LiveKit, the bucket and Airtable: for `demo`, `sim` and the tests.

pub mod airtable;
mod folder;
pub mod livekit;
pub mod mp3;
pub mod storage;
