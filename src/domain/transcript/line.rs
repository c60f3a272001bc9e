//! A turn that is a line of text: `Agent: Hi`.

use super::{
    label::{Label, begins_silent, by_identity, label},
    report::{Speaker, Turn},
    time::clock,
};

/// The maximum length of a label, in bytes.
const LONGEST: usize = 30;
/// The maximum length of a participant's name or identity, in bytes.
const LONGEST_NAME: usize = 100;

/// Parses `Agent: Hi`, also after a clock time in brackets. If the name before the words is no known label, it may be a
/// participant's; a text without a name is the caller's. `None` for texts that nobody speaks.
pub(super) fn line(text: &str) -> Option<Turn> {
    let text = text.trim();
    let (offset, rest) = clocked(text);
    let mut turn = match rest.split_once([':', '：']) {
        Some((name, words)) => {
            // The asterisks of `**Agent:** Hi`.
            let words = words.trim_start_matches('*').trim();
            match meaning(name) {
                Label::Silent => return None,
                Label::Speaker(speaker) => Turn::new(speaker, words),
                Label::Unknown => match participant(name).filter(|_| !words.is_empty()) {
                    Some(name) => Turn {
                        label: Some(name.into()),
                        words_at: u32::try_from(text.len() - words.len()).ok(),
                        ..Turn::new(Speaker::Caller, text)
                    },
                    None => Turn::new(Speaker::Caller, text),
                },
            }
        }
        None => Turn::new(Speaker::Caller, text),
    };
    if let Some(words) = turn.text.strip_suffix("[interrupted]") {
        turn.text = words.trim_end().to_owned();
        turn.interrupted = true;
    }
    turn.offset_ms = offset;
    (!turn.text.is_empty()).then_some(turn)
}

/// The meaning of the name before the words; also of `Ava (AI)`.
fn meaning(name: &str) -> Label {
    if name.len() > LONGEST {
        return Label::Unknown;
    }
    if begins_silent(name) {
        return Label::Silent;
    }
    let (outer, inner) = name.split_once('(').unwrap_or((name, ""));
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

/// `[01:05] Agent: Hi`: the clock time and the rest.
fn clocked(text: &str) -> (Option<i64>, &str) {
    let inside = text.strip_prefix(['[', '(']);
    let split = inside.and_then(|inside| inside.split_once([']', ')']));
    match split.and_then(|(time, rest)| Some((clock(time.trim())?, rest))) {
        Some((offset, rest)) => (Some(offset), rest.trim_start()),
        None => (None, text),
    }
}
