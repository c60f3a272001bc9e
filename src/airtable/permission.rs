//! Reads from Airtable's message whether the permissions of a column or a table caused a refusal.

use super::message;

/// A permission that can be limited to some users in Airtable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// "Edit field permissions": the columns, each by ID or name; never empty. Of names without quotes, it has every
    /// possible reading.
    Columns(Vec<String>),
    /// "Edit table permissions": who may create records.
    Table,
}

/// Airtable's wording for both: `… because the field "Caller" (fld…) has been configured to limit who can perform this operation`.
const LIMITED: [&str; 3] = [
    "configured to limit who",
    "not permitted to perform",
    "not permitted to write cell values",
];
const VERBS: [&str; 4] = [" has been", " have been", " is", " are"];
/// What follows the names.
const ENDS: [&str; 2] = ["configured to limit", " in table"];

/// The columns or the table whose permissions a message names.
pub(super) fn named(text: &str) -> Option<Permission> {
    let words = message::without_quoted(text).to_ascii_lowercase();
    if !LIMITED.iter().any(|limited| words.contains(limited)) {
        return None;
    }
    let (field, table) = (word(&words, &["field", "column"]), word(&words, &["table"]));
    let is_first = |field: usize| table.is_none_or(|table| field < table);
    if let Some(field) = field {
        let rest = text.get(field..)?;
        let marked = message::names(rest);
        let names = match marked.is_empty() && is_first(field) {
            true => bare(rest),
            false => marked,
        };
        if !names.is_empty() {
            return Some(Permission::Columns(names));
        }
    }
    table.map(|_| Permission::Table)
}

/// The columns that a refusal for lack of permission names, in whatever words: in quotes or by ID.
pub(super) fn of_columns(text: &str) -> Option<Permission> {
    let words = message::without_quoted(text).to_ascii_lowercase();
    let names = match word(&words, &["field", "column"]) {
        Some(field) => message::names(text.get(field..)?),
        None => Vec::new(),
    };
    let ids = || message::field_id(text).into_iter().collect();
    let names: Vec<String> = if names.is_empty() { ids() } else { names };
    Some(names)
        .filter(|names| !names.is_empty())
        .map(Permission::Columns)
}

/// The position after the first of these words, or after its plural.
fn word(lower: &str, words: &[&str]) -> Option<usize> {
    let ends = |word: &&str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric();
        let mut found = lower.match_indices(*word);
        found.find_map(|(at, word)| {
            let begins = !lower.get(..at)?.ends_with(is_letter);
            let rest = lower.get(at + word.len()..)?;
            let rest = rest.strip_prefix('s').unwrap_or(rest);
            (begins && !rest.starts_with(is_letter)).then_some(lower.len() - rest.len())
        })
    };
    words.iter().filter_map(ends).min()
}

/// The names at the beginning of ` Caller, Room and Status have been configured to limit …`. A name may contain a comma or
/// the word and, so the text is the first reading, and its parts are others.
fn bare(rest: &str) -> Vec<String> {
    let lower = rest.to_ascii_lowercase();
    let ends = ENDS.iter().filter_map(|end| lower.find(end));
    let subject = rest
        .get(..ends.min().unwrap_or(rest.len()))
        .unwrap_or(rest)
        .trim_end();
    let verb = VERBS.iter().find_map(|verb| subject.strip_suffix(verb));
    let subject = verb.unwrap_or(subject).trim().trim_end_matches('.');
    let subject = subject.trim_start_matches([':', ' ']);
    let parts = subject.split(", ").flat_map(|part| part.split(" and "));
    let parts = parts.map(|part| part.trim().trim_start_matches("and ").trim_end_matches(','));
    let mut names: Vec<String> = Vec::new();
    for name in std::iter::once(subject).chain(parts) {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: &str = "has been configured to limit who can perform this operation";
    const BECAUSE: &str = "You are not permitted to perform this operation because the";
    const ID: &str = "fld0EAbaCB1WbXghF";
    const OTHER: &str = "fld1EAbaCB1WbXghF";

    fn columns(names: &[&str]) -> Option<Permission> {
        let names = names.iter().map(|name| (*name).to_owned());
        Some(Permission::Columns(names.collect()))
    }

    #[test]
    fn a_message_names_a_column_by_id_or_name() {
        let subjects = [
            (format!(r#"field "Access Date 1" ({ID})"#), ID),
            (r#"field "Caller""#.into(), "Caller"),
            ("field Recording URL".into(), "Recording URL"),
            ("field 'Table No'".into(), "Table No"),
            ("field “Fields”".into(), "Fields"),
            (r#"table "Calls" and its column "A""#.into(), "A"),
        ];
        for (subject, wanted) in subjects {
            let message = format!("{BECAUSE} {subject} {LIMITED}.");
            assert_eq!(named(&message), columns(&[wanted]), "{message}");
        }
        let written = "You are not permitted to write cell values in field Caller";
        assert_eq!(named(written), columns(&["Caller"]));
        let first = format!("The field {ID} {LIMITED}");
        assert_eq!(named(&first), columns(&[ID]));
    }

    #[test]
    fn a_message_names_several_columns() {
        let many = "have been configured to limit who can perform this operation";
        let subjects = [
            (
                format!(r#"fields "A, b" ({ID}), "B" and “C”"#),
                vec![ID, "B", "C"],
            ),
            (format!("fields {ID}, {OTHER}"), vec![ID, OTHER]),
            (r#"field "A" and the field "B""#.into(), vec!["A", "B"]),
            (
                "fields Caller, Room and Status".into(),
                vec!["Caller, Room and Status", "Caller", "Room", "Status"],
            ),
        ];
        for (subject, wanted) in subjects {
            let message = format!("{BECAUSE} {subject} {many}");
            assert_eq!(named(&message), columns(&wanted), "{message}");
        }
        let after = format!(r#"The following fields of table "Calls" {many}: "A", "B""#);
        assert_eq!(named(&after), columns(&["A", "B"]));
        let edit = r#"The fields "A", "B" have been configured to limit who can edit them"#;
        assert_eq!(named(edit), columns(&["A", "B"]));
    }

    #[test]
    fn a_message_names_the_table_or_nothing() {
        for subject in [
            r#"table "Calls" (tblAbCdEfGhIjKlMn)"#,
            r#"table "Field work""#,
            "table Field work",
        ] {
            let message = format!("{BECAUSE} {subject} {LIMITED}");
            assert_eq!(named(&message), Some(Permission::Table), "{message}");
            let message = format!("{message}: edit fields");
            assert_eq!(named(&message), Some(Permission::Table), "{message}");
        }
        for message in [
            "Invalid permissions, or the requested model was not found.",
            r#"Field "Caller" cannot accept the provided value"#,
        ] {
            assert_eq!(named(message), None, "{message}");
        }
    }

    #[test]
    fn a_refusal_in_other_words_names_its_columns() {
        let cases = [
            (
                r#"You do not have permission to edit field "Caller""#,
                vec!["Caller"],
            ),
            (
                "Editing the columns 'A' and 'B' is restricted",
                vec!["A", "B"],
            ),
            ("fld0EAbaCB1WbXghF is read-only for you", vec![ID]),
            (r#"No access to the fields of table "Calls""#, vec![]),
            ("You may not edit this field", vec![]),
        ];
        for (message, wanted) in cases {
            let found = match of_columns(message) {
                Some(Permission::Columns(names)) => names,
                _ => Vec::new(),
            };
            assert_eq!(found, wanted, "{message}");
        }
    }
}
