//! Writes `.env`: the answers in place of the lines that set them, everything else as it was.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::Context;

use crate::config::is_placeholder;

const FILE: &str = ".env";
const COPY: &str = ".env.bak";
/// Renamed to `.env` when it is complete.
const NEW: &str = ".env.new";

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    New,
    /// The earlier one is `.env.bak`.
    Replaced,
    /// It had these values already.
    Unchanged,
}

/// Writes the answers; an existing file is copied to `.env.bak` first, unless it stays as it is.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn write(answers: &[(String, String)]) -> anyhow::Result<Written> {
    let before = match fs::read_to_string(FILE) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).context(".env cannot be read"),
    };
    let text = merged(before.as_deref().unwrap_or_default(), answers);
    let written = match &before {
        None => Written::New,
        Some(before) if before.trim_end() == text.trim_end() => Written::Unchanged,
        Some(_) => Written::Replaced,
    };
    if let (Written::Replaced, Some(before)) = (written, &before) {
        private(Path::new(COPY), before).context(".env.bak cannot be written")?;
    }
    private(Path::new(NEW), &text).context(".env cannot be written")?;
    fs::rename(NEW, FILE).context(".env cannot be written")?;
    Ok(written)
}

/// A file that only this user can read, also if it was there with other permissions.
fn private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The lines of a file with these values. Placeholders of the example, with which nothing starts, become comments,
/// and so do the files of variables that have a value now, and the values of variables that are read from a file now.
fn merged(before: &str, answers: &[(String, String)]) -> String {
    let mut open: Vec<&(String, String)> = answers.iter().collect();
    let mut lines = Vec::new();
    for entry in entries(before) {
        let Some((name, value)) = assignment(&entry) else {
            lines.push(entry);
            continue;
        };
        if let Some(at) = open.iter().position(|(known, _)| known == name) {
            let (name, value) = open.remove(at);
            lines.push(format!("{name}={}", quoted(value)));
        } else if answers.iter().all(|(known, _)| known != name) {
            let is_same = |known: &str| {
                let is_file_of = |name: &str, of: &str| name.strip_suffix("_FILE") == Some(of);
                is_file_of(name, known) || is_file_of(known, name)
            };
            let is_replaced = answers.iter().any(|(known, _)| is_same(known));
            let is_comment = is_replaced || is_placeholder(value.trim());
            lines.push(match is_comment {
                true => format!("#{}", entry.replace('\n', "\n#")),
                false => entry,
            });
        }
    }
    open.retain(|(_, value)| !value.is_empty());
    lines.extend(
        open.into_iter()
            .map(|(name, value)| format!("{name}={}", quoted(value))),
    );
    lines.join("\n") + "\n"
}

/// The lines of a file; those of a quoted value that has several are one.
fn entries(text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut rest = text.lines();
    while let Some(line) = rest.next() {
        let mut entry = line.to_owned();
        let mut more = rest.clone();
        while assignment(&entry).is_some_and(|(_, value)| is_open(value)) {
            let Some(next) = more.next() else {
                // The quotation mark is never closed: it is this line's alone.
                line.clone_into(&mut entry);
                more = rest.clone();
                break;
            };
            entry = format!("{entry}\n{next}");
        }
        rest = more;
        entries.push(entry);
    }
    entries
}

/// Whether a quotation mark in this value is not closed.
fn is_open(value: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    let mut chars = value.trim_start().chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return false,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                chars.next();
            }
            _ => {}
        }
        before = c;
    }
    quote.is_some()
}

/// The name and the text of `NAME=text` or `export NAME=text`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_part)).then_some((name, value))
}

/// A value as shells, Docker Compose and this program read it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+@%,=~".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('$', "\\$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers<const N: usize>(answers: [(&str, &str); N]) -> [(String, String); N] {
        answers.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    #[test]
    fn other_lines_stay_and_placeholders_become_comments() {
        let before = "# mine\nLIVEKIT_URL=wss://old.example\nexport S3_BUCKET=old\nRECORD_ON=manual\nAIRTABLE_TOKEN_FILE=x\n\nEGRESS_WEBHOOK_URL=https://your-n8n.com/webhook\nLIVEKIT_URL=twice";
        let answers = answers([
            ("LIVEKIT_URL", "wss://new.example"),
            ("S3_BUCKET", "calls"),
            ("AIRTABLE_TOKEN", "pat#x"),
        ]);
        let expected = "# mine\nLIVEKIT_URL=wss://new.example\nS3_BUCKET=calls\nRECORD_ON=manual\n#AIRTABLE_TOKEN_FILE=x\n\n#EGRESS_WEBHOOK_URL=https://your-n8n.com/webhook\nAIRTABLE_TOKEN='pat#x'\n";
        assert_eq!(merged(before, &answers), expected);
    }

    #[test]
    fn a_value_of_several_lines_is_replaced_as_a_whole() {
        let before = "API_TOKENS='a read x\nb=words y'\nS3_BUCKET=it's\nRECORD_ON=manual # isn't\nKEEP=\"1d\n\"";
        let answers = answers([
            ("API_TOKENS", "c read z\nd words y"),
            ("KEEP_FILE", "/run/keep"),
        ]);
        let expected = "API_TOKENS='c read z\nd words y'\nS3_BUCKET=it's\nRECORD_ON=manual # isn't\n#KEEP=\"1d\n#\"\nKEEP_FILE=/run/keep\n";
        assert_eq!(merged(before, &answers), expected);
        assert_eq!(merged(expected, &answers), expected);
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (value, expected) in [
            ("wss://a.example:7880", "wss://a.example:7880"),
            ("a b", "'a b'"),
            ("a$b#c", "'a$b#c'"),
            ("it's \"$x\" \\", "\"it's \\\"\\$x\\\" \\\\\""),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }
}
