//! The conversation as people read it, and cut to a limit.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::report::{Speaker, Transcript, Turn};

impl Transcript {
    /// The text cut at a turn so that it and `note`, on its own line, fit into `limit` UTF-16 units; `None` if it fits
    /// uncut. A turn that would remove more than half of the text is cut inside.
    pub fn cut(&self, limit: usize, note: &str) -> Option<String> {
        match self {
            Transcript::Turns(turns) => cut_lines(turns.iter().map(line), limit, note),
            Transcript::Text(text) => cut(text, limit, note),
        }
    }

    /// One line per turn, as in the row.
    pub fn text(&self) -> String {
        match self {
            Transcript::Turns(turns) => joined(turns.iter().map(line)),
            Transcript::Text(text) => text.clone(),
        }
    }
}

/// The lines of turns with the time of each before it, where that is known: `[01:05] Agent: Hello.`
pub struct TimedLines<'a> {
    turns: &'a [Turn],
    /// Seconds, by turn.
    times: Vec<Option<u32>>,
}

impl<'a> TimedLines<'a> {
    /// `times`: seconds, by turn.
    pub fn new(turns: &'a [Turn], times: Vec<Option<u32>>) -> TimedLines<'a> {
        TimedLines { turns, times }
    }

    /// Like [`Transcript::cut`].
    pub fn cut(&self, limit: usize, note: &str) -> Option<String> {
        cut_lines(self.lines(), limit, note)
    }

    /// Like [`Transcript::text`].
    pub fn text(&self) -> String {
        joined(self.lines())
    }

    fn lines(&self) -> impl Iterator<Item = Cow<'a, str>> + Clone {
        let timed = self.turns.iter().zip(&self.times);
        timed.map(|(turn, time)| match time {
            Some(seconds) => format!("[{}] {}", clock(*seconds), line(turn)).into(),
            None => line(turn),
        })
    }
}

/// `mm:ss`, from an hour on `h:mm:ss`.
fn clock(seconds: u32) -> String {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes:02}:{seconds:02}"),
        hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
    }
}

fn joined<'a>(lines: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut text = String::new();
    for (n, line) in lines.enumerate() {
        text.push_str(if n == 0 { "" } else { "\n" });
        text.push_str(&line);
    }
    text
}

fn line(turn: &Turn) -> Cow<'_, str> {
    let speaker = match (&turn.label, turn.speaker) {
        (Some(voice), _) => voice,
        (None, Speaker::Agent) => "Agent",
        (None, Speaker::Caller) => "Caller",
    };
    let mark = if turn.interrupted {
        " [interrupted]"
    } else {
        ""
    };
    format!("{speaker}: {}{mark}", turn.text).into()
}

/// The text cut at the end of a line, like [`Transcript::cut`].
pub fn cut(text: &str, limit: usize, note: &str) -> Option<String> {
    cut_lines(text.split('\n').map(Cow::from), limit, note)
}

/// Iterates over the lines twice, so that only lines of the cut text are kept in memory.
fn cut_lines<'a>(
    lines: impl Iterator<Item = Cow<'a, str>> + Clone,
    limit: usize,
    note: &str,
) -> Option<String> {
    let whole: usize = lines.clone().map(|line| units(&line) + 1).sum();
    if whole <= limit + 1 {
        return None;
    }
    let room = limit.saturating_sub(units(note) + 1);
    let (mut kept, mut used) = (String::new(), 0);
    for line in lines {
        if used + units(&line) > room {
            if used < room / 2 {
                kept.push_str(cut_line(&line, room - used));
                kept.push('\n');
            }
            break;
        }
        used += units(&line) + 1;
        kept.push_str(&line);
        kept.push('\n');
    }
    kept.push_str(note);
    Some(kept)
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The beginning of a line in at most `room` UTF-16 units, up to a space if one is near; never between a letter and its
/// combining marks.
fn cut_line(line: &str, room: usize) -> &str {
    const NEAR: usize = 1000;
    let (mut used, mut end, mut space) = (0, 0, None);
    for (at, grapheme) in line.grapheme_indices(true) {
        used += units(grapheme);
        if used > room {
            break;
        }
        if grapheme == " " {
            space = Some(at);
        }
        end = at + grapheme.len();
    }
    let near = space.filter(|space| end - space < NEAR);
    &line[..near.unwrap_or(end)]
}
