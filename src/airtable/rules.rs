//! Rules for a column in the schema file: its type, its source, and the key's.

use serde_json::Value;

use super::{
    cell,
    field_type::FieldType,
    options,
    source::{FIGURES, Source},
};
use crate::domain::{
    figures::{Figure, FigureKind},
    status::Status,
};

/// Of the types that Airtable merges on, those that can hold a call ID.
const KEY_TYPES: [FieldType; 2] = [FieldType::SingleLineText, FieldType::MultilineText];

/// The type that a text names, and what is wrong with it or its options. An empty text is a fault of its own, which is
/// reported elsewhere.
pub(super) fn read_type(text: &str, options: &Value) -> (Option<FieldType>, Vec<String>) {
    if text.is_empty() {
        return (None, Vec::new());
    }
    if let Ok(kind) = text.parse() {
        return (Some(kind), options::faults(kind, options));
    }
    let valid = FieldType::ALL.map(FieldType::as_str);
    let fault = format!(
        "unknown or read-only type {text:?}{}; valid types: {}",
        meant(text, &valid),
        valid.join(", ")
    );
    (None, vec![fault])
}

/// The sources that these texts name, and their faults in a column of this type.
pub(super) fn read_sources(
    texts: &[String],
    kind: Option<FieldType>,
    options: &Value,
) -> (Vec<Source>, Vec<String>) {
    let (mut sources, mut faults) = (Vec::new(), Vec::new());
    for text in texts {
        let (source, wrong) = read_source(text, kind, options);
        faults.extend(wrong);
        if let Some(source) = source
            .as_ref()
            .filter(|source| texts.len() > 1 && !source.is_listable())
        {
            faults.push(format!("{source} cannot be one of a list of sources"));
        }
        sources.extend(source);
    }
    (sources, faults)
}

/// The source that a text names, and what is wrong with it in a column of this type.
fn read_source(
    text: &str,
    kind: Option<FieldType>,
    options: &Value,
) -> (Option<Source>, Vec<String>) {
    let Ok(source) = text.parse::<Source>() else {
        return (None, vec![unknown_source(text)]);
    };
    let is_copy = source == Source::RecordingAttachment;
    let faults = if is_copy != (kind == Some(FieldType::MultipleAttachments)) {
        vec!["recording_attachment and the type multipleAttachments must be used together".into()]
    } else {
        let fault = kind.and_then(|kind| held(&source, kind, options));
        fault.into_iter().collect()
    };
    (Some(source), faults)
}

fn unknown_source(text: &str) -> String {
    let open = Source::OPEN.map(|(prefix, rest)| format!("{prefix}{rest}"));
    format!(
        "unknown source {text:?}{}; valid sources: {}, {}, {}",
        meant_source(text),
        Source::NAMED.map(|source| source.name()).join(", "),
        open.join(", "),
        figures().join(", ")
    )
}

/// What is wrong with the key column. A type or source that could not be read is no valid one either.
pub(super) fn of_key(
    kind: Option<FieldType>,
    source: Option<&Source>,
    enabled: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if source != Some(&Source::CallId) {
        wrong.push("the key column must have `from = \"call_id\"`".into());
    }
    if !kind.is_some_and(|kind| KEY_TYPES.contains(&kind)) {
        wrong.push(format!(
            "the key column must be {}",
            KEY_TYPES.map(FieldType::as_str).join(" or ")
        ));
    }
    if !enabled {
        wrong.push("the key column cannot be disabled".into());
    }
    wrong
}

/// The one of `valid` that is within a typing error of the name, as the middle of a sentence.
pub(super) fn meant(text: &str, valid: &[&str]) -> String {
    let squeezed = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let distance = |name: &&&str| edits(&squeezed(text), &squeezed(name));
    let near = valid.iter().min_by_key(distance);
    match near.filter(|name| distance(name) <= 2) {
        Some(name) => format!(", did you mean `{name}`?"),
        None => String::new(),
    }
}

/// Letters to insert, delete, replace or swap (Levenshtein distance, where a swap counts two).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let same = before + usize::from(letter != *other);
            before = row[j + 1];
            row[j + 1] = same.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn figures() -> [String; Figure::ALL.len()] {
    Figure::ALL.map(|figure| Source::Figure(figure).to_string())
}

/// In `metdata.customer.id`, only the first part can be misspelled.
fn meant_source(from: &str) -> String {
    if from.starts_with(FIGURES) {
        let figures = figures();
        return meant(from, &figures.each_ref().map(String::as_str));
    }
    match from.split_once('.') {
        Some((root, rest)) if !rest.is_empty() => {
            let open = Source::OPEN.map(|(prefix, _)| prefix);
            let roots: Vec<&str> = open.into_iter().chain([FIGURES]).collect();
            meant(root, &roots)
        }
        _ => meant(from, &Source::NAMED.map(|source| source.name())),
    }
}

/// Why a column of this type cannot hold this source. What users say may be of any type, and is checked in every row;
/// of our own sources it is known.
fn held(source: &Source, kind: FieldType, options: &Value) -> Option<String> {
    let is_number = matches!(
        kind,
        FieldType::Number | FieldType::Duration | FieldType::Currency | FieldType::Percent
    );
    let is_time = matches!(kind, FieldType::Date | FieldType::DateTime);
    let (what, holds) = match source {
        Source::StartedAt | Source::EndedAt | Source::RecordingUrlExpires => ("a time", is_time),
        Source::Duration | Source::RecordingSize => ("a number", is_number),
        Source::Status if kind == FieldType::SingleSelect => {
            let statuses = Status::ALL.map(|status| status.label());
            return all_choices(source, &statuses, options);
        }
        Source::Figure(figure) => match figure.kind() {
            FigureKind::Choice(choices) if kind == FieldType::SingleSelect => {
                return all_choices(source, &choices, options);
            }
            FigureKind::Number => ("a number", is_number),
            FigureKind::Choice(_) => ("text", false),
            FigureKind::Text | FigureKind::Texts => return None,
        },
        Source::Status
        | Source::CallId
        | Source::RoomName
        | Source::Caller
        | Source::Transcript
        | Source::TranscriptUrl
        | Source::RecordingUrl
        | Source::EgressId
        | Source::Error
        | Source::AllRecordings
        | Source::Participants => ("text", false),
        Source::Constant(text) => {
            let why = cell::fit(kind, options, Value::String(text.clone())).invalid?;
            return Some(format!("the constant {why}"));
        }
        Source::Agent
        | Source::RecordingAttachment
        | Source::Summary
        | Source::Metadata
        | Source::JobId
        | Source::MetadataPath(_)
        | Source::Attribute(_)
        | Source::ReportPath(_) => return None,
    };
    let fits = holds || kind.is_text();
    (!fits).then(|| format!("{source} is {what}, which {kind} cannot hold"))
}

/// Whether a select lacks one of the choices that a source may have.
fn all_choices(source: &Source, needed: &[&str], options: &Value) -> Option<String> {
    let choices = options.get("choices")?.as_array()?;
    let has = |name: &str| choices.iter().any(|choice| choice["name"] == name);
    let missing: Vec<&str> = needed.iter().copied().filter(|name| !has(name)).collect();
    (!missing.is_empty())
        .then(|| format!("`{source}` also needs the choices {}", missing.join(", ")))
}
