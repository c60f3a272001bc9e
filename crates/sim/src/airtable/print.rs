//! Records as the records API prints them.

use serde_json::{Map, Value, json};

use super::base::{Field, Place};
use super::computed;

/// What a printed record calls its fields: `returnFieldsByFieldId` chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKeys {
    Names,
    Ids,
}

/// A record with its non-empty cells, computed ones included. `only` holds field ids; None prints all fields.
pub(super) fn record(place: Place<'_>, keys: FieldKeys, only: Option<&[String]>) -> Value {
    let wanted = |field: &&Field| only.is_none_or(|ids| ids.contains(&field.id));
    let mut fields = Map::new();
    for field in place.table.fields.iter().filter(wanted) {
        if let Some(value) = computed::cell(place, field, 0) {
            let key = match keys {
                FieldKeys::Names => &field.name,
                FieldKeys::Ids => &field.id,
            };
            fields.insert(key.clone(), value.into_owned());
        }
    }
    json!({"id": place.record.id, "createdTime": place.record.created, "fields": fields})
}
