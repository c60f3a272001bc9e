//! Ids and times as Airtable prints them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Starts at the clock, so that a restarted stand-in does not repeat ids that clients remember.
static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(clock().as_microsecond() as u64));

/// A new id: the prefix (`rec`, `fld`, …) and 14 letters or digits.
pub(super) fn fresh(prefix: &str) -> String {
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut bits = u128::from(mix(count)) << 64 | u128::from(mix(!count));
    let mut id = prefix.to_owned();
    for _ in 0..14 {
        id.push(char::from(LETTERS[(bits % 62) as usize]));
        bits /= 62;
    }
    id
}

/// Now, e.g. `2026-01-02T03:04:05.000Z`.
pub(super) fn now() -> String {
    iso(clock())
}

/// The time at which a webhook expires unless it is refreshed.
pub(super) fn in_a_week() -> String {
    iso(clock() + SignedDuration::from_hours(7 * 24))
}

/// A time as Airtable prints it, e.g. `2026-01-02T03:04:05.000Z`.
pub(super) fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Whether this is an id with this prefix rather than a name.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    text.len() == 17 && text.starts_with(prefix) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in is an edge: like Airtable, it has its own clock"
)]
fn clock() -> Timestamp {
    Timestamp::now()
}

/// splitmix64: consecutive counts give unrelated ids.
fn mix(count: u64) -> u64 {
    let z = count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
