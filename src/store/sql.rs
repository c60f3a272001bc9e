//! SQL that runs on both engines: chunks, rows of parameters, text and times as columns take them.

use jiff::Timestamp;

use crate::domain::Status;

/// Milliseconds of a time that never comes, for rows that wait for nothing.
pub(super) const NEVER: i64 = i64::MAX;

/// Bytes of bodies or calls that are read into memory at once, or those of one that is larger.
const READ_BYTES: i64 = 8 << 20;

/// Chunks of a power of two rows (at most 64), so that there are few statements to prepare.
pub(super) fn chunks<T>(rest: &[T]) -> impl Iterator<Item = &[T]> {
    chunks_of(rest, 64)
}

/// The same for rows of many columns (at most 16): SQLite's driver searches the list of all parameters for each of them.
pub(super) fn wide_chunks<T>(rest: &[T]) -> impl Iterator<Item = &[T]> {
    chunks_of(rest, 16)
}

fn chunks_of<T>(mut rest: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << rest.len().min(most).checked_ilog2()?;
        let (chunk, tail) = rest.split_at(size);
        rest = tail;
        Some(chunk)
    })
}

/// `($1, $2), ($3, $4)`: `count` rows, each of `columns` parameters from `$first` on and the constants at its end.
pub(super) fn rows(count: usize, first: usize, columns: usize, constants: &str) -> String {
    let row = |n: usize| {
        let from = first + n * columns;
        let parameters: Vec<String> = (from..from + columns).map(|i| format!("${i}")).collect();
        format!("({}{constants})", parameters.join(", "))
    };
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

/// `'a', 'b'`: names of a closed set, for a list in SQL.
pub(super) fn quoted(names: impl Iterator<Item = &'static str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}

/// `'a', 'b'`: the statuses of calls that are not final.
pub(super) fn open_statuses() -> String {
    let open = Status::ALL.into_iter().filter(|status| !status.is_final());
    quoted(open.map(Status::as_str))
}

/// Text from outside, for a column: PostgreSQL rejects NUL.
pub(super) fn text(outside: &str) -> String {
    outside.replace('\0', "")
}

/// Milliseconds since the epoch, as every time is stored.
pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

/// The time of stored milliseconds; what is beyond the calendar becomes its end.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// How many rows of these sizes (bytes) are read into memory at once; at least one.
pub(super) fn rows_that_fit(sizes: &[i64]) -> usize {
    let mut bytes = 0;
    let fits = |size: &&i64| {
        bytes += **size;
        bytes <= READ_BYTES
    };
    sizes.iter().take_while(fits).count().max(1)
}
