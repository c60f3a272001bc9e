//! The bodies of refusals: five shapes of JSON, HTML of a proxy, and any of them cut short.

use serde_json::Value;

/// Type and message of a refusal's body. The type is empty when the body is not Airtable's; the message then says what
/// it is, without repeating it.
pub(super) fn refusal(body: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => of_json(&value),
        Err(_) if text.is_empty() => (String::new(), "without a body".into()),
        Err(_) if text.starts_with('<') => {
            (String::new(), "an HTML page, not Airtable's API".into())
        }
        Err(_) => of_cut(text),
    }
}

fn of_json(value: &Value) -> (String, String) {
    let found = match (
        value.get("error"),
        value.get("errors").and_then(Value::as_array),
    ) {
        // {"error": {"type", "message"}}
        (Some(Value::Object(error)), _) => (text(error.get("type")), text(error.get("message"))),
        // {"error": "NOT_FOUND"}, at times with a message beside it
        (Some(Value::String(kind)), _) => (kind.clone(), text(value.get("message"))),
        // {"errors": [{"error", "message"}]}
        (_, Some(errors)) => of_list(errors),
        _ => (text(value.get("type")), text(value.get("message"))),
    };
    match found {
        (kind, message) if kind.is_empty() && message.is_empty() => {
            (kind, "JSON that is not Airtable's".into())
        }
        found => found,
    }
}

fn of_list(errors: &[Value]) -> (String, String) {
    let kind = errors.first().map(|error| match error {
        Value::String(kind) => kind.clone(),
        error => text(error.get("error").or_else(|| error.get("type"))),
    });
    let messages: Vec<String> = errors
        .iter()
        .map(|error| text(error.get("message")))
        .filter(|message| !message.is_empty())
        .collect();
    (kind.unwrap_or_default(), messages.join("; "))
}

/// A body cut short still tells its type, if it came that far.
fn of_cut(body: &str) -> (String, String) {
    let kind = member(body, "type")
        .or_else(|| member(body, "error"))
        .unwrap_or_default();
    let message = member(body, "message").unwrap_or_else(|| "not JSON, or cut short".into());
    (kind, message)
}

/// The string member `name` of JSON that need not be whole; a value without its closing quote counts as missing.
fn member(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("\"{name}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::String(text))) => Some(text),
        _ => None,
    }
}

fn text(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_string()
}

/// The column a message names: what is quoted or in braces after the word field or column, a field id anywhere, or the
/// bare name in the older `Field NAME can not accept value …` and in `… for field NAME`. A quoted choice is not taken for a column.
pub(super) fn column(message: &str) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    let after_word = ["field", "column"].iter().flat_map(|word| {
        lower
            .match_indices(word)
            .filter_map(|(at, word)| message.get(at + word.len()..))
    });
    after_word
        .filter_map(named)
        .next()
        .or_else(|| field_id(message))
        .or_else(|| last_word(message))
}

/// The choice that a select column lacks: `… create new select option ""Ringing""`.
pub(super) fn choice(kind: &str, message: &str) -> Option<String> {
    if kind != "INVALID_MULTIPLE_CHOICE_OPTIONS" {
        return None;
    }
    let (_, rest) = message.split_once('"')?;
    let (inner, _) = rest.rsplit_once('"')?;
    let inner = inner.strip_prefix('"').unwrap_or(inner);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    Some(inner.to_owned()).filter(|choice| !choice.is_empty())
}

/// The name right after the word: ` "X"`, ` name: "X"`, `s {X}`, ` X cannot accept`.
fn named(rest: &str) -> Option<String> {
    let mut rest = rest.strip_prefix('s').unwrap_or(rest);
    for word in [" names", " name", " ids", " id", " with", " called"] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.trim_start_matches([' ', ':', '(', '[']);
    let close = match rest.chars().next()? {
        '"' => '"',
        '\'' => '\'',
        '`' => '`',
        '“' => '”',
        '{' => '}',
        _ => return bare(rest),
    };
    let inner = rest.get(rest.chars().next()?.len_utf8()..)?;
    let (name, _) = inner.split_once(close)?;
    Some(name.to_string()).filter(|name| !name.is_empty())
}

