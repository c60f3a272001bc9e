//! The cells of a record, with the hash of one of them: an upsert into a large table looks at every record.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::Serialize;
use serde_json::Value;

/// Field id to value; empty cells are absent.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Cells {
    values: BTreeMap<String, Value>,
    /// A field that upserts merge on, and the hash of its value. Any change forgets it.
    #[serde(skip)]
    hashed: OnceLock<(String, u64)>,
}

impl Cells {
    /// Whether the cell has this value, whose hash is `hash`.
    pub(super) fn has(&self, field: &str, value: &Value, hash: u64) -> bool {
        let hashed = self.hashed.get_or_init(|| {
            let own = self.values.get(field);
            (field.to_owned(), own.map_or(0, hash_of))
        });
        if hashed.0 == field && hashed.1 != hash {
            return false;
        }
        self.values.get(field) == Some(value)
    }
}

/// The hash of a value; equal values have the same.
pub(super) fn hash_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl From<BTreeMap<String, Value>> for Cells {
    fn from(values: BTreeMap<String, Value>) -> Cells {
        Cells {
            values,
            hashed: OnceLock::new(),
        }
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Cells) -> bool {
        self.values == other.values
    }
}

impl Deref for Cells {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &BTreeMap<String, Value> {
        &self.values
    }
}

impl DerefMut for Cells {
    fn deref_mut(&mut self) -> &mut BTreeMap<String, Value> {
        self.hashed.take();
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_cell_has_its_new_value() {
        let has = |cells: &Cells, value: &Value| cells.has("fld1", value, hash_of(value));
        let (one, two) = (json!("one"), json!("two"));
        let mut cells = Cells::default();
        assert!(!has(&cells, &one));
        cells.insert("fld1".to_owned(), one.clone());
        assert!(has(&cells, &one) && !has(&cells, &two));
        cells.insert("fld1".to_owned(), two.clone());
        assert!(has(&cells, &two) && !has(&cells, &one));
        let other = json!(1);
        cells.insert("fld2".to_owned(), other.clone());
        assert!(cells.has("fld2", &other, hash_of(&other)) && has(&cells, &two));
    }
}
