//! What a player shows of a call beside its sound: who spoke when, and the words in time. Bounded, however long the
//! transcript is.

use jiff::Timestamp;

use super::{
    speech::{Interval, silences},
    time::to_milliseconds,
};
use crate::domain::{
    Call, EgressId, Recording,
    call::{Position, Timeline},
    transcript::{Speaker, Spoken, Transcript, Turn},
};

/// Lines that are shown: a conversation of ten hours.
const MOST_LINES: usize = 5_000;
/// Bytes of their words together.
const MOST_BYTES: usize = 1 << 20;
/// Intervals of a side in one recording.
const MOST_INTERVALS: usize = 5_000;

/// What is shown of some recordings of a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlayerView<'a> {
    /// The recordings, in their order.
    pub parts: Vec<PartView<'a>>,
    /// In the order of the conversation.
    pub lines: Vec<LineView<'a>>,
    /// The plain text that an agent sent, or its beginning.
    pub text: Option<&'a str>,
    /// Whether there are more words than are shown.
    pub is_cut: bool,
}

/// A recording, and what happened in it, in seconds of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct PartView<'a> {
    /// `EG_…`
    pub egress_id: &'a str,
    /// Seconds, if that is known.
    pub length: Option<f64>,
    /// When the agent spoke.
    pub agent: Vec<Interval>,
    /// When the caller spoke.
    pub caller: Vec<Interval>,
    /// Long silences between the first and the last word.
    pub silences: Vec<(f64, f64)>,
    /// When somebody was interrupted.
    pub interruptions: Vec<f64>,
    /// When a tool was called.
    pub tools: Vec<f64>,
}

/// A turn of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct LineView<'a> {
    /// The side that spoke, where a report says that.
    pub speaker: Option<Speaker>,
    /// A voice that nobody knows, `Speaker 1`.
    pub voice: Option<&'a str>,
    /// The words.
    pub text: &'a str,
    /// Whether the other side interrupted them.
    pub interrupted: bool,
    /// Which recording has them; `None`: none has, or nobody knows.
    pub part: Option<usize>,
    /// When they begin, in seconds of the file.
    pub start: Option<f64>,
    /// When they end, likewise.
    pub end: Option<f64>,
    /// The report says only when the turn was created.
    pub approximate: bool,
}

impl<'a> PlayerView<'a> {
    /// Of these recordings of the call. Words of its other recordings are left out; those that are in none are shown with the
    /// recording that the row's link plays.
    pub fn new(
        call: &'a Call,
        recordings: &[&'a Recording],
        transcript: Option<&'a Transcript>,
    ) -> PlayerView<'a> {
        let mut view = PlayerView {
            parts: recordings.iter().map(|it| PartView::new(it)).collect(),
            ..PlayerView::default()
        };
        match transcript {
            Some(Transcript::Turns(turns)) => view.add_turns(call, turns),
            Some(Transcript::Text(text)) if view.has_primary(call) => view.add_text(text),
            _ => {}
        }
        for part in &mut view.parts {
            part.silences = silences(&part.agent, &part.caller);
        }
        view
    }

    /// The same with marks where agents called tools, by the clock of their reports.
    pub fn with_tools(mut self, call: &Call, times: &[Timestamp]) -> PlayerView<'a> {
        let timeline = call.timeline();
        let primary = primary(call);
        for at in times {
            let Some((part, seconds)) = timeline.moment(*at) else {
                continue;
            };
            let egress_id = part.map(EgressId::as_str).or(primary);
            if let Some(index) = self.index(egress_id) {
                self.parts[index].tools.push(to_milliseconds(seconds));
            }
        }
        self
    }

    fn add_turns(&mut self, call: &'a Call, turns: &'a [Turn]) {
        let timeline: Timeline = call.timeline();
        let (primary, has_primary) = (primary(call), self.has_primary(call));
        let spoken = timeline.spoken(turns).zip(timeline.positions(turns));
        let mut bytes = 0;
        for (turn, (spoken, position)) in turns.iter().zip(spoken) {
            let part = position.and_then(|position| {
                let egress_id = position.part.map(EgressId::as_str).or(primary);
                self.index(egress_id)
            });
            if part.is_none() && (position.is_some() || !has_primary) {
                continue;
            }
            let line = LineView::new(turn, position, part);
            if let (Some(part), Some(spoken)) = (part, spoken) {
                self.parts[part].add(turn, &line, &spoken);
            }
            bytes += turn.text.len();
            match self.lines.len() < MOST_LINES && bytes <= MOST_BYTES {
                true => self.lines.push(line),
                false => self.is_cut = true,
            }
        }
    }

    fn add_text(&mut self, text: &'a str) {
        let mut end = text.len().min(MOST_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.is_cut = end < text.len();
        self.text = Some(text[..end].trim()).filter(|text| !text.is_empty());
    }

    fn has_primary(&self, call: &Call) -> bool {
        self.index(primary(call)).is_some()
    }

    fn index(&self, egress_id: Option<&str>) -> Option<usize> {
        let mut parts = self.parts.iter();
        parts.position(|part| Some(part.egress_id) == egress_id)
    }
}

fn primary(call: &Call) -> Option<&str> {
    let recording = call.primary_recording()?;
    Some(recording.egress_id.as_str())
}

impl<'a> PartView<'a> {
    fn new(recording: &'a Recording) -> PartView<'a> {
        let length = recording.duration.map(|length| length.as_secs_f64());
        PartView {
            egress_id: &recording.egress_id,
            length: length.filter(|length| *length > 0.0),
            agent: Vec::new(),
            caller: Vec::new(),
            silences: Vec::new(),
            interruptions: Vec::new(),
            tools: Vec::new(),
        }
    }

    fn add(&mut self, turn: &Turn, line: &LineView<'_>, spoken: &Spoken) {
        let Some(start) = line.start else { return };
        let usual = to_milliseconds(start + spoken.usual_length);
        let end = line.end.unwrap_or(usual);
        let end = end.min(self.length.unwrap_or(f64::INFINITY));
        if turn.interrupted && self.interruptions.len() < MOST_INTERVALS {
            self.interruptions.push(end);
        }
        let side = match line.speaker {
            Some(Speaker::Agent) => &mut self.agent,
            Some(Speaker::Caller) => &mut self.caller,
            None => return,
        };
        if side.len() < MOST_INTERVALS && end > start {
            side.push(Interval {
                start,
                end,
                is_estimated: line.end.is_none(),
            });
        }
    }
}

impl<'a> LineView<'a> {
    fn new(turn: &'a Turn, position: Option<Position<'_>>, part: Option<usize>) -> LineView<'a> {
        let known = turn.label.is_none();
        LineView {
            speaker: known.then_some(turn.speaker),
            voice: turn.label.as_deref(),
            text: &turn.text,
            interrupted: turn.interrupted,
            part,
            start: position.map(|it| to_milliseconds(it.start)),
            end: position.and_then(|it| it.end).map(to_milliseconds),
            approximate: position.is_some_and(|it| it.is_estimated),
        }
    }
}
