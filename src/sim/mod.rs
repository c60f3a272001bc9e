//! Stand-ins on real sockets for the outside world, for `demo`, `sim` and the tests.

mod folder;
pub mod livekit;
pub mod mp3;
pub mod storage;
