//! The stand-in's clock and its identifiers.

use jiff::Timestamp;
use uuid::Uuid;

/// The time of this server.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in is another server, with its own clock"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// [`now`] as LiveKit writes times of egresses: nanoseconds since 1970.
pub(super) fn nanoseconds() -> i64 {
    i64::try_from(now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// A new identifier as LiveKit makes them: a prefix like `RM_`, then 12 letters and digits.
pub(super) fn id(prefix: &str) -> String {
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
