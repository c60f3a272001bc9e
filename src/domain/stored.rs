//! What an object of the bucket tells of a call that nobody told of: what its key says by RECORDING_PATH, its size, and
//! when it was written. What these do not say is not known.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EgressStatus, Recording, Room, path};

/// Begins the ids that we make for what has none of LiveKit's.
const OURS: &str = "OBJ_";

/// A recording that lies in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When the upload ended: shortly after the recording did.
    pub modified_at: Timestamp,
    pub room: Room,
    /// `{date}` and `{time}`, to the second.
    pub started_at: Option<Timestamp>,
}

impl Stored {
    /// Reads a key by RECORDING_PATH; `None` when it is no recording's.
    pub fn read(template: &str, key: &str, size: u64, modified_at: Timestamp) -> Option<Stored> {
        let apart = path::with_room_id(template);
        let templates = [pieces(template), pieces(&apart)];
        let numbered = without_number(key);
        let keys = [Some(key), numbered.as_deref()];
        let found = templates.iter().flat_map(|pieces| {
            let keys = keys.into_iter().flatten();
            keys.filter_map(move |key| pattern(pieces, key))
        });
        let found: Vec<Read<'_>> = found.collect();
        // `RM_a-2` is the second recording of RM_a, and `desk-RM_a` one that was kept apart from another's; any other
        // name may well end so.
        let by_sid = found.iter().find(|read| read.has_sid());
        let read = by_sid.or(found.first())?;
        let room = Room {
            sid: if read.has_sid() {
                read.room_id.to_owned()
            } else {
                String::new()
            },
            name: name(read.room_name),
            ..Room::default()
        };
        Some(Stored {
            key: key.to_owned(),
            size,
            modified_at,
            room,
            started_at: time(read.date, read.time),
        })
    }

    /// The room's sid, else an id that is made of the key.
    pub fn call_id(&self) -> String {
        match self.room.sid.as_str() {
            "" => self.id(),
            sid => sid.to_owned(),
        }
    }

    /// The same key has always the same id.
    fn id(&self) -> String {
        let digest = Sha256::digest(self.key.as_bytes());
        format!("{OURS}{}", super::hex(&digest[..10]))
    }

    pub fn recording(&self) -> Recording {
        Recording {
            egress_id: self.id(),
            status: EgressStatus::Complete,
            started_at: self.started_at,
            ended_at: Some(self.modified_at),
            key: self.key.clone(),
            size: Some(self.size),
            located: true,
            ..Recording::default()
        }
    }
}

impl Recording {
    /// No egress told of it: its id is ours, and means nothing to LiveKit.
    pub fn was_found(&self) -> bool {
        self.egress_id.starts_with(OURS)
    }
}

/// Whether a key is one that RECORDING_PATH makes.
pub fn fits(template: &str, key: &str) -> bool {
    Stored::read(template, key, 0, Timestamp::UNIX_EPOCH).is_some()
}

/// The part of all keys before the first placeholder.
pub fn prefix(template: &str) -> &str {
    template.split('{').next().unwrap_or_default()
}

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

#[derive(Debug, Clone, Copy, Default)]
struct Read<'a> {
    room_id: &'a str,
    room_name: &'a str,
    date: &'a str,
    time: &'a str,
}

impl Read<'_> {
    /// Jobs' ids and the like may stand for `{room_id}`, too.
    fn has_sid(&self) -> bool {
        let id = self.room_id.strip_prefix("RM_").unwrap_or_default();
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())
    }
}

/// Matches a key from its beginning; names are as long as can be.
fn pattern<'a>(pieces: &[Piece<'_>], key: &'a str) -> Option<Read<'a>> {
    let Some((first, more)) = pieces.split_first() else {
        return key.is_empty().then(Read::default);
    };
    match first {
        Piece::Text(text) => pattern(more, key.strip_prefix(text)?),
        Piece::RoomId => longest(more, key, |read, id| read.room_id = id),
        Piece::RoomName => longest(more, key, |read, name| read.room_name = name),
        Piece::Date => {
            let (date, rest) = digits(key, "0000-00-00")?;
            Some(Read {
                date,
                ..pattern(more, rest)?
            })
        }
        Piece::Time => {
            let (time, rest) = digits(key, "000000")?;
            Some(Read {
                time,
                ..pattern(more, rest)?
            })
        }
    }
}

fn longest<'a>(
    more: &[Piece<'_>],
    key: &'a str,
    set: impl Fn(&mut Read<'a>, &'a str),
) -> Option<Read<'a>> {
    let segment = key.find('/').unwrap_or(key.len());
    let ends = (1..=segment).rev().filter(|end| key.is_char_boundary(*end));
    let (end, mut read) = ends
        .filter_map(|end| Some((end, pattern(more, &key[end..])?)))
        .next()?;
    set(&mut read, &key[..end]);
    Some(read)
}

/// As many characters as `like` has: a digit for each 0.
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

/// The room's name as the key has it. Of one that was cut the rest is not known.
fn name(segment: &str) -> String {
    if path::was_cut(segment) {
        String::new()
    } else {
        segment.to_owned()
    }
}

