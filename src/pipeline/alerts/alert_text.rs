//! What an alert says, in parts. The log and ALERT_WEBHOOK_URL get it in one piece; a page has links and buttons for some of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an alert says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlertText {
    /// What is wrong, and what to do, in sentences.
    pub what: String,
    /// What helps on the command line, in sentences; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commands: String,
    /// The IDs of some of the calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// There are more calls.
    #[serde(default)]
    pub has_more: bool,
}

/// In one piece: the sentences, and the calls in brackets behind them.
impl fmt::Display for AlertText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.commands.is_empty() {
            write!(f, " {}", self.commands)?;
        }
        if self.calls.is_empty() {
            return Ok(());
        }
        let more = if self.has_more { ", …" } else { "" };
        write!(f, " ({}{more})", self.calls.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_piece_commands_and_calls_come_last() {
        let mut text = AlertText {
            what: "4 calls wait.".into(),
            ..AlertText::default()
        };
        assert_eq!(text.to_string(), "4 calls wait.");
        text.commands = "`calls list` shows them.".into();
        text.calls = vec!["RM_1".into(), "RM_2".into()];
        let shown = "4 calls wait. `calls list` shows them. (RM_1, RM_2)";
        assert_eq!(text.to_string(), shown);
        text.has_more = true;
        assert!(text.to_string().ends_with(" (RM_1, RM_2, …)"));
    }
}
