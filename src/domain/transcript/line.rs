//! A turn that is a line of text: `Agent: Hi`, `[01:05] Agent: Hi`, `Agent (01:05): Hi`, `[Agent] Hi`, `Agent - Hi`.

use super::{
    label::{Label, begins_silent, by_identity, label},
    report::{Speaker, Turn},
    stamp::{stamp, stamp_after, unbracketed},
    timed::at,
};

/// The maximum length of a label, in bytes.
const LONGEST: usize = 30;
/// The maximum length of a participant's name or identity, in bytes.
const LONGEST_NAME: usize = 100;
/// What may separate a known label from the words, instead of a colon.
const SEPARATORS: [&str; 6] = [" - ", " – ", " — ", " | ", "> ", "\t"];

/// A line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A name is before the words: a known label, or what may be a participant's.
    Named(Turn),
    /// Without a name: of the caller, if nothing else is known.
    Nameless(Turn),
    /// Nobody speaks it.
    Silent,
}

/// Parses a line. If the name before the words is no known label, it may be a participant's; a text without a name is the
/// caller's. `None` for texts that nobody speaks.
pub(super) fn line(text: &str) -> Option<Turn> {
    match read(text) {
        Line::Named(turn) | Line::Nameless(turn) => Some(turn),
        Line::Silent => None,
    }
}

/// Parses a line.
pub(super) fn read(text: &str) -> Line {
    let text = text.trim();
    let (begin, rest) = stamp(text);
    let (line, begin) = match (labelled(rest), stamp_after(rest)) {
        (Some(Some(turn)), after) => (Line::Named(turn), begin.or(after)),
        (Some(None), _) => return Line::Silent,
        (None, _) => (unlabelled(text, rest), begin),
    };
    // A bare time may be words: `12:30 suits me`.
    let begin = begin.filter(|_| matches!(line, Line::Named(_)) || unbracketed(text).is_none());
    let finished = |mut turn: Turn| {
        if let Some(words) = turn.text.strip_suffix("[interrupted]") {
            turn.text = words.trim_end().to_owned();
            turn.interrupted = true;
        }
        (!turn.text.is_empty()).then(|| at(turn, begin))
    };
    match line {
        Line::Named(turn) => finished(turn).map_or(Line::Silent, Line::Named),
        Line::Nameless(turn) => finished(turn).map_or(Line::Silent, Line::Nameless),
        Line::Silent => Line::Silent,
    }
}

/// The turn of a known label; `Some(None)` if nobody speaks it.
fn labelled(rest: &str) -> Option<Option<Turn>> {
    let (name, words) = split(rest)?;
    // The asterisks of `**Agent:** Hi`.
    let words = words.trim_start_matches('*').trim();
    match meaning(name) {
        Label::Silent => Some(None),
        Label::Speaker(speaker) => Some(Some(Turn::new(speaker, words))),
        Label::Unknown => None,
    }
}

/// The name and the words of a line, if the name may be a known label.
fn split(rest: &str) -> Option<(&str, &str)> {
    let known = |(name, _): &(&str, &str)| meaning(name) != Label::Unknown;
    let exact = |(name, _): &(&str, &str)| name.len() <= LONGEST && label(name) != Label::Unknown;
    let bracketed = [('[', ']'), ('<', '>')]
        .into_iter()
        .find_map(|(open, close)| {
            let (name, words) = rest.strip_prefix(open)?.split_once(close)?;
            Some((name, words.trim_start_matches([':', ' ']))).filter(exact)
        });
    let separated = || {
        let mut all = SEPARATORS.iter().filter_map(|by| rest.split_once(by));
        all.find(exact)
    };
    let colon = || colon(rest).filter(known);
    bracketed.or_else(colon).or_else(separated)
}

/// The text before and after the first colon that is not in brackets.
fn colon(rest: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (place, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ':' | '：' if depth == 0 => {
                return Some((&rest[..place], &rest[place + c.len_utf8()..]));
            }
            _ => {}
        }
    }
    rest.split_once([':', '：'])
}

/// A line without a known label. The name before its words may be a participant's.
fn unlabelled(text: &str, rest: &str) -> Line {
    let words = |(name, words): (_, &str)| (name, words.trim_start_matches('*').trim().len());
    let named = colon(rest).map(words).filter(|(_, length)| *length > 0);
    match named.and_then(|(name, length)| Some((participant(name)?, length))) {
        Some((name, length)) => Line::Named(Turn {
            label: Some(name.into()),
            words_at: u32::try_from(text.len() - length).ok(),
            ..Turn::new(Speaker::Caller, text)
        }),
        None => Line::Nameless(Turn::new(Speaker::Caller, text)),
    }
}

/// The meaning of the name before the words; also of `Ava (AI)`.
fn meaning(name: &str) -> Label {
    if name.len() > LONGEST {
        return Label::Unknown;
    }
    if begins_silent(name) {
        return Label::Silent;
    }
    let (outer, inner) = name.split_once(['(', '[']).unwrap_or((name, ""));
    let known = [name, outer, inner].map(label).into_iter();
    let mut known = known.filter(|label| *label != Label::Unknown);
    known.next().unwrap_or(Label::Unknown)
}

/// The name, if it may be a participant's.
fn participant(name: &str) -> Option<&str> {
    let name = name.trim_matches(|c: char| c.is_whitespace() || "*\"'“”".contains(c));
    let is_name = name.contains(char::is_alphabetic) || by_identity(name).is_some();
    (is_name && name.len() <= LONGEST_NAME).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_label_is_read_in_every_form() {
        for (text, offset) in [
            ("Agent: Hello.", None),
            ("**Agent:** Hello.", None),
            ("Agent - Hello.", None),
            ("AGENT> Hello.", None),
            ("<agent> Hello.", None),
            ("[Agent] Hello.", None),
            ("[Agent]: Hello.", None),
            ("Ava (AI): Hello.", None),
            ("[01:05] Agent: Hello.", Some(65_000)),
            ("01:05 Agent: Hello.", Some(65_000)),
            ("00:01:05.5 - Agent: Hello.", Some(65_500)),
            ("Agent (01:05): Hello.", Some(65_000)),
            ("Agent [01:05]: Hello.", Some(65_000)),
        ] {
            let turn = line(text).unwrap();
            let read = (
                turn.speaker,
                turn.text.as_str(),
                turn.label.as_deref(),
                turn.offset_ms,
            );
            assert_eq!(read, (Speaker::Agent, "Hello.", None, offset), "{text}");
        }
    }

    #[test]
    fn dates_are_read_too() {
        for text in [
            "2026-11-29 03:00:12 Caller: Hi.",
            "[2026-11-29T03:00:12Z] Caller: Hi.",
            "2026-11-29T03:00:12.000+00:00 - Caller: Hi.",
        ] {
            let turn = line(text).unwrap();
            assert_eq!(
                (turn.speaker, turn.text.as_str()),
                (Speaker::Caller, "Hi."),
                "{text}"
            );
            let at = turn.at.map(|at| at.to_string());
            assert_eq!(at.as_deref(), Some("2026-11-29T03:00:12Z"), "{text}");
        }
    }

    #[test]
    fn words_stay_words() {
        for text in [
            "12:30 suits me.",
            "[1] is my choice.",
            "I - well, no.",
            "[laughs]",
        ] {
            let turn = line(text).unwrap();
            let read = (turn.text.as_str(), turn.label, turn.offset_ms, turn.at);
            assert_eq!(read, (text, None, None, None));
        }
        assert_eq!(line("System: You are Ava."), None);
        assert_eq!(line("[system] You are Ava."), None);
    }
}
