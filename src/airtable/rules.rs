//! What a column of the schema file must be like: its type, its source, and the key's.

use serde_json::Value;

use super::schema::{Column, OPEN_SOURCES, SOURCES};

/// The types the API can create and we can write, with the options each must have.
const TYPES: [(&str, &[&str]); 17] = [
    ("singleLineText", &[]),
    ("multilineText", &[]),
    ("richText", &[]),
    ("email", &[]),
    ("url", &[]),
    ("phoneNumber", &[]),
    ("multipleAttachments", &[]),
    ("number", &["precision"]),
    ("percent", &["precision"]),
    ("currency", &["precision", "symbol"]),
    ("duration", &["durationFormat"]),
    ("rating", &["max", "icon", "color"]),
    ("checkbox", &["icon", "color"]),
    ("singleSelect", &["choices"]),
    ("multipleSelects", &["choices"]),
    ("date", &["dateFormat"]),
    ("dateTime", &["timeZone", "dateFormat", "timeFormat"]),
];
/// Of the types Airtable merges on, those that hold a call's id.
const KEY_TYPES: [&str; 2] = ["singleLineText", "multilineText"];

/// Empty texts are told elsewhere.
pub(super) fn of_type(column: &Column) -> Vec<String> {
    if column.kind.is_empty() {
        return Vec::new();
    }
    let Some((kind, needed)) = TYPES.iter().find(|(kind, _)| *kind == column.kind) else {
        let valid = TYPES.map(|(kind, _)| kind).join(", ");
        return vec![format!(
            "unknown or unwritable type {:?}; valid are {valid}",
            column.kind
        )];
    };
    let missing = needed
        .iter()
        .filter(|option| column.options.get(option).is_none());
    let mut wrong: Vec<String> = missing
        .map(|option| format!("the type {kind} needs the option `{option}`"))
        .collect();
    if needed.is_empty() && !column.options.is_null() {
        wrong.push(format!("the type {kind} takes no options"));
    }
    if needed.contains(&"choices") && !choices_are_named(&column.options) {
        wrong.push("`choices` must be a list of at least one { name = \"…\" }".into());
    }
    wrong
}

pub(super) fn of_source(column: &Column) -> Vec<String> {
    if column.from.is_empty() {
        return Vec::new();
    }
    if !is_source(&column.from) {
        let open = OPEN_SOURCES
            .map(|(prefix, rest)| format!("{prefix}{rest}"))
            .join(", ");
        let named = SOURCES.join(", ");
        return vec![format!(
            "unknown source {:?}; valid are {named}, {open}",
            column.from
        )];
    }
    if (column.from == "recording_attachment") != (column.kind == "multipleAttachments") {
        return vec!["recording_attachment and the type multipleAttachments go together".into()];
    }
    Vec::new()
}

pub(super) fn of_key(key: &Column) -> Vec<String> {
    let mut wrong = Vec::new();
    if key.from != "call_id" {
        wrong.push("the key column must be filled `from = \"call_id\"`".into());
    }
    if !KEY_TYPES.contains(&key.kind.as_str()) {
        wrong.push(format!("the key column must be {}", KEY_TYPES.join(" or ")));
    }
    if !key.enabled {
        wrong.push("the key column cannot be left out".into());
    }
    wrong
}

fn is_source(from: &str) -> bool {
    let open = |(prefix, _): &(&str, &str)| {
        from.strip_prefix(prefix)
            .is_some_and(|rest| !rest.trim().is_empty())
    };
    SOURCES.contains(&from) || OPEN_SOURCES.iter().any(open)
}

fn choices_are_named(options: &Value) -> bool {
    let named = |choice: &Value| {
        choice
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty())
    };
    match options.get("choices").and_then(Value::as_array) {
        Some(choices) => !choices.is_empty() && choices.iter().all(named),
        None => options.get("choices").is_none(),
    }
}
