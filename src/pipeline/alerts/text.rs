//! Durations as alerts print them.

use jiff::SignedDuration;

/// A duration for people: `50 s`, `14 min`, `3 h`, `2 days`.
pub(super) fn rounded(duration: SignedDuration) -> String {
    match duration.as_secs().max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
