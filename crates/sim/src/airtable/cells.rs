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
    /// Of the field that an upsert merged on first. Any change forgets it.
    #[serde(skip)]
    merged: OnceLock<Hashed>,
}

/// The hashes of a field's id and of its cell.
#[derive(Debug, Clone, Copy)]
struct Hashed {
    field: u64,
    cell: u64,
}

/// What a cell is to have.
pub(super) struct Wanted<'a> {
    field: &'a str,
    value: Value,
    hashed: Hashed,
}

impl Wanted<'_> {
    /// This value in this field.
    pub(super) fn new(field: &str, value: Value) -> Wanted<'_> {
        let hashed = Hashed {
            field: hash_of(field),
            cell: hash_of(Some(&value)),
        };
        Wanted {
            field,
            value,
            hashed,
        }
    }
}

impl Cells {
    /// Whether the cell has this value.
    pub(super) fn has(&self, wanted: &Wanted<'_>) -> bool {
        let own = self.merged.get_or_init(|| Hashed {
            field: wanted.hashed.field,
            cell: hash_of(self.values.get(wanted.field)),
        });
        let differs = own.field == wanted.hashed.field && own.cell != wanted.hashed.cell;
        !differs && self.values.get(wanted.field) == Some(&wanted.value)
    }
}

/// Equal values have the same hash.
fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl From<BTreeMap<String, Value>> for Cells {
    fn from(values: BTreeMap<String, Value>) -> Cells {
        Cells {
            values,
            merged: OnceLock::new(),
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
        self.merged.take();
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_cell_has_its_new_value() {
        let has = |cells: &Cells, value: &Value| cells.has(&Wanted::new("fld1", value.clone()));
        let (one, two) = (json!("one"), json!("two"));
        let mut cells = Cells::default();
        assert!(!has(&cells, &one));
        cells.insert("fld1".to_owned(), one.clone());
        assert!(has(&cells, &one) && !has(&cells, &two));
        cells.insert("fld1".to_owned(), two.clone());
        assert!(has(&cells, &two) && !has(&cells, &one));
        let other = json!(1);
        cells.insert("fld2".to_owned(), other.clone());
        assert!(cells.has(&Wanted::new("fld2", other)) && has(&cells, &two));
    }
}
