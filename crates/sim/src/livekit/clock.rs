//! The one place where the stand-in reads the clock, and where it makes identifiers.

use jiff::Timestamp;
use uuid::Uuid;

#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in lives outside the program, on a clock of its own"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

pub fn nanoseconds() -> i64 {
    i64::try_from(now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// An identifier as LiveKit makes them: a prefix like `RM_`, then 12 letters and digits.
pub fn id(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut id = prefix.to_owned();
    // Only the last four bytes of a version 7 UUID are random.
    for _ in 0..3 {
        for byte in &Uuid::now_v7().into_bytes()[12..] {
            id.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        }
    }
    id
}
