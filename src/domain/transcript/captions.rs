//! Captions as a transcript: SubRip and WebVTT, with the speakers' names in the text or as WebVTT's voices.

use std::borrow::Cow;

use super::{
    line::{Line, read},
    report::{Speaker, Turn},
    time::{Moment, clock},
    timed::{at, length},
};

/// Lines before which the first cue must begin.
const HEADER: usize = 20;

/// When a cue begins and ends.
type Times = (i64, i64);

/// Whether a text is captions that name their speakers.
pub(super) fn is_captions(text: &str) -> bool {
    let begins = text.lines().take(HEADER).any(|line| times(line).is_some());
    let mut any = false;
    if begins {
        each_cue(text, &mut |_, words| {
            any |= matches!(read(words), Line::Named(_));
        });
    }
    any
}

/// Calls `each` with every turn. A cue without a name belongs to the speaker before.
pub(super) fn each_caption(text: &str, each: &mut dyn FnMut(Turn)) {
    let mut last: Option<Turn> = None;
    each_cue(text, &mut |(begin, end), words| {
        let turn = match read(words) {
            Line::Silent => return,
            Line::Named(turn) => turn,
            Line::Nameless(turn) => follow(turn, last.as_ref()),
        };
        let (begin, end) = (Moment::Offset(begin), Moment::Offset(end));
        let mut turn = at(turn, Some(begin));
        turn.length_ms = length(begin, end);
        last = Some(Turn {
            text: String::new(),
            ..turn.clone()
        });
        each(turn);
    });
}

/// The turn, of the speaker before.
fn follow(turn: Turn, last: Option<&Turn>) -> Turn {
    Turn {
        speaker: last.map_or(Speaker::Caller, |last| last.speaker),
        label: last.and_then(|last| last.label.clone()),
        // All of it is words, whoever spoke.
        words_at: last.and_then(|last| last.words_at).map(|_| 0),
        ..turn
    }
}

/// Calls `each` with the times and the text of every cue, and of every voice in it.
fn each_cue(text: &str, each: &mut dyn FnMut(Times, &str)) {
    let (mut now, mut words) = (None, String::new());
    let mut end = |now: &mut Option<Times>, words: &mut String| {
        if let Some(times) = now.take().filter(|_| !words.is_empty()) {
            each(times, words);
        }
        words.clear();
    };
    for line in text.lines() {
        let line = line.trim();
        if let Some(times) = times(line) {
            end(&mut now, &mut words);
            now = Some(times);
        } else if line.is_empty() {
            end(&mut now, &mut words);
        } else if let Some(times) = now {
            let line = voice(line);
            if matches!(read(&line), Line::Named(turn) if turn.label.is_none()) {
                end(&mut now, &mut words);
                now = Some(times);
            }
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(&line);
        }
    }
    end(&mut now, &mut words);
}

/// `00:01.500 --> 00:02.500`, with settings after it.
fn times(line: &str) -> Option<Times> {
    let (begin, end) = line.split_once("-->")?;
    let end = end.split_whitespace().next()?;
    Some((clock(begin.trim())?, clock(end)?))
}

/// `<v Agent>Hello.</v>` as `Agent: Hello.`
fn voice(line: &str) -> Cow<'_, str> {
    let voice = || {
        let (tag, words) = line.strip_prefix("<v")?.split_once('>')?;
        let (_, name) = tag.split_once([' ', '\t'])?;
        let words = words.strip_suffix("</v>").unwrap_or(words);
        Some(format!("{}: {}", name.trim(), words.trim()))
    };
    voice().map_or(Cow::from(line), Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(text: &str) -> Vec<(Speaker, String, Option<i64>)> {
        assert!(is_captions(text), "{text}");
        let mut turns = Vec::new();
        each_caption(text, &mut |turn| {
            turns.push((turn.speaker, turn.text, turn.offset_ms))
        });
        turns
    }

    #[test]
    fn subrip_and_webvtt_are_read() {
        let subrip = "1\r\n00:00:00,500 --> 00:00:01,500\r\nAgent: Hello,\r\nthis is Ava.\r\n\r\n2\r\n00:00:02,500 --> 00:00:03,500\r\nHow can I help?\r\n\r\n3\r\n00:01:02,500 --> 00:01:03,500\r\nCaller: Hi.\r\n";
        let webvtt = "WEBVTT\n\nNOTE x\n\n00:00.500 --> 00:01.500 align:start\n<v Agent>Hello, this is Ava.</v>\n\n00:02.500 --> 00:03.500\nHow can I help?\n\nb\n01:02.500 --> 01:03.500\n<v.loud Caller>Hi.\n";
        let expected = [
            (Speaker::Agent, "Hello, this is Ava.".to_owned(), Some(500)),
            (Speaker::Agent, "How can I help?".to_owned(), Some(2_500)),
            (Speaker::Caller, "Hi.".to_owned(), Some(62_500)),
        ];
        assert_eq!(turns(subrip), expected);
        assert_eq!(turns(webvtt), expected);
    }

    #[test]
    fn a_cue_may_have_two_speakers() {
        let text = "00:01.000 --> 00:02.000\nAgent: Hello.\nCaller: Hi.";
        let texts: Vec<_> = turns(text).into_iter().map(|turn| turn.1).collect();
        assert_eq!(texts, ["Hello.", "Hi."]);
    }

    #[test]
    fn captions_without_names_and_other_texts_are_none() {
        assert!(!is_captions("00:01.000 --> 00:02.000\nHello."));
        assert!(!is_captions("Agent: from 1 --> 2"));
    }
}
