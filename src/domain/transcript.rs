//! What agents say about a session, and the words that people read.

mod read;

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

pub use read::{Outline, Unreadable, outline, read};

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Caller,
}

/// The conversation: turns, or the plain text that an agent sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcript {
    Turns(Vec<Turn>),
    Text(String),
}

impl Default for Transcript {
    fn default() -> Self {
        Transcript::Turns(Vec::new())
    }
}

/// One report of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The report's own `timestamp`.
    pub at: Option<Timestamp>,
    pub transcript: Transcript,
    /// The rest of the report (usage, close_reason, a summary …), without the conversation and the events.
    pub fields: Map<String, Value>,
}

/// The newest report wins. Dated reports compare by their date, undated ones by when they came, and of the two
/// winners the one that came last: so the order of arrival in the fold does not matter.
/// Shared, for a report may have megabytes and a call is copied and compared with every event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reports {
    dated: Option<(Timestamp, Arc<Report>)>,
    undated: Option<(Timestamp, Arc<Report>)>,
}

impl Report {
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Reports {
    pub fn add(&mut self, report: &Arc<Report>, received_at: Timestamp) {
        let slot = if report.at.is_some() {
            &mut self.dated
        } else {
            &mut self.undated
        };
        let newer = slot.as_ref().is_none_or(|(at, known)| {
            let order = (report.at, received_at).cmp(&(known.at, *at));
            // Two of one millisecond: any winner will do, if it is the same in every order.
            order.then_with(|| report.json().cmp(&known.json())).is_gt()
        });
        if newer {
            *slot = Some((received_at, Arc::clone(report)));
        }
    }

    pub fn newest(&self) -> Option<&Report> {
        let all = [&self.dated, &self.undated];
        let newest = all.into_iter().flatten().max_by_key(|(at, _)| *at);
        newest.map(|(_, report)| report.as_ref())
    }
}

impl Transcript {
    /// How many turns; a plain text counts as one.
    pub fn len(&self) -> usize {
        match self {
            Transcript::Turns(turns) => turns.len(),
            Transcript::Text(text) => usize::from(!text.is_empty()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text cut at a turn so that it and `note`, a line of its own, fit into `limit` UTF-16 units; `None` when it
    /// fits as it is. A turn that would take more than half of the text with it is cut inside.
    pub fn cut(&self, limit: usize, note: &str) -> Option<String> {
        match self {
            Transcript::Turns(turns) => cut_lines(turns.iter().map(line), limit, note),
            Transcript::Text(text) => cut(text, limit, note),
        }
    }

    /// A line per turn, as the row shows it.
    pub fn text(&self) -> String {
        match self {
            Transcript::Turns(turns) => {
                let mut text = String::new();
                for (n, turn) in turns.iter().enumerate() {
                    text.push_str(if n == 0 { "" } else { "\n" });
                    text.push_str(&line(turn));
                }
                text
            }
            Transcript::Text(text) => text.clone(),
        }
    }
}

fn line(turn: &Turn) -> Cow<'_, str> {
    let speaker = match turn.speaker {
        Speaker::Agent => "Agent",
        Speaker::Caller => "Caller",
    };
    let mark = if turn.interrupted {
        " [interrupted]"
    } else {
        ""
    };
    format!("{speaker}: {}{mark}", turn.text).into()
}

/// The text cut at the end of a line, as [`Transcript::cut`] does it.
pub fn cut(text: &str, limit: usize, note: &str) -> Option<String> {
    cut_lines(text.split('\n').map(Cow::from), limit, note)
}

/// The lines are asked for twice: none is kept that the cut text has not.
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

/// The beginning of a line in at most `room` UTF-16 units, up to a space if there is one near; never between a message
/// and the marks that belong to it.
fn cut_line(line: &str, room: usize) -> &str {
    const NEAR: usize = 1000;
    let (mut used, mut end, mut space) = (0, 0, None);
    for (at, message) in line.grapheme_indices(true) {
        used += units(message);
        if used > room {
            break;
        }
        if message == " " {
            space = Some(at);
        }
        end = at + message.len();
    }
    let near = space.filter(|space| end - space < NEAR);
    &line[..near.unwrap_or(end)]
}
