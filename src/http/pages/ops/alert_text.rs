//! The parts of an alert's text: what is wrong, which commands help, and which calls it names. ALERT_WEBHOOK_URL gets them in
//! one piece; a page has links and buttons for the same.

use crate::domain::is_id;

/// How the text names calls that it leaves out.
const MORE: &str = "…";
/// What a command in the text begins with.
const COMMANDS: [&str; 3] = ["`livekit-airtable ", "`calls ", "`redrive"];

/// An alert's text in parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AlertText<'a> {
    /// What is wrong, in sentences.
    pub(super) what: String,
    /// What to do on the command line, in sentences; empty: nothing.
    pub(super) commands: String,
    /// The IDs of some of the calls.
    pub(super) calls: Vec<&'a str>,
    /// There are more calls.
    pub(super) has_more: bool,
}

impl AlertText<'_> {
    /// Takes a text apart.
    pub(super) fn parse(text: &str) -> AlertText<'_> {
        let (sentences, named) = without_calls(text);
        let mut parsed = AlertText {
            has_more: named.contains(&MORE),
            calls: named.into_iter().filter(|it| *it != MORE).collect(),
            ..AlertText::default()
        };
        for sentence in sentences.split_inclusive(". ") {
            match sentence.split_once("; ") {
                Some((first, rest)) if !is_command(first) && is_command(rest) => {
                    add(&mut parsed.what, &format!("{first}."));
                    add(&mut parsed.commands, rest);
                }
                _ if is_command(sentence) => add(&mut parsed.commands, sentence),
                _ => add(&mut parsed.what, sentence),
            }
        }
        parsed
    }
}

fn is_command(text: &str) -> bool {
    COMMANDS.iter().any(|command| text.contains(command))
}

fn add(to: &mut String, sentence: &str) {
    if !to.is_empty() {
        to.push(' ');
    }
    to.push_str(sentence.trim());
}

/// The sentences, and the calls in brackets behind them.
fn without_calls(text: &str) -> (&str, Vec<&str>) {
    let end = text.strip_suffix(')').and_then(|it| it.rsplit_once(" ("));
    let Some((sentences, list)) = end else {
        return (text, Vec::new());
    };
    let calls: Vec<&str> = list.split(", ").collect();
    match calls.iter().all(|it| *it == MORE || is_id(it)) {
        true => (sentences, calls),
        false => (text, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_comes_before_commands_and_calls() {
        let text = "4 calls wait for Airtable, the oldest for 11 min. Nothing is lost; `livekit-airtable calls list` shows the errors, and `calls show ID` every attempt. (RM_1, RM_2, RM_3, …)";
        let parsed = AlertText::parse(text);
        assert_eq!(
            parsed.what,
            "4 calls wait for Airtable, the oldest for 11 min. Nothing is lost."
        );
        assert_eq!(
            parsed.commands,
            "`livekit-airtable calls list` shows the errors, and `calls show ID` every attempt."
        );
        assert_eq!(parsed.calls, ["RM_1", "RM_2", "RM_3"]);
        assert!(parsed.has_more);
    }

    #[test]
    fn a_text_without_commands_and_calls_stays_as_it_is() {
        for text in [
            "The job `intake` keeps failing: no answer (timed out).",
            "The job `intake` has died; restart the service.",
            "The database is not writable: full. Free disk space.",
        ] {
            let parsed = AlertText::parse(text);
            let expected = AlertText {
                what: text.to_owned(),
                ..AlertText::default()
            };
            assert_eq!(parsed, expected);
        }
    }
}
