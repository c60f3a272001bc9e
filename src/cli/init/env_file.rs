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

/// Writes the answers; an existing file is copied to `.env.bak` first. Whether there was one.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn write(answers: &[(String, String)]) -> anyhow::Result<bool> {
    let before = match fs::read_to_string(FILE) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).context(".env cannot be read"),
    };
    if let Some(before) = &before {
        private(Path::new(COPY), before).context(".env.bak cannot be written")?;
    }
    let text = merged(before.as_deref().unwrap_or_default(), answers);
    private(Path::new(NEW), &text).context(".env cannot be written")?;
    fs::rename(NEW, FILE).context(".env cannot be written")?;
    Ok(before.is_some())
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
/// and so do files whose variables have a value now.
fn merged(before: &str, answers: &[(String, String)]) -> String {
    let mut open: Vec<&(String, String)> = answers.iter().collect();
    let mut lines = Vec::new();
    for line in before.lines() {
        let Some((name, value)) = assignment(line) else {
            lines.push(line.to_owned());
            continue;
        };
        if let Some(at) = open.iter().position(|(known, _)| known == name) {
            let (name, value) = open.remove(at);
            lines.push(format!("{name}={}", quoted(value)));
        } else if answers.iter().all(|(known, _)| known != name) {
            let file_of = name.strip_suffix("_FILE");
            let is_replaced = answers.iter().any(|(known, _)| file_of == Some(known));
            lines.push(if is_replaced || is_placeholder(value.trim()) {
                format!("#{line}")
            } else {
                line.to_owned()
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

    #[test]
    fn other_lines_stay_and_placeholders_become_comments() {
        let before = "# mine\nLIVEKIT_URL=wss://old.example\nexport S3_BUCKET=old\nRECORD_ON=manual\nAIRTABLE_TOKEN_FILE=x\n\nEGRESS_WEBHOOK_URL=https://your-n8n.com/webhook\nLIVEKIT_URL=twice";
        let answers = [
            ("LIVEKIT_URL", "wss://new.example"),
            ("S3_BUCKET", "calls"),
            ("AIRTABLE_TOKEN", "pat#x"),
        ];
        let answers = answers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = "# mine\nLIVEKIT_URL=wss://new.example\nS3_BUCKET=calls\nRECORD_ON=manual\n#AIRTABLE_TOKEN_FILE=x\n\n#EGRESS_WEBHOOK_URL=https://your-n8n.com/webhook\nAIRTABLE_TOKEN='pat#x'\n";
        assert_eq!(merged(before, &answers), expected);
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
