//! When an item was spoken, from its fields.

use serde_json::{Map, Value};

use super::{
    report::Turn,
    time::{Moment, Unit, moment, moment_in},
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
/// Those of [`BEGINS`] that say when the item was created.
const CREATIONS: [&str; 2] = ["created_at", "createdAt"];
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

/// Other names of the beginning, without unit, case and punctuation.
const BEGIN_BASES: [&str; 25] = [
    "begin",
    "begins",
    "beginat",
    "beginoffset",
    "begintime",
    "start",
    "starts",
    "startat",
    "startedat",
    "startoffset",
    "starttime",
    "starttimestamp",
    "audiostart",
    "offset",
    "timeoffset",
    "timestamp",
    "ts",
    "time",
    "datetime",
    "date",
    "createdat",
    "created",
    "spokenat",
    "elapsed",
    "timeincall",
];
/// … and of the end.
const END_BASES: [&str; 9] = [
    "end",
    "ends",
    "endat",
    "endedat",
    "endoffset",
    "endtime",
    "endtimestamp",
    "audioend",
    "stop",
];
/// Units at the end of a name.
const UNITS: [(&str, Unit); 14] = [
    ("milliseconds", Unit::Milliseconds),
    ("millis", Unit::Milliseconds),
    ("msec", Unit::Milliseconds),
    ("ms", Unit::Milliseconds),
    ("microseconds", Unit::Microseconds),
    ("micros", Unit::Microseconds),
    ("us", Unit::Microseconds),
    ("nanoseconds", Unit::Nanoseconds),
    ("nanos", Unit::Nanoseconds),
    ("ns", Unit::Nanoseconds),
    ("seconds", Unit::Seconds),
    ("secs", Unit::Seconds),
    ("sec", Unit::Seconds),
    ("s", Unit::Seconds),
];

/// The turn with its times.
pub(super) fn timed(mut turn: Turn, fields: &Map<String, Value>) -> Turn {
    let metrics = fields.get("metrics").and_then(Value::as_object);
    let spoken = |names: &[&str]| metrics.and_then(|metrics| first(metrics, names));
    // A caller's `created_at` is when the turn was committed, after the words.
    let spoken_at = spoken(&["started_speaking_at", "startedSpeakingAt"]);
    let spoken_at = spoken_at.filter(|moment| matches!(moment, Moment::At(_)));
    let begin = spoken_at.or_else(|| first(fields, &BEGINS));
    let begin = begin.or_else(|| other(fields, &BEGIN_BASES));
    let spoken_until = || spoken(&["stopped_speaking_at", "stoppedSpeakingAt"]);
    let end = || spoken_until().or_else(|| first(fields, &ENDS));
    let end = || end().or_else(|| other(fields, &END_BASES));
    turn.length_ms = begin.and_then(|begin| length(begin, end()?));
    let created = || first(fields, &CREATIONS) == begin;
    turn.at_creation = spoken_at.is_none() && turn.length_ms.is_none() && created();
    at(turn, begin)
}

/// The turn with the time of its beginning.
pub(super) fn at(mut turn: Turn, begin: Option<Moment>) -> Turn {
    match begin {
        Some(Moment::At(at)) => turn.at = Some(at),
        Some(Moment::Offset(offset)) => turn.offset_ms = Some(offset),
        None => {}
    }
    turn.at_creation &= turn.at.is_some();
    turn
}

fn first(fields: &Map<String, Value>, names: &[&str]) -> Option<Moment> {
    names.iter().find_map(|name| moment(fields.get(*name)?))
}

/// A time in a field with another name: `start_ms`, `BeginOffsetMillis`, `startMs`.
fn other(fields: &Map<String, Value>, bases: &[&str]) -> Option<Moment> {
    fields.iter().find_map(|(name, value)| {
        let (base, unit) = unit_of(name);
        let known = bases.contains(&base.as_str()).then_some(value)?;
        moment_in(known, unit)
    })
}

/// The name without its unit, case and punctuation.
fn unit_of(name: &str) -> (String, Unit) {
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    let plain = plain.collect::<String>().to_ascii_lowercase();
    let found = UNITS.iter().find_map(|(suffix, unit)| {
        let base = plain.strip_suffix(suffix)?;
        // The `s` of `starts` is no unit.
        let is_unit = suffix.len() > 1 || name.ends_with("_s") || name.ends_with('S');
        is_unit.then(|| (base.to_owned(), *unit))
    });
    found.unwrap_or((plain, Unit::BySize))
}

/// Milliseconds from one to the other, if both are of the same kind.
pub(super) fn length(begin: Moment, end: Moment) -> Option<i64> {
    let length = match (begin, end) {
        (Moment::At(begin), Moment::At(end)) => end.as_millisecond() - begin.as_millisecond(),
        (Moment::Offset(begin), Moment::Offset(end)) => end - begin,
        _ => return None,
    };
    Some(length).filter(|length| *length > 0)
}
