//! A transcript as WebVTT captions (<https://www.w3.org/TR/webvtt1/>) of the file that the row's link plays.

use crate::domain::{
    Call,
    transcript::{Transcript, Turn, position},
};

/// Seconds that a turn lasts when neither its end nor the next turn's time is known.
const UNKNOWN_LENGTH: f64 = 5.0;

/// One cue per turn, in order of time. A turn without a time stands between its neighbours; a turn whose end is unknown lasts
/// until the next one. Turns outside of the file are comments, which a player does not show.
pub fn captions(call: &Call, transcript: &Transcript) -> String {
    let mut text = String::from("WEBVTT\n");
    let Transcript::Turns(turns) = transcript else {
        note(&mut text, "", &transcript.text());
        return text;
    };
    let (before, cues, after) = timeline(call, turns);
    for (title, turns) in [
        (" before the recording", before),
        (" after the recording", after),
    ] {
        if !turns.is_empty() {
            note(&mut text, title, &Transcript::Turns(turns).text());
        }
    }
    for cue in cues {
        let line = Transcript::Turns(vec![cue.turn.clone()]).text();
        text += &format!("\n{} --> {}\n", clock(cue.from), clock(cue.to));
        escape(&mut text, &line.replace(['\n', '\r'], " "));
        text.push('\n');
    }
    text
}

/// A turn and when it is shown, in seconds of the file.
struct Cue<'a> {
    turn: &'a Turn,
    from: f64,
    to: f64,
}

/// The turns before the file, those in it, and those after it.
fn timeline<'a>(call: &Call, turns: &'a [Turn]) -> (Vec<Turn>, Vec<Cue<'a>>, Vec<Turn>) {
    let end_of_file = call.file_length().unwrap_or(f64::INFINITY);
    let mut timed: Vec<(f64, &Turn)> = begins(call, turns).into_iter().zip(turns).collect();
    timed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut before, mut cues, mut after) = (Vec::new(), Vec::new(), Vec::new());
    // The beginning of the turn at hand, and the first one after it that differs.
    let (mut begin, mut next) = (f64::INFINITY, f64::INFINITY);
    for (from, turn) in timed.into_iter().rev() {
        if from < begin {
            (next, begin) = (begin, from);
        }
        let is_last = next.is_infinite();
        let unknown = match is_last || from < 0.0 {
            true => next.min(from + UNKNOWN_LENGTH),
            false => next,
        };
        let to = own_length(turn).map_or(unknown, |length| from + length);
        if from >= end_of_file {
            after.push(turn.clone());
        } else if to <= 0.0 {
            before.push(turn.clone());
        } else {
            cues.push(Cue {
                turn,
                from: from.max(0.0),
                to: to.min(end_of_file),
            });
        }
    }
    before.reverse();
    cues.reverse();
    after.reverse();
    (before, cues, after)
}

/// When each turn begins. Turns without a time are spread between their neighbours.
fn begins(call: &Call, turns: &[Turn]) -> Vec<f64> {
    let mut begins: Vec<f64> = Vec::with_capacity(turns.len());
    // The earliest time that the turns without one may have.
    let mut earliest: Option<f64> = None;
    let mut untimed = 0;
    let start = call.recording_start();
    for turn in turns {
        let Some(at) = position(turn, start) else {
            untimed += 1;
            continue;
        };
        spread(&mut begins, untimed, (earliest, Some(at)));
        untimed = 0;
        begins.push(at);
        // One after the other begins: a turn without a known end takes its share of the time.
        earliest = Some(at + own_length(turn).unwrap_or_default());
    }
    // Turns at the end stay within the file.
    let usual_end = earliest.unwrap_or_default() + UNKNOWN_LENGTH * (untimed + 1) as f64;
    let end = call.file_length().filter(|end| *end < usual_end);
    let end = end.filter(|end| earliest.is_none_or(|earliest| earliest < *end));
    spread(&mut begins, untimed, (earliest, end));
    begins
}

/// Adds the beginnings of `count` turns after `earliest` and before `latest`.
fn spread(begins: &mut Vec<f64>, count: usize, (earliest, latest): (Option<f64>, Option<f64>)) {
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
    begins.extend((0..count).map(|n| first + step * n as f64));
}

fn own_length(turn: &Turn) -> Option<f64> {
    turn.length_ms.map(|length| length as f64 / 1e3)
}

/// A comment. It ends at an empty line, and may not contain an arrow.
fn note(text: &mut String, title: &str, comment: &str) {
    let lines = comment.split(['\n', '\r']);
    let lines = lines.filter(|line| !line.trim().is_empty());
    text.push_str("\nNOTE");
    for line in std::iter::once(title).chain(lines) {
        text.push_str(&line.replace("-->", "→"));
        text.push('\n');
    }
}

/// Adds a line. A player reads `<` as the beginning of a tag and `&` as that of an entity. Without a copy: the line may have
/// 16 MiB, and five times that when it is escaped.
fn escape(text: &mut String, line: &str) {
    for part in line.split_inclusive(['&', '<', '>']) {
        let plain = part.trim_end_matches(['&', '<', '>']);
        text.push_str(plain);
        text.push_str(match &part[plain.len()..] {
            "&" => "&amp;",
            "<" => "&lt;",
            ">" => "&gt;",
            other => other,
        });
    }
}

fn clock(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{:03}",
        millis / 1000 % 60,
        millis % 1000
    )
}
