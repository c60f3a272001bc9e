//! Parses the bodies of error responses: five forms of JSON, HTML from a proxy, and truncated versions of each.

use serde_json::Value;

/// Type and message of an error body. The type is empty if the body is not Airtable's; the message then describes the
/// body without repeating it.
pub(super) fn refusal(body: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => of_json(&value),
        Err(_) if text.is_empty() => (String::new(), "empty body".into()),
        Err(_) if text.starts_with('<') => {
            (String::new(), "an HTML page, not Airtable's API".into())
        }
        Err(_) => of_cut(text),
    }
}

/// Parts of the names of Airtable's errors. In the short form `{"error":"NOT_FOUND"}` one of them tells Airtable's from the
/// `{"error":"BLOCKED"}` of a firewall.
const FAMILIAR: [&str; 16] = [
    "NOT_FOUND",
    "INVALID",
    "AUTHENTICATION",
    "PERMISSION",
    "UNKNOWN",
    "LIMIT",
    "QUOTA",
    "RETRIABLE",
    "ROW",
    "RECORD",
    "MODEL",
    "TABLE",
    "FIELD",
    "BASE",
    "CANNOT",
    "FAILED",
];

/// Whether a body looks like Airtable's: its error types are words in capitals. Truncated JSON counts.
pub(super) fn is_airtables(body: &[u8], kind: &str) -> bool {
    let is_word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let text = String::from_utf8_lossy(body);
    let is_cut = || {
        let text = text.trim();
        text.starts_with('{') && serde_json::from_str::<Value>(text).is_err()
    };
    let is_familiar = || FAMILIAR.iter().any(|part| kind.contains(part));
    match kind {
        "" => is_cut(),
        kind => kind.chars().all(is_word) && (!is_short_form(text.trim()) || is_familiar()),
    }
}

/// Whether the type stands alone: `{"error":"NOT_FOUND"}` or `{"type":"NOT_FOUND"}`.
fn is_short_form(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| match value.get("error") {
        Some(error) => error.is_string(),
        None => value.get("type").is_some(),
    })
}

/// Whether the body of a success is a page, as of a firewall that hides its refusals.
pub(super) fn is_page(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'<')
}

fn of_json(value: &Value) -> (String, String) {
    let found = match (
        value.get("error"),
        value.get("errors").and_then(Value::as_array),
    ) {
        // {"error": {"type", "message"}}
        (Some(Value::Object(error)), _) => (text(error.get("type")), text(error.get("message"))),
        // {"error": "NOT_FOUND"}, sometimes with a message
        (Some(Value::String(kind)), _) => (kind.clone(), text(value.get("message"))),
        // {"errors": [{"error", "message"}]}
        (_, Some(errors)) => of_list(errors),
        _ => (text(value.get("type")), text(value.get("message"))),
    };
    match found {
        (kind, message) if kind.is_empty() && message.is_empty() => {
            (kind, "JSON in an unknown format".into())
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

/// A body that is cut short still has its type, if it came that far.
fn of_cut(body: &str) -> (String, String) {
    let kind = member(body, "type")
        .or_else(|| member(body, "error"))
        .unwrap_or_default();
    let message = member(body, "message").unwrap_or_else(|| "not JSON, or truncated".into());
    (kind, message)
}

/// The string member `name` of JSON that may be incomplete; a value without its closing quote counts as missing.
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
                "not JSON, or truncated",
            ),
            (
                r#"{"errors":[{"error":"RATE_LIMIT_REACHED","message":"m"},"#,
                "RATE_LIMIT_REACHED",
                "m",
            ),
            ("<html>502</html>", "", "an HTML page, not Airtable's API"),
            ("", "", "empty body"),
            ("{}", "", "JSON in an unknown format"),
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
    fn the_short_form_of_a_firewall_is_not_airtables() {
        let bodies = [
            (r#"{"error":"NOT_FOUND"}"#, true),
            (r#"{"error":"MODEL_ID_NOT_FOUND"}"#, true),
            (r#"{"error":{"type":"ODD_WORD"}}"#, true),
            (r#"{"errors":[{"error":"ODD_WORD"}]}"#, true),
            (r#"{"error":"BLOCKED"}"#, false),
            (r#"{"error":"ACCESS_DENIED","message":"m"}"#, false),
            (r#"{"type":"DENIED"}"#, false),
            (r#"{"message":"Forbidden"}"#, false),
            ("<html>", false),
            ("", false),
        ];
        for (body, wanted) in bodies {
            let (kind, _) = refusal(body.as_bytes());
            assert_eq!(is_airtables(body.as_bytes(), &kind), wanted, "{body}");
        }
        assert!(is_page(b"\n <!DOCTYPE html>") && !is_page(b"{}") && !is_page(b""));
    }
}
