//! The fields of a log line as text. Values may come from outside: each stays on its line and cannot look like another
//! field.

use std::fmt::{self, Debug};

use tracing::field::Field;
use tracing_subscriber::fmt::format::Writer;

/// Writes a field: the message as it is on one line, a word as it is, anything else in quotes.
pub(super) fn write(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let text = format!("{value:?}");
    match field.name() {
        "message" => writer.write_str(&on_one_line(&text)),
        name if is_word(&text) || is_quoted(&text) => write!(writer, "{name}={text}"),
        name => write!(writer, "{name}={text:?}"),
    }
}

fn on_one_line(text: &str) -> String {
    let escaped = text.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    escaped.collect()
}

fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/+@%,".contains(c);
    !text.is_empty() && text.chars().all(is_plain)
}

/// Whether it is a text in quotes and nothing else.
fn is_quoted(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(inner) = inner else { return false };
    let mut is_escaped = false;
    let mut ends_before = false;
    for c in inner.chars() {
        ends_before |= c == '"' && !is_escaped || c.is_control();
        is_escaped = c == '\\' && !is_escaped;
    }
    !ends_before && !is_escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        for good in [r#""a b""#, r#""a \" b""#, r#""""#, r#""\\""#] {
            assert!(is_quoted(good), "{good}");
        }
        for bad in [
            r#""a" call="b""#,
            r#""a\""#,
            "\"",
            "\"a\nb\"",
            "a b",
            r#""a\\" x "b""#,
        ] {
            assert!(!is_quoted(bad), "{bad}");
        }
        assert!(is_word("RM_1") && is_word("10.0.0.1:8080") && !is_word("a=b") && !is_word(""));
        assert_eq!(on_one_line("a\nINFO b\u{1b}[0m"), r"a\nINFO b\u{1b}[0m");
    }
}
