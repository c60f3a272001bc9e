//! The stand-ins keep the rules of what they stand in for.

#![expect(clippy::disallowed_methods, reason = "a test's tasks end with it")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes what tests share for code that is no test"
)]

mod airtable;
mod livekit;
mod storage;
