//! stdout for answers, stderr for everything else.

use std::io::{ErrorKind, Write};

use serde::Serialize;

/// How a command prints its answer: `--json` or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl From<bool> for Format {
    /// Reads the flag `--json`.
    fn from(json: bool) -> Format {
        match json {
            true => Format::Json,
            false => Format::Text,
        }
    }
}

/// Prints an answer and a line break.
pub(in crate::cli) fn print_line(text: &str) -> anyhow::Result<()> {
    print_text(&format!("{text}\n"))
}

/// Prints an answer as one line of JSON.
pub(in crate::cli) fn print_json(answer: &impl Serialize) -> anyhow::Result<()> {
    print_line(&serde_json::to_string(answer)?)
}

/// Prints an answer as it is. A reader that has read enough (`… | head`) is no error.
pub(in crate::cli) fn print_text(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Prints an error or a hint on stderr.
pub(in crate::cli) fn print_error(text: &str) {
    // Nothing can be done when stderr is closed.
    writeln!(std::io::stderr(), "{}", text.trim_end()).ok();
}
