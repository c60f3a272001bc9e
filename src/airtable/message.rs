//! What the messages of refusals name: a record, a column, a choice. Airtable names them in prose only.

/// The column that a message names: quoted or in braces after the word field or column, a field ID anywhere, or the
/// bare name in the older `Field NAME can not accept value …` and in `… for field NAME`. A quoted choice is not
/// mistaken for a column.
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

/// The choice that a select column lacks, in a message of that type: `… create new select option ""Ringing""`.
pub(super) fn choice(message: &str) -> Option<String> {
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
    quoted(rest).or_else(|| bare(rest))
}

fn bare(rest: &str) -> Option<String> {
    [" can not accept", " cannot accept"]
        .iter()
        .find_map(|verb| rest.split_once(verb))
        .map(|(name, _)| name.to_string())
}

/// The end of a message: `Cannot parse value for field NAME`.
fn last_word(message: &str) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    let after = |word: &str| Some(lower.rfind(word)? + word.len());
    let at = after(" for field ").or_else(|| after(" for column "))?;
    let name = message.get(at..)?.trim().trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The first field ID in a message.
pub(super) fn field_id(message: &str) -> Option<String> {
    id("fld", message).map(str::to_string)
}

/// The text in the quotes or braces with which a message begins.
pub(super) fn quoted(text: &str) -> Option<String> {
    let close = match text.chars().next()? {
        '"' => '"',
        '\'' => '\'',
        '`' => '`',
        '“' => '”',
        '{' => '}',
        _ => return None,
    };
    let inner = text.get(text.chars().next()?.len_utf8()..)?;
    let (name, _) = inner.split_once(close)?;
    Some(name.to_string()).filter(|name| !name.is_empty())
}

/// All names in quotes, each by the field ID in parentheses after it if there is one, and all field IDs without a name.
/// Names of tables, which follow the word table, are left out.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let before = text.get(..text.len() - rest.len()).unwrap_or_default();
        let after_letter = before.ends_with(char::is_alphanumeric);
        let is_tables = ends_with_table(before);
        let name = quoted(rest).filter(|_| !after_letter);
        let after = match &name {
            Some(name) => rest.get(c.len_utf8() + name.len()..).and_then(skip_char),
            None if !after_letter && field_id_at(rest).is_some() => rest.get(ID..),
            None => skip_char(rest),
        };
        let after = after.unwrap_or_default();
        let id = after.trim_start().strip_prefix('(').and_then(field_id_at);
        match (name, id) {
            (Some(_), Some(id)) => {
                names.push(id.to_owned());
                rest = after.split_once(')').map_or(after, |(_, rest)| rest);
                continue;
            }
            (Some(_), None) if is_tables => {}
            (Some(name), None) => names.push(name),
            (None, _) => names.extend(
                field_id_at(rest)
                    .filter(|_| !after_letter)
                    .map(str::to_owned),
            ),
        }
        rest = after;
    }
    names
}

fn ends_with_table(before: &str) -> bool {
    let before = before.trim_end().as_bytes();
    let end = before.len().saturating_sub("table".len());
    before
        .get(end..)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"table"))
}

fn skip_char(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next()?;
    Some(chars.as_str())
}

/// Characters of an ID.
const ID: usize = 17;

/// The field ID with which a text begins.
fn field_id_at(text: &str) -> Option<&str> {
    let id = text.get(..ID)?;
    let ends = !text
        .get(ID..)?
        .starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_id = id.starts_with("fld") && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_id && ends).then_some(id)
}

/// The text with blanks in place of what is in quotes, byte by byte.
pub(super) fn without_quoted(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_letter = left.ends_with(char::is_alphanumeric);
        let name = quoted(rest).filter(|_| !after_letter);
        let inner = name.map_or(0, |name| name.len());
        match inner {
            0 => left.push(c),
            inner => left.push_str(&" ".repeat(c.len_utf8() + inner)),
        }
        rest = match inner {
            0 => rest.get(c.len_utf8()..).unwrap_or_default(),
            inner => rest.get(c.len_utf8() + inner..).unwrap_or_default(),
        };
        // The closing quote is not an opening one.
        if inner > 0
            && let Some(close) = rest.chars().next()
        {
            left.push_str(&" ".repeat(close.len_utf8()));
            rest = rest.get(close.len_utf8()..).unwrap_or_default();
        }
    }
    left
}

/// The record a message is about: then it is not about the base or its table.
pub(super) fn record_id(message: &str) -> Option<String> {
    id("rec", message).map(str::to_owned)
}

/// The first ID of this kind: its three-letter prefix and 14 letters or digits.
fn id<'a>(kind: &str, message: &'a str) -> Option<&'a str> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| word.len() == ID && word.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_names_a_choice_yields_it() {
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
            assert_eq!(choice(&message).as_deref(), wanted, "{message}");
        }
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