fn bare(rest: &str) -> Option<String> {
    [" can not accept", " cannot accept"]
        .iter()
        .find_map(|verb| rest.split_once(verb))
        .map(|(name, _)| name.to_string())
}

/// What a message ends with: `Cannot parse value for field NAME`.
fn last_word(message: &str) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    let after = |word: &str| Some(lower.rfind(word)? + word.len());
    let at = after(" for field ").or_else(|| after(" for column "))?;
    let name = message.get(at..)?.trim().trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

fn field_id(message: &str) -> Option<String> {
    id("fld", message).map(str::to_string)
}

/// Whether a message is about a record, and so not about the base or its table.
pub(super) fn names_record(message: &str) -> bool {
    id("rec", message).is_some()
}

/// The first id of that kind: its three messages, and 14 messages or digits.
fn id<'a>(kind: &str, message: &'a str) -> Option<&'a str> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| word.len() == 17 && word.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_refusal_gives_type_and_message() {
        let shapes = [
            (r#"{"error":{"type":"A_B","message":"m"}}"#, "A_B", "m"),
            (
                r#"{"error":{"type":"AUTHENTICATION_REQUIRED"}}"#,
                "AUTHENTICATION_REQUIRED",
                "",
            ),
            (r#"{"error":"NOT_FOUND"}"#, "NOT_FOUND", ""),
            (
                r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"}]}"#,
                "RATE_LIMIT_REACHED",
                "m",
            ),
            (
                r#"{"errors":[{"error":"A","message":"m"},{"error":"B","message":"n"}]}"#,
                "A",
                "m; n",
            ),
            (
                r#"{"error":{"type":"INVALID_VALUE_FOR_COLUMN","mess"#,
                "INVALID_VALUE_FOR_COLUMN",
                "not JSON, or cut short",
            ),
            (
                r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"},"#,
                "RATE_LIMIT_REACHED",
                "m",
            ),
            ("<html>502</html>", "", "an HTML page, not Airtable's API"),
            ("", "", "without a body"),
            ("{}", "", "JSON that is not Airtable's"),
        ];
        for (body, kind, message) in shapes {
            assert_eq!(
                refusal(body.as_bytes()),
                (kind.into(), message.into()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_message_that_names_a_choice_yields_it() {
        let kind = "INVALID_MULTIPLE_CHOICE_OPTIONS";
        let create =
            |choice: &str| format!("Insufficient permissions to create new select option {choice}");
        let messages = [
            (create(r#"""No recording"""#), Some("No recording")),
            (create(r#""Live""#), Some("Live")),
            (create(r#"""a "b" c"""#), Some(r#"a "b" c"#)),
            (create(""), None),
            (create(r#""""#), None),
        ];
        for (message, wanted) in messages {
            assert_eq!(choice(kind, &message).as_deref(), wanted, "{message}");
        }
        assert_eq!(choice("INVALID_VALUE_FOR_COLUMN", r#"Field "a""#), None);
    }

    #[test]
    fn a_message_that_names_a_column_yields_it() {
        let messages = [
            (
                r#"Field "Caller" cannot accept the provided value"#,
                Some("Caller"),
            ),
            (
                r#"Field "date" cannot accept a value because the field is computed"#,
                Some("date"),
            ),
            (
                "Field location_latitude can not accept value 41.884089",
                Some("location_latitude"),
            ),
            (
                r#"Unknown field name: "fldAbCdEfGhIjKlMn""#,
                Some("fldAbCdEfGhIjKlMn"),
            ),
            (
                "Cannot parse value for field Recording URL",
                Some("Recording URL"),
            ),
            (
                r#"Cannot parse date value "never" for field Due."#,
                Some("Due"),
            ),
            (
                "Invalid value for column {Recording URL}",
                Some("Recording URL"),
            ),
            (
                "The value for fldAbCdEfGhIjKlMn is too long",
                Some("fldAbCdEfGhIjKlMn"),
            ),
            (
                r#"Insufficient permissions to create new select option ""Ringing"""#,
                None,
            ),
            ("Value is not an array of record IDs.", None),
        ];
        for (message, wanted) in messages {
            assert_eq!(column(message).as_deref(), wanted, "{message}");
        }
    }
}
