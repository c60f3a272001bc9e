//! Times in lines of text: before the name, with or without brackets, or after it, in brackets.

use serde_json::Value;

use super::time::{Moment, clock, moment};

/// The longest time, in bytes.
const LONGEST: usize = 40;

/// The time at the beginning of a line, and the rest of the line.
pub(super) fn stamp(text: &str) -> (Option<Moment>, &str) {
    let found = bracketed(text).or_else(|| unbracketed(text));
    match found {
        Some((moment, rest)) => (Some(moment), rest),
        None => (None, text),
    }
}

/// `Agent (01:05): Hi`: the time in the first brackets before the words.
pub(super) fn stamp_after(rest: &str) -> Option<Moment> {
    let (_, inside) = rest.split_once(['(', '['])?;
    let (inside, after) = inside.split_once([')', ']'])?;
    let is_before_words = after.trim_start_matches([' ', '*']).starts_with(':');
    time(inside).filter(|_| is_before_words)
}

/// `[01:05] Agent: Hi`.
fn bracketed(text: &str) -> Option<(Moment, &str)> {
    let (inside, rest) = text.strip_prefix(['[', '('])?.split_once([']', ')'])?;
    Some((time(inside)?, rest.trim_start()))
}

/// `01:05 Agent: Hi`, `2026-11-29 03:00:12 - Agent: Hi`.
pub(super) fn unbracketed(text: &str) -> Option<(Moment, &str)> {
    let blanks = text.match_indices([' ', '\t']).take(2);
    let ends: Vec<usize> = blanks.map(|(end, _)| end).collect();
    // The longer form first: a date alone is a time as well.
    let found = ends
        .into_iter()
        .rev()
        .find_map(|end| Some((time(&text[..end])?, &text[end..])));
    let between = |c: char| c.is_whitespace() || "-–—|".contains(c);
    found.map(|(moment, rest)| (moment, rest.trim_start_matches(between)))
}

/// A clock time or a date with a time, not a mere number.
fn time(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.len() > LONGEST || !text.contains(':') {
        return None;
    }
    if let Some(offset) = clock(text) {
        return Some(Moment::Offset(offset));
    }
    moment(&Value::from(text)).filter(|moment| matches!(moment, Moment::At(_)))
}
