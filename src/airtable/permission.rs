//! What Airtable's permissions of a column or a table refuse, as far as its message says so.

use super::message;

/// Something that people may limit to some users in Airtable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// "Edit field permissions": the column, by ID or name.
    Column(String),
    /// "Edit table permissions": who may create records.
    Table,
}

/// Airtable's words for both: `… because the field "Caller" (fld…) has been configured to limit who can perform this operation`.
const LIMITED: [&str; 3] = [
    "configured to limit who",
    "not permitted to perform",
    "not permitted to write cell values",
];
const VERBS: [&str; 4] = [" has been", " have been", " is", " are"];

/// The column or table whose permissions a message names.
pub(super) fn named(text: &str) -> Option<Permission> {
    let lower = text.to_ascii_lowercase();
    if !LIMITED.iter().any(|words| lower.contains(words)) {
        return None;
    }
    let (field, table) = (word(&lower, &["field", "column"]), word(&lower, &["table"]));
    match (field, table) {
        (Some(field), table) if table.is_none_or(|table| field < table) => {
            column(text.get(field..)?).map(Permission::Column)
        }
        (_, Some(_)) => Some(Permission::Table),
        _ => None,
    }
}

/// Where the first of these words ends, or its plural.
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

/// The column at the beginning of ` "Access Date" (fld…) has been configured to limit …`: its ID if it is there.
fn column(rest: &str) -> Option<String> {
    let lower = rest.to_ascii_lowercase();
    let end = lower.find("configured to limit").unwrap_or(rest.len());
    let subject = rest.get(..end)?.trim_end();
    let verb = VERBS.iter().find_map(|verb| subject.strip_suffix(verb));
    let subject = verb.unwrap_or(subject).trim().trim_end_matches('.');
    if let Some(id) = message::field_id(subject) {
        return Some(id);
    }
    let quoted = message::quoted(subject).unwrap_or_else(|| subject.to_owned());
    Some(quoted).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_a_column_by_id_or_name_or_the_table() {
        let limited = "has been configured to limit who can perform this operation";
        let because = "You are not permitted to perform this operation because the";
        let column = |name: &str| Some(Permission::Column(name.into()));
        let cases = [
            (
                format!(r#"{because} field "Access Date 1" (fld0EAbaCB1WbXghF) {limited}"#),
                column("fld0EAbaCB1WbXghF"),
            ),
            (
                format!(r#"{because} field "Caller" {limited}"#),
                column("Caller"),
            ),
            (
                format!("{because} field Recording URL {limited}."),
                column("Recording URL"),
            ),
            (
                format!("{because} field 'Table No' {limited}"),
                column("Table No"),
            ),
            (
                format!("{because} field “Fields” {limited}"),
                column("Fields"),
            ),
            (
                format!("The field fld0EAbaCB1WbXghF {limited}"),
                column("fld0EAbaCB1WbXghF"),
            ),
            (
                r#"The fields "A", "B" have been configured to limit who can edit them"#.into(),
                column("A"),
            ),
            (
                "You are not permitted to write cell values in field Caller".into(),
                column("Caller"),
            ),
            (
                format!(r#"{because} table "Calls" (tblAbCdEfGhIjKlMn) {limited}"#),
                Some(Permission::Table),
            ),
            (
                format!(r#"{because} table "Field work" {limited}"#),
                Some(Permission::Table),
            ),
            (
                "Invalid permissions, or the requested model was not found.".into(),
                None,
            ),
            (
                r#"Field "Caller" cannot accept the provided value"#.into(),
                None,
            ),
        ];
        for (message, wanted) in cases {
            assert_eq!(named(&message), wanted, "{message}");
        }
    }
}
