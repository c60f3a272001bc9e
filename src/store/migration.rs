//! A migration: `schema/database/NNNN_name.sql`.
//!
//! A number is a format (first two digits) and a step (last two). Steps only add: a table, an index, a column that may be
//! NULL. So an earlier version of the same format runs on the database, and versions can be updated one replica at a time
//! and rolled back. What an earlier version could not run on begins a new format, which it refuses.
//!
//! PostgreSQL refuses prepared statements whose result has another shape than before, so a step that adds a column to a
//! table that a running earlier version reads with `SELECT *` would break it: 9e4522d does so with `deliveries` and
//! `closures`, later versions never.

use std::fmt;

use crate::domain::sha256;

/// A migration's number, for example 0001 or 0102.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub(super) i64);

impl Number {
    /// The first two digits: versions of one format run on each other's databases.
    pub fn format(self) -> i64 {
        self.0 / 100
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// One step of the tables.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place in the order.
    pub(super) number: Number,
    /// The file's name without its ending.
    pub(super) name: &'static str,
    /// Its statements, one text for both engines.
    pub(super) sql: &'static str,
}

impl Migration {
    /// `name` is the file's without its ending and begins with the number: `0001_init`.
    ///
    /// # Panics
    /// When it does not begin with four digits; for a constant that is an error of the compiler.
    pub const fn new(name: &'static str, sql: &'static str) -> Migration {
        let (digits, mut number, mut at) = (name.as_bytes(), 0, 0);
        while at < 4 {
            assert!(digits[at].is_ascii_digit(), "a name begins with 4 digits");
            number = number * 10 + (digits[at] - b'0') as i64;
            at += 1;
        }
        let number = Number(number);
        Migration { number, name, sql }
    }

    /// SHA-256 of the statements, without comments and line breaks: those may be improved later.
    pub(super) fn checksum(&self) -> String {
        let code = self.sql.lines().filter_map(|line| line.split("--").next());
        let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
        sha256(words.join(" "))
    }
}
