//! A turn that is a line of text: `Agent: Hi`.

use super::{
    label::{Label, by_identity, label},
    report::{Speaker, Turn},
    time::clock,
};

/// No label has more bytes.
const LONGEST: usize = 30;

/// Reads `Agent: Hi`, also behind a clock in brackets; a text without a known label is the caller's. `None` for what nobody
/// says.
pub(super) fn line(text: &str) -> Option<Turn> {
    let text = text.trim();
    let (offset, rest) = clocked(text);
    let mut turn = match rest.split_once([':', '：']) {
        Some((name, words)) => {
            // The asterisks of `**Agent:** Hi`.
            let words = words.trim_start_matches('*').trim();
            match label(name) {
                Label::Silent if name.len() <= LONGEST => return None,
                Label::Speaker(speaker) if name.len() <= LONGEST => Turn::new(speaker, words),
                _ => match by_identity(name.trim()) {
                    Some(speaker) => Turn {
                        label: Some(name.trim().into()),
                        ..Turn::new(speaker, words)
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

/// `[01:05] Agent: Hi`: the clock and the rest.
fn clocked(text: &str) -> (Option<i64>, &str) {
    let inside = text.strip_prefix(['[', '(']);
    let split = inside.and_then(|inside| inside.split_once([']', ')']));
    match split.and_then(|(time, rest)| Some((clock(time.trim())?, rest))) {
        Some((offset, rest)) => (Some(offset), rest.trim_start()),
        None => (None, text),
    }
}
