//! What a column of the schema file must be like: its type, its source, and the key's.

use serde_json::Value;

use super::schema::{Column, OPEN_SOURCES, SOURCES};
use super::{cell, options};
use crate::domain::status::Status;

/// Of the types Airtable merges on, those that hold a call's id.
const KEY_TYPES: [&str; 2] = ["singleLineText", "multilineText"];
/// Types that hold any text.
const TEXTS: [&str; 6] = [
    "singleLineText",
    "multilineText",
    "richText",
    "email",
    "url",
    "phoneNumber",
];
const TIMES: [&str; 2] = ["date", "dateTime"];
const NUMBERS: [&str; 4] = ["number", "duration", "currency", "percent"];

/// Empty texts are told elsewhere.
pub(super) fn of_type(column: &Column) -> Vec<String> {
    if column.kind.is_empty() {
        return Vec::new();
    }
    let valid = options::types();
    if valid.contains(&column.kind.as_str()) {
        return options::faults(&column.kind, &column.options);
    }
    vec![format!(
        "unknown or unwritable type {:?}{}; valid are {}",
        column.kind,
        meant(&column.kind, &valid),
        valid.join(", ")
    )]
}

pub(super) fn of_source(column: &Column) -> Vec<String> {
    if column.from.is_empty() {
        return Vec::new();
    }
    if !is_source(&column.from) {
        let open = OPEN_SOURCES
            .map(|(prefix, rest)| format!("{prefix}{rest}"))
            .join(", ");
        return vec![format!(
            "unknown source {:?}{}; valid are {}, {open}",
            column.from,
            meant_source(&column.from),
            SOURCES.join(", ")
        )];
    }
    if (column.from == "recording_attachment") != (column.kind == "multipleAttachments") {
        return vec!["recording_attachment and the type multipleAttachments go together".into()];
    }
    held(column).into_iter().collect()
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

/// The one of `valid` that is a slip of the finger away, as the middle of a sentence.
pub(super) fn meant(text: &str, valid: &[&str]) -> String {
    let squeezed = |text: &str| -> String {
        let messages = text.chars().filter(|c| c.is_alphanumeric());
        messages.flat_map(char::to_lowercase).collect()
    };
    let distance = |name: &&&str| edits(&squeezed(text), &squeezed(name));
    let near = valid.iter().min_by_key(distance);
    match near.filter(|name| distance(name) <= 2) {
        Some(name) => format!(", did you mean `{name}`?"),
        None => String::new(),
    }
}

/// Messages to insert, delete, replace or swap (Levenshtein's distance, where a swap is two).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, message) in a.chars().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let same = before + usize::from(message != *other);
            before = row[j + 1];
            row[j + 1] = same.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Of `metdata.customer.id` only the first word can be a slip.
fn meant_source(from: &str) -> String {
    match from.split_once('.') {
        Some((root, rest)) if !rest.is_empty() => {
            meant(root, &OPEN_SOURCES.map(|(prefix, _)| prefix))
        }
        _ => meant(from, &SOURCES),
    }
}

fn is_source(from: &str) -> bool {
    let open = |(prefix, _): &(&str, &str)| {
        from.strip_prefix(prefix)
            .is_some_and(|rest| !rest.trim().is_empty())
    };
    SOURCES.contains(&from) || OPEN_SOURCES.iter().any(open)
}

/// What users say may be of any type, and is looked at in every row; of our own sources it is known.
fn held(column: &Column) -> Option<String> {
    let kind = column.kind.as_str();
    if !options::types().contains(&kind) {
        // That is told of the type.
        return None;
    }
    let from = column.from.as_str();
    let holds = |types: &[&str]| types.contains(&kind) || TEXTS.contains(&kind);
    let wrong = |what: &str| Some(format!("{from} is {what}, which {kind} cannot hold"));
    match from {
        "started_at" | "ended_at" | "recording_url_expires" if !holds(&TIMES) => wrong("a time"),
        "duration" | "recording_size" if !holds(&NUMBERS) => wrong("a number"),
        "status" if kind == "singleSelect" => all_statuses(&column.options),
        "status" if !holds(&[]) => wrong("a text"),
        "call_id" | "room_name" | "caller" | "transcript" | "transcript_url" | "recording_url"
        | "egress_id" | "error" | "participants"
            if !holds(&[]) =>
        {
            wrong("a text")
        }
        _ => {
            let text = Value::String(from.strip_prefix("constant:")?.to_owned());
            let why = cell::fit(column, text).unfit?;
            Some(format!("the constant {why}"))
        }
    }
}

fn all_statuses(options: &Value) -> Option<String> {
    let choices = options.get("choices")?.as_array()?;
    let has = |name: &&str| choices.iter().any(|choice| choice["name"] == *name);
    let missing: Vec<&str> = Status::ALL
        .iter()
        .map(|status| status.label())
        .filter(|name| !has(name))
        .collect();
    (!missing.is_empty()).then(|| format!("`status` needs the choices {}, too", missing.join(", ")))
}