fn time(date: &str, time: &str) -> Option<Timestamp> {
    let both = format!("{date} {time}");
    let at = DateTime::strptime("%Y-%m-%d %H%M%S", both).ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Call, Event, EventPayload, EventSource, Policy, Sink, apply,
        path::{Fill, key},
    };

    fn read(template: &str, key: &str) -> Option<(String, String, String)> {
        let at = "2026-01-02T04:00:00Z".parse().unwrap();
        let stored = Stored::read(template, key, 1, at)?;
        let started = stored.started_at.map_or(String::new(), |at| at.to_string());
        Some((stored.room.sid, stored.room.name, started))
    }

    fn known(sid: &str, name: &str, started: &str) -> Option<(String, String, String)> {
        Some((sid.to_owned(), name.to_owned(), started.to_owned()))
    }

    #[test]
    fn a_key_tells_what_the_path_put_into_it() {
        let by_id = "recordings/{room_id}.mp3";
        assert_eq!(read(by_id, "recordings/RM_a.mp3"), known("RM_a", "", ""));
        assert_eq!(read(by_id, "recordings/RM_a-2.mp3"), known("RM_a", "", ""));
        let by_time = "rec/{date}-{time}.mp3";
        let (key, at) = ("rec/2026-01-02-030405-RM_a.mp3", "2026-01-02T03:04:05Z");
        assert_eq!(read(by_time, key), known("RM_a", "", at));
        let by_name = read("rec/{room_name}.mp3", "rec/desk-RM_a.mp3");
        assert_eq!(by_name, known("RM_a", "desk", ""));
        // An agent's job may have given its own id.
        assert_eq!(read(by_id, "recordings/AJ_x.mp3"), known("", "", ""));
        for other in [
            "recordings/RM_a.txt",
            "recordings/a/RM_a.mp3",
            "x.mp3",
            "recordings/.mp3",
        ] {
            assert_eq!(read(by_id, other), None, "{other}");
        }
        let dated = "{room_name}/{date}/{room_name}-{time}.mp3";
        let started = "2026-01-02T03:04:05Z";
        assert_eq!(
            read(dated, "a-1-111111/2026-01-02/a-1-111111-030405.mp3"),
            known("", "a-1-111111", started)
        );
        assert_eq!(
            read(dated, "b/2026-01-02/b-030405-3.mp3"),
            known("", "b", started)
        );
        assert_eq!(
            read("{time}.mp3", "030405.mp3"),
            known("", "", ""),
            "no date"
        );
        assert_eq!(
            read("{room_name}.mp3", "call-2.mp3"),
            known("", "call-2", "")
        );
        assert_eq!(prefix(by_id), "recordings/");
        assert_eq!(prefix("{room_id}.mp3"), "");
    }

    #[test]
    fn what_was_found_and_what_was_told_fold_in_any_order() {
        let at: Timestamp = "2026-01-02T04:00:00Z".parse().unwrap();
        let stored = Stored::read("{room_id}.mp3", "RM_1.mp3", 7, at).unwrap();
        let told = Recording {
            egress_id: "EG_1".into(),
            started_at: Some(at),
            ..stored.recording()
        };
        let room = Room {
            sid: "RM_1".into(),
            name: "desk".into(),
            ..Room::default()
        };
        let egress = EventPayload::Egress {
            room,
            recording: Box::new(told),
        };
        let stored = EventPayload::Stored(Box::new(stored));
        let fold = |payloads: [&EventPayload; 3]| {
            let event = |payload: &EventPayload| Event {
                received_at: at,
                source: EventSource::Others,
                payload: payload.clone(),
            };
            let policy = Policy::manual();
            let step = |call: Option<Call>, payload: &EventPayload| {
                Some(apply(call.as_ref(), "RM_1", &event(payload), &policy).call)
            };
            payloads.into_iter().fold(None, step).unwrap()
        };
        let call = fold([&stored, &egress, &stored]);
        assert_eq!(call, fold([&egress, &stored, &egress]));
        assert_eq!(
            (call.room_name.as_str(), call.recordings.len()),
            ("desk", 2)
        );
        let mirrored = call
            .due_deliveries(Timestamp::MIN)
            .into_iter()
            .filter(|due_deliveries| due_deliveries.sink == Sink::Mirror);
        let mirrored: Vec<String> = mirrored.map(|due_deliveries| due_deliveries.item).collect();
        assert_eq!(mirrored, ["EG_1"], "history is not told to the mirror");
    }

    #[test]
    fn what_is_written_is_read() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let template = "r/{date}/{room_name}-{room_id}-{time}.mp3";
        for (name, back) in [("a-b", "a-b"), ("é+ #", "é+ #"), (&"x".repeat(256), "")] {
            let fill = Fill {
                room_id: "RM_1",
                room_name: name,
                at,
            };
            let first = key(template, &fill, |_| false);
            let second = key(template, &fill, |key| key == first);
            for key in [&first, &second] {
                let stored = Stored::read(template, key, 1, at);
                let Some(stored) = stored else {
                    assert_eq!(back, "", "{key} is a cut one");
                    continue;
                };
                assert_eq!(
                    (stored.room.name.as_str(), stored.started_at),
                    (back, Some(at)),
                    "{key}"
                );
            }
        }
    }
}
