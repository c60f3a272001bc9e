//! Reads an object's key by RECORDING_PATH: what [`path::key`](super::path::key) put into it.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::path;

/// What a key says of its recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyParts {
    /// `RM_…`; empty when the key does not hold it.
    pub room_sid: String,
    /// Empty when the key does not hold it, or not all of it.
    pub room_name: String,
    /// `{date}` and `{time}`, to the second.
    pub started_at: Option<Timestamp>,
}

/// Reads a key by a template like RECORDING_PATH; `None` when the template cannot have made it.
pub(super) fn read(template: &str, key: &str) -> Option<KeyParts> {
    let apart = path::with_room_id(template);
    let templates = [pieces(template), pieces(&apart)];
    let numbered = without_number(key);
    let keys = [Some(key), numbered.as_deref()];
    let found = templates.iter().flat_map(|pieces| {
        let keys = keys.into_iter().flatten();
        keys.filter_map(move |key| pattern(pieces, key))
    });
    let found: Vec<Match<'_>> = found.collect();
    // `RM_a-2` is the second recording of RM_a, and `desk-RM_a` one that was kept apart from another call's; other
    // names may end like this by chance.
    let with_sid = found.iter().find(|found| found.has_sid());
    let found = with_sid.or(found.first())?;
    let sid = if found.has_sid() { found.room_id } else { "" };
    Some(KeyParts {
        room_sid: sid.to_owned(),
        room_name: name(found.room_name),
        started_at: time(found.date, found.time),
    })
}

/// The text of a key at each placeholder; empty where the template has none.
#[derive(Debug, Clone, Copy, Default)]
struct Match<'a> {
    room_id: &'a str,
    room_name: &'a str,
    date: &'a str,
    time: &'a str,
}

impl Match<'_> {
    /// `{room_id}` may also hold a job's id and the like.
    fn has_sid(&self) -> bool {
        let id = self.room_id.strip_prefix("RM_").unwrap_or_default();
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())
    }
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    RoomId,
    RoomName,
    Date,
    Time,
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    let names = [
        ("{room_id}", Piece::RoomId),
        ("{room_name}", Piece::RoomName),
        ("{date}", Piece::Date),
        ("{time}", Piece::Time),
    ];
    let (mut rest, mut pieces) = (template, Vec::new());
    while !rest.is_empty() {
        let placeholder = names.iter().find(|(name, _)| rest.starts_with(name));
        let (piece, length) = match placeholder {
            Some((name, piece)) => (*piece, name.len()),
            None => {
                let end = rest[1..].find('{').map_or(rest.len(), |at| at + 1);
                (Piece::Text(&rest[..end]), end)
            }
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

/// Matches a key from its beginning; names are as long as possible.
fn pattern<'a>(pieces: &[Piece<'_>], key: &'a str) -> Option<Match<'a>> {
    let Some((first, more)) = pieces.split_first() else {
        return key.is_empty().then(Match::default);
    };
    match first {
        Piece::Text(text) => pattern(more, key.strip_prefix(text)?),
        Piece::RoomId => longest(more, key, |found, id| found.room_id = id),
        Piece::RoomName => longest(more, key, |found, name| found.room_name = name),
        Piece::Date => {
            let (date, rest) = digits(key, "0000-00-00")?;
            Some(Match {
                date,
                ..pattern(more, rest)?
            })
        }
        Piece::Time => {
            let (time, rest) = digits(key, "000000")?;
            Some(Match {
                time,
                ..pattern(more, rest)?
            })
        }
    }
}

/// Matches a name up to the end of its path segment, the longest first.
fn longest<'a>(
    more: &[Piece<'_>],
    key: &'a str,
    set: impl Fn(&mut Match<'a>, &'a str),
) -> Option<Match<'a>> {
    let segment = key.find('/').unwrap_or(key.len());
    let ends = (1..=segment).rev().filter(|end| key.is_char_boundary(*end));
    let (end, mut found) = ends
        .filter_map(|end| Some((end, pattern(more, &key[end..])?)))
        .next()?;
    set(&mut found, &key[..end]);
    Some(found)
}

/// Splits off as many characters as `like` has: a digit for each 0.
fn digits<'a>(key: &'a str, like: &str) -> Option<(&'a str, &'a str)> {
    let (found, rest) = key.split_at_checked(like.len())?;
    let fits = |(have, want): (u8, u8)| match want {
        b'0' => have.is_ascii_digit(),
        want => have == want,
    };
    found
        .bytes()
        .zip(like.bytes())
        .all(fits)
        .then_some((found, rest))
}

/// The key without the `-2` of a second recording.
fn without_number(key: &str) -> Option<String> {
    let (stem, extension) = path::split_extension(key);
    let (stem, number) = stem.rsplit_once('-')?;
    let counts = number.parse::<u32>().is_ok_and(|n| n > 1) && !number.starts_with('0');
    counts.then(|| format!("{stem}{extension}"))
}

fn time(date: &str, time: &str) -> Option<Timestamp> {
    let both = format!("{date} {time}");
    let at = DateTime::strptime("%Y-%m-%d %H%M%S", both).ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

/// The room's name as the key has it; empty for a name that was cut, whose rest is unknown.
fn name(segment: &str) -> String {
    if path::was_cut(segment) {
        String::new()
    } else {
        segment.to_owned()
    }
}
