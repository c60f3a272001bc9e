//! Hashes of values, for comparisons without the values.

use std::hash::{DefaultHasher, Hash, Hasher};

/// SipHash with fixed keys: the same in all processes of this version. With the Airtable sink, a new version
/// may send a row once more.
pub fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
