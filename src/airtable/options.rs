//! The `options` of a column in the schema file, checked as Airtable checks them when it creates a field, so that a typing
//! error is reported with its line and not by the API after half of the columns are there. Spellings:
//! airtable.com/developers/web/api/field-model.

use serde_json::{Map, Value};

use super::field_type::FieldType;

const DURATIONS: [&str; 5] = ["h:mm", "h:mm:ss", "h:mm:ss.S", "h:mm:ss.SS", "h:mm:ss.SSS"];
const DATES: [&str; 5] = ["iso", "local", "friendly", "us", "european"];
const TIMES: [&str; 2] = ["24hour", "12hour"];
const RATING_ICONS: [&str; 5] = ["star", "heart", "thumbsUp", "flag", "dot"];
const CHECKBOX_ICONS: [&str; 7] = [
    "check",
    "xCheckbox",
    "star",
    "heart",
    "thumbsUp",
    "flag",
    "dot",
];
const HUES: [&str; 10] = [
    "blue", "cyan", "teal", "green", "yellow", "orange", "red", "pink", "purple", "gray",
];
const SHADES: [&str; 4] = ["Bright", "Light1", "Light2", "Dark1"];

/// The options with which a column of this type is created: all of them are needed.
fn needed(kind: FieldType) -> &'static [&'static str] {
    match kind {
        FieldType::SingleLineText
        | FieldType::MultilineText
        | FieldType::RichText
        | FieldType::Email
        | FieldType::Url
        | FieldType::PhoneNumber
        | FieldType::MultipleAttachments => &[],
        FieldType::Number | FieldType::Percent => &["precision"],
        FieldType::Currency => &["precision", "symbol"],
        FieldType::Duration => &["durationFormat"],
        FieldType::Rating => &["max", "icon", "color"],
        FieldType::Checkbox => &["icon", "color"],
        FieldType::SingleSelect | FieldType::MultipleSelects => &["choices"],
        FieldType::Date => &["dateFormat"],
        FieldType::DateTime => &["timeZone", "dateFormat", "timeFormat"],
    }
}

/// What is wrong with the options of a column of this type, a sentence for each.
pub(super) fn faults(kind: FieldType, options: &Value) -> Vec<String> {
    let needed = needed(kind);
    if needed.is_empty() {
        let wrong = format!("the type {kind} has no options");
        return if options.is_null() {
            Vec::new()
        } else {
            vec![wrong]
        };
    }
    let empty = Map::new();
    let given = options.as_object().unwrap_or(&empty);
    let unknown = given.keys().filter(|key| !needed.contains(&key.as_str()));
    let mut faults: Vec<String> = unknown
        .map(|key| {
            let valid = needed.join(", ");
            format!("the type {kind} has no option `{key}`; valid options: {valid}")
        })
        .collect();
    for key in needed {
        match given.get(*key) {
            None => faults.push(format!("the type {kind} needs the option `{key}`")),
            Some(value) => faults.extend(option(kind, key, value)),
        }
    }
    faults
}

/// What is wrong with one of the options that [`needed`] names.
fn option(kind: FieldType, key: &str, value: &Value) -> Vec<String> {
    let fault = match (kind, key) {
        (FieldType::Currency, "precision") => within(key, value, 0..=7),
        (_, "precision") => within(key, value, 0..=8),
        (_, "max") => within(key, value, 1..=10),
        (_, "symbol") => match value.as_str() {
            Some(symbol) if !symbol.is_empty() => None,
            _ => Some("`symbol` must be text like \"€\"".into()),
        },
        (_, "durationFormat") => one_of(key, value, &DURATIONS),
        (_, "dateFormat") => named(key, value, &DATES),
        (_, "timeFormat") => named(key, value, &TIMES),
        (_, "timeZone") => time_zone(value),
        (FieldType::Rating, "icon") => one_of(key, value, &RATING_ICONS),
        (_, "icon") => one_of(key, value, &CHECKBOX_ICONS),
        (_, "color") => color(value, &SHADES[..1]),
        _ => return choices(value),
    };
    fault.into_iter().collect()
}

fn within(key: &str, value: &Value, range: std::ops::RangeInclusive<i64>) -> Option<String> {
    let inside = value.as_i64().is_some_and(|number| range.contains(&number));
    let (least, most) = (range.start(), range.end());
    (!inside).then(|| format!("`{key}` must be a whole number from {least} to {most}"))
}

fn one_of(key: &str, value: &Value, valid: &[&str]) -> Option<String> {
    let known = value.as_str().is_some_and(|text| valid.contains(&text));
    (!known).then(|| format!("`{key}` must be one of {}", valid.join(", ")))
}

/// `{ name = "iso" }`; a format may be given as well.
fn named(key: &str, value: &Value, valid: &[&str]) -> Option<String> {
    let name = value.get("name").and_then(Value::as_str);
    let known = name.is_some_and(|name| valid.contains(&name));
    let valid = valid.join(", ");
    (!known).then(|| format!("`{key}` must be {{ name = \"…\" }} with one of {valid}"))
}

fn time_zone(value: &Value) -> Option<String> {
    let zone = value.as_str().unwrap_or_default();
    let known = matches!(zone, "utc" | "client") || zone.contains('/');
    let wrong = "`timeZone` must be utc (lower case), client, or a name like Europe/Berlin";
    (!known).then(|| wrong.into())
}

fn color(value: &Value, shades: &[&str]) -> Option<String> {
    let text = value.as_str().unwrap_or_default();
    let shade = HUES.iter().find_map(|hue| text.strip_prefix(hue));
    let known = shade.is_some_and(|shade| shades.contains(&shade));
    let (hues, shades) = (HUES.join(", "), shades.join(", "));
    (!known).then(|| format!("`color` must be one of {hues}, followed by {shades}"))
}

fn choices(value: &Value) -> Vec<String> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else {
        return vec![UNNAMED.into()];
    };
    let (mut faults, mut names) = (Vec::new(), Vec::new());
    for choice in list {
        let name = choice.get("name").and_then(Value::as_str).map(str::trim);
        match name.filter(|name| !name.is_empty()) {
            None => faults.push(UNNAMED.into()),
            Some(name) if names.contains(&name) => {
                faults.push(format!("duplicate choice {name:?}"));
            }
            Some(name) => names.push(name),
        }
        faults.extend(choice.get("color").and_then(|text| color(text, &SHADES)));
    }
    faults.dedup();
    faults
}

const UNNAMED: &str = "`choices` must be a list of at least one { name = \"…\" }";
