//! When an item was spoken, from its fields.

use serde_json::{Map, Value};

use super::{
    report::Turn,
    time::{Moment, moment},
};

const BEGINS: [&str; 16] = [
    "created_at",
    "createdAt",
    "timestamp",
    "time",
    "at",
    "started_at",
    "startedAt",
    "start_time",
    "startTime",
    "start",
    "secondsFromStart",
    "seconds_from_start",
    "time_in_call_secs",
    "start_secs",
    "offset",
    "offset_seconds",
];
const ENDS: [&str; 8] = [
    "ended_at",
    "endedAt",
    "stopped_at",
    "end_time",
    "endTime",
    "end",
    "end_secs",
    "stopped_speaking_at",
];

/// The turn with its times.
pub(super) fn timed(mut turn: Turn, fields: &Map<String, Value>) -> Turn {
    let metrics = fields.get("metrics").and_then(Value::as_object);
    let spoken = |names: &[&str]| metrics.and_then(|metrics| first(metrics, names));
    // A caller's `created_at` is when the turn was committed, after the words.
    let spoken_at = spoken(&["started_speaking_at", "startedSpeakingAt"]);
    let spoken_at = spoken_at.filter(|moment| matches!(moment, Moment::At(_)));
    let begin = spoken_at.or_else(|| first(fields, &BEGINS));
    let spoken_until = || spoken(&["stopped_speaking_at", "stoppedSpeakingAt"]);
    let end = || spoken_until().or_else(|| first(fields, &ENDS));
    turn.length_ms = begin.and_then(|begin| length(begin, end()?));
    at(turn, begin)
}

/// The turn with the time of its beginning.
pub(super) fn at(mut turn: Turn, begin: Option<Moment>) -> Turn {
    match begin {
        Some(Moment::At(at)) => turn.at = Some(at),
        Some(Moment::Offset(offset)) => turn.offset_ms = Some(offset),
        None => {}
    }
    turn
}

fn first(fields: &Map<String, Value>, names: &[&str]) -> Option<Moment> {
    names.iter().find_map(|name| moment(fields.get(*name)?))
}

/// Milliseconds from one to the other, if both are of the same kind.
fn length(begin: Moment, end: Moment) -> Option<i64> {
    let length = match (begin, end) {
        (Moment::At(begin), Moment::At(end)) => end.as_millisecond() - begin.as_millisecond(),
        (Moment::Offset(begin), Moment::Offset(end)) => end - begin,
        _ => return None,
    };
    Some(length).filter(|length| *length > 0)
}
