//! The turns of a transcript as cues of the file that the row's link plays: what is shown from when to when.

use crate::domain::{
    Call,
    transcript::{Transcript, Turn},
};

/// Seconds that a turn lasts when neither its end nor the next turn's time is known.
const UNKNOWN_LENGTH: f64 = 5.0;

/// A turn and when it is shown, in seconds of the file.
pub(super) struct Cue<'a> {
    pub(super) turn: &'a Turn,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Cue<'_> {
    /// The speaker and the words in one line: an empty one would end the cue.
    pub(super) fn line(&self) -> String {
        let line = Transcript::Turns(vec![self.turn.clone()]).text();
        line.replace(['\n', '\r'], " ")
    }
}

/// `hh:mm:ss` and milliseconds, as captions write them.
pub(super) fn clock(seconds: f64, point: char) -> String {
    let millis = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1000 % 60, millis % 1000);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{millis:03}")
}

/// The turns of a call, by time.
#[derive(Default)]
pub(super) struct Cues<'a> {
    /// Said before the file begins.
    pub(super) before: Vec<Turn>,
    pub(super) shown: Vec<Cue<'a>>,
    /// Said after the file ends.
    pub(super) after: Vec<Turn>,
}

/// One cue per turn, in order of time. A turn without a time stands between its neighbours; a turn whose end is unknown lasts
/// until the next one.
pub(super) fn cues<'a>(call: &Call, turns: &'a [Turn]) -> Cues<'a> {
    let end_of_file = call.file_length().unwrap_or(f64::INFINITY);
    let mut timed: Vec<(Timed, &Turn)> = begins(call, turns).into_iter().zip(turns).collect();
    timed.sort_by(|(a, _), (b, _)| a.begin.total_cmp(&b.begin));
    let mut cues = Cues::default();
    // The beginning of the turn at hand, and the first one after it that differs.
    let (mut begin, mut next) = (f64::INFINITY, f64::INFINITY);
    for (
        Timed {
            begin: from,
            length,
        },
        turn,
    ) in timed.into_iter().rev()
    {
        if from < begin {
            (next, begin) = (begin, from);
        }
        let is_last = next.is_infinite();
        let unknown = match is_last || from < 0.0 {
            true => next.min(from + UNKNOWN_LENGTH),
            false => next,
        };
        let to = length.map_or(unknown, |length| from + length);
        if from >= end_of_file {
            cues.after.push(turn.clone());
        } else if to <= 0.0 {
            cues.before.push(turn.clone());
        } else {
            cues.shown.push(Cue {
                turn,
                from: from.max(0.0),
                to: to.min(end_of_file),
            });
        }
    }
    cues.before.reverse();
    cues.shown.reverse();
    cues.after.reverse();
    cues
}

/// When a turn begins, in seconds of the file, and how long it lasts if that is known.
#[derive(Clone, Copy)]
struct Timed {
    begin: f64,
    length: Option<f64>,
}

/// When each turn begins. Turns without a time are spread between their neighbours.
fn begins(call: &Call, turns: &[Turn]) -> Vec<Timed> {
    let mut begins: Vec<Timed> = Vec::with_capacity(turns.len());
    // The earliest time that the turns without one may have.
    let mut earliest: Option<f64> = None;
    let mut untimed = 0;
    for spoken in call.timeline().spoken(turns) {
        let Some(spoken) = spoken else {
            untimed += 1;
            continue;
        };
        spread(&mut begins, untimed, (earliest, Some(spoken.start)));
        untimed = 0;
        begins.push(Timed {
            begin: spoken.start,
            length: spoken.length,
        });
        // One after the other begins: a turn without a known end takes its share of the time.
        earliest = Some(spoken.start + spoken.length.unwrap_or_default());
    }
    // Turns at the end stay within the file.
    let usual_end = earliest.unwrap_or_default() + UNKNOWN_LENGTH * (untimed + 1) as f64;
    let end = call.file_length().filter(|end| *end < usual_end);
    let end = end.filter(|end| earliest.is_none_or(|earliest| earliest < *end));
    spread(&mut begins, untimed, (earliest, end));
    begins
}

/// Adds the beginnings of `count` turns after `earliest` and before `latest`.
fn spread(begins: &mut Vec<Timed>, count: usize, (earliest, latest): (Option<f64>, Option<f64>)) {
    let usual = UNKNOWN_LENGTH * count as f64;
    let (first, step) = match (earliest, latest) {
        (None, None) => (0.0, UNKNOWN_LENGTH),
        (None, Some(latest)) if latest < 0.0 => (latest - usual, UNKNOWN_LENGTH),
        (None, Some(latest)) => (0.0, latest / count.max(1) as f64),
        (Some(earliest), None) => (earliest + UNKNOWN_LENGTH, UNKNOWN_LENGTH),
        (Some(earliest), Some(latest)) => {
            let step = (latest - earliest).max(0.0) / (count + 1) as f64;
            (earliest + step, step)
        }
    };
    begins.extend((0..count).map(|n| Timed {
        begin: first + step * n as f64,
        length: None,
    }));
}
