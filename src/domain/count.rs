//! Counts in sentences.

use std::fmt::Display;

/// A number with its noun: `counted(n, "call waits", "calls wait")` is "1 call waits" or "3 calls wait".
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let words = if count == N::from(1) { one } else { many };
    format!("{count} {words}")
}
