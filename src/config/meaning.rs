//! Values in the environment that were written for a shell or for our `.env` file, and arrived with their quotes and
//! comments: `docker run --env-file`, lists under `environment:` in Compose files and Kubernetes pass them on as they stand.

/// A value, and whether quotes around it were removed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    AsWritten(String),
    /// Without the quotes that were around it.
    Unquoted(String),
}

const NESTED: &str = "has quotation marks around it and inside it: put the value into a file and set {NAME}_FILE instead";
const ESCAPED: &str = "is in double quotes and has a backslash, which means different things to different programs: put it in single quotes";
const COMMENT: &str = "has a # after a blank, and Docker and systemd pass comments on as a part of the value: remove the comment, or put the value in single quotes if # is part of it";
const REFERENCE: &str = "refers with ${…} to another variable, which Docker, Kubernetes and systemd pass on as it stands: write the value itself, or put it in single quotes if ${…} is part of it";

/// The value that was meant: without blanks and quotes around it.
///
/// # Errors
/// The reason when it could mean two things. Nothing of the value is in it.
pub(super) fn meaning(name: &str, value: &str) -> Result<Meaning, String> {
    let text = value.trim();
    let Some((quote, inner)) = quoted(text) else {
        return match () {
            () if has_comment(value) => Err(COMMENT.into()),
            () if has_reference(text) => Err(REFERENCE.into()),
            () => Ok(Meaning::AsWritten(text.to_owned())),
        };
    };
    match quote {
        _ if inner.contains(quote) => Err(NESTED.replace("{NAME}", name)),
        '"' if inner.contains('\\') => Err(ESCAPED.into()),
        '"' if has_reference(inner) => Err(REFERENCE.into()),
        _ => Ok(Meaning::Unquoted(inner.trim().to_owned())),
    }
}

/// The quotation mark around a text, and the text in it.
fn quoted(text: &str) -> Option<(char, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = text[1..].strip_suffix(quote)?;
    Some((quote, inner))
}

/// A `#` as comments begin: after a blank, or in the place of a value.
fn has_comment(value: &str) -> bool {
    let after_blank = |(at, _): (usize, &str)| value[..at].ends_with(char::is_whitespace);
    value.match_indices('#').any(after_blank) || value.starts_with("# ")
}

/// `${NAME}`
fn has_reference(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        let name = text[at + 2..].split_once('}').map(|(name, _)| name);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
    })
}

/// The reason why a value that is no secret cannot be what was meant: a quotation mark at one of its ends, or a character
/// that nobody sees.
pub(super) fn suspicious(value: &str) -> Option<&'static str> {
    const QUOTES: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];
    const INVISIBLE: [char; 3] = ['\u{200b}', '\u{2060}', '\u{feff}'];
    let ends_in_one = value.ends_with(QUOTES) && value.matches(QUOTES).count() == 1;
    match () {
        () if value.starts_with(QUOTES) || ends_in_one => Some(
            "has a quotation mark at its beginning or end, which would be part of the value: remove it",
        ),
        () if value.contains(INVISIBLE) => Some(
            "has an invisible character (U+200B, U+2060 or U+FEFF): type the value instead of pasting it",
        ),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_value_are_removed() {
        let unquoted = |value| match meaning("A", value) {
            Ok(Meaning::Unquoted(text)) => text,
            other => panic!("{value}: {other:?}"),
        };
        assert_eq!(unquoted("\"*\""), "*");
        assert_eq!(unquoted(" '*'\r"), "*");
        assert_eq!(unquoted("\"call-* # of ours\""), "call-* # of ours");
        assert_eq!(unquoted("'${a}\\'"), "${a}\\");
        assert_eq!(unquoted("\"it's\""), "it's");
        assert_eq!(unquoted("\"\""), "");
    }

    #[test]
    fn what_stands_alone_stays_as_it_is() {
        for value in [
            "*",
            "a#b",
            "#a",
            "a\"b",
            "\"a",
            "a'",
            "p$ss",
            "$HOME",
            "a${",
            "a${}",
            "{room_id}",
            "\"",
            "",
        ] {
            let expected = Ok(Meaning::AsWritten(value.to_owned()));
            assert_eq!(meaning("A", value), expected, "{value}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for (value, why) in [
            ("* # SECRET", "has a # after a blank"),
            ("\"*\" # SECRET", "has a # after a blank"),
            ("*\t#SECRET", "has a # after a blank"),
            (" #SECRET", "has a # after a blank"),
            ("# SECRET", "has a # after a blank"),
            ("\"a\"SECRET\"", "has quotation marks around it"),
            ("\"SECRET\\n\"", "is in double quotes"),
            ("postgres://u:${SECRET}@h/d", "refers with ${…}"),
            ("\"${SECRET}\"", "refers with ${…}"),
        ] {
            let error = meaning("A", value).unwrap_err();
            assert!(
                error.starts_with(why) && !error.contains("SECRET"),
                "{value}: {error}"
            );
        }
        let nested = meaning("S3_SECRET_KEY", "'a'b'").unwrap_err();
        assert!(nested.ends_with("S3_SECRET_KEY_FILE instead"), "{nested}");
    }

    #[test]
    fn a_quotation_mark_at_one_end_is_suspicious() {
        for value in ["\"call-*", "call-*'", "\"*\"", "“*”", "`*`", "a\u{200b}b"] {
            assert!(suspicious(value).is_some(), "{value}");
        }
        for value in ["Calls \"new\"", "it's", "a \"b\" c", ""] {
            assert!(suspicious(value).is_none(), "{value}");
        }
    }
}
