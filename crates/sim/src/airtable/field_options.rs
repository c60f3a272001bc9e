//! The `options` of a new field: which types need which.

use serde_json::{Value, json};

use super::links::LINKS;
use super::refusal::Refusal;

/// The options as Airtable keeps them (formats written out), or why the field cannot be made.
pub(super) fn check(
    name: &str,
    kind: &str,
    options: Option<&Value>,
) -> Result<Option<Value>, Refusal> {
    let invalid = |why: &str| {
        let message = format!("Invalid options for {name}: creating a {kind} field {why}");
        Refusal::invalid("INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", message)
    };
    let given = options.cloned().unwrap_or(Value::Null);
    let made = match kind {
        "singleLineText"
        | "multilineText"
        | "richText"
        | "email"
        | "url"
        | "phoneNumber"
        | "barcode"
        | "singleCollaborator"
        | "multipleCollaborators" => {
            return match options {
                None => Ok(None),
                Some(_) => Err(invalid("takes no options")),
            };
        }
        "multipleAttachments" => match options {
            None => Ok(json!({"isReversed": false})),
            Some(_) => Err("takes no options"),
        },
        LINKS if given["linkedTableId"].is_string() => Ok(given),
        LINKS => Err("needs linkedTableId"),
        "number" | "percent" => precision(&given).map(|()| given),
        "currency" if given["symbol"].is_string() => precision(&given).map(|()| given),
        "currency" => Err("needs a symbol"),
        "duration" => duration(given),
        "checkbox" if one_of(&given["icon"], &ICONS) && given["color"].is_string() => Ok(given),
        "checkbox" => Err("needs icon and color"),
        "rating" if given["max"].is_u64() && given["icon"].is_string() => Ok(given),
        "rating" => Err("needs icon, max and color"),
        "date" => date(given),
        "dateTime" => date(given).and_then(date_time),
        "singleSelect" | "multipleSelects" => choices(given),
        _ => {
            let message = format!("Creating {kind} fields is not supported at this time");
            return Err(Refusal::invalid(
                "UNSUPPORTED_FIELD_TYPE_FOR_CREATE",
                message,
            ));
        }
    };
    made.map(Some).map_err(invalid)
}

const ICONS: [&str; 7] = [
    "check",
    "xCheckbox",
    "star",
    "heart",
    "thumbsUp",
    "flag",
    "dot",
];

const DATE_FORMATS: [(&str, &str); 5] = [
    ("iso", "YYYY-MM-DD"),
    ("local", "l"),
    ("friendly", "LL"),
    ("us", "M/D/YYYY"),
    ("european", "D/M/YYYY"),
];

const TIME_FORMATS: [(&str, &str); 2] = [("12hour", "h:mma"), ("24hour", "HH:mm")];

fn one_of(value: &Value, allowed: &[&str]) -> bool {
    value.as_str().is_some_and(|text| allowed.contains(&text))
}

fn precision(options: &Value) -> Result<(), &'static str> {
    match options["precision"].as_u64() {
        Some(0..=8) => Ok(()),
        _ => Err("needs precision, 0 to 8"),
    }
}

fn duration(options: Value) -> Result<Value, &'static str> {
    const FORMATS: [&str; 5] = ["h:mm", "h:mm:ss", "h:mm:ss.S", "h:mm:ss.SS", "h:mm:ss.SSS"];
    match one_of(&options["durationFormat"], &FORMATS) {
        true => Ok(options),
        false => Err("needs durationFormat, e.g. h:mm:ss"),
    }
}

fn date(mut options: Value) -> Result<Value, &'static str> {
    named_format(&mut options, "dateFormat", &DATE_FORMATS).ok_or("needs dateFormat, e.g. iso")?;
    Ok(options)
}

fn date_time(mut options: Value) -> Result<Value, &'static str> {
    named_format(&mut options, "timeFormat", &TIME_FORMATS)
        .ok_or("needs timeFormat, 12hour or 24hour")?;
    match options["timeZone"].as_str() {
        Some("utc" | "client") => Ok(options),
        Some(zone) if zone.contains('/') => Ok(options),
        _ => Err("needs timeZone: utc, client or a name like Europe/Berlin"),
    }
}

/// A format by its name; its pattern may be left out and is written out in answers.
fn named_format(options: &mut Value, key: &str, known: &[(&str, &str)]) -> Option<()> {
    let name = options.get(key)?["name"].as_str()?;
    let (name, pattern) = known.iter().find(|(known, _)| *known == name)?;
    options[key] = json!({"name": name, "format": pattern});
    Some(())
}

fn choices(options: Value) -> Result<Value, &'static str> {
    let Some(choices) = options["choices"].as_array() else {
        return Err("needs choices");
    };
    let mut names = Vec::new();
    for choice in choices {
        match choice["name"].as_str().filter(|name| !name.is_empty()) {
            Some(name) if !names.contains(&name) => names.push(name),
            _ => return Err("needs choices with different names"),
        }
    }
    Ok(json!({"choices": choices}))
}
