//! A call's recording in the bucket that no webhook reported: what its key says by RECORDING_PATH, its size, and when it was
//! written. `backfill` finds such recordings; this service puts agents' audio there by itself.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    agent_audio::{UploadId, is_agent_audio_key},
    egress_status::EgressStatus,
    hex::hex,
    id::CallId,
    key_pattern, path,
    recording::{FOUND, Recording},
    room::Room,
};

/// A recording in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketRecording {
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When the upload ended: shortly after the recording did.
    pub modified_at: Timestamp,
    pub room: Room,
    /// `{date}` and `{time}` of the key, to the second.
    pub started_at: Option<Timestamp>,
    /// Its length in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Of an agent's audio: the upload that it came with. Absent in what earlier versions stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadId>,
}

impl BucketRecording {
    /// Reads a key by RECORDING_PATH; `None` when it is no recording's, or an agent's audio, which belongs to a call that is
    /// known. `size` is in bytes.
    pub fn read(
        template: &str,
        key: &str,
        size: u64,
        modified_at: Timestamp,
    ) -> Option<BucketRecording> {
        let is_egress = !is_agent_audio_key(key);
        let parts = is_egress
            .then(|| key_pattern::read(template, key))
            .flatten()?;
        Some(BucketRecording {
            key: key.to_owned(),
            size,
            modified_at,
            room: Room {
                sid: parts.room_sid.into(),
                name: parts.room_name.into(),
                ..Room::default()
            },
            started_at: parts.started_at,
            duration_ms: None,
            upload: None,
        })
    }

    /// The room's sid, otherwise an ID derived from the key.
    pub fn call_id(&self) -> CallId {
        match self.room.sid.as_str() {
            "" => self.id().into(),
            sid => sid.into(),
        }
    }

    /// The same key always gives the same ID.
    fn id(&self) -> String {
        let digest = Sha256::digest(self.key.as_bytes());
        format!("{FOUND}{}", hex(&digest[..10]))
    }

    /// The recording as a call holds it: complete, with an id that is made of its key.
    pub fn recording(&self) -> Recording {
        Recording {
            egress_id: self.id().into(),
            status: EgressStatus::Complete,
            started_at: self.started_at,
            ended_at: Some(self.modified_at),
            key: self.key.clone(),
            size: Some(self.size),
            duration: self.duration_ms.map(SignedDuration::from_millis),
            located: true,
            ..Recording::default()
        }
    }
}

/// Whether RECORDING_PATH makes this key for a recording of this call: it has the call's sid, or, where the path has none,
/// its room's name.
pub fn fits_call(template: &str, key: &str, call_id: &str, room_name: &str) -> bool {
    let parts = key_pattern::read(template, key);
    parts.is_some_and(|parts| match parts.room_sid.as_str() {
        "" => {
            let by_name = !path::has_room_id(template) && !room_name.is_empty();
            by_name && parts.room_name == room_name
        }
        sid => sid == call_id,
    })
}

/// Whether RECORDING_PATH can have made this key.
pub fn fits(template: &str, key: &str) -> bool {
    key_pattern::read(template, key).is_some()
}

/// The part of all keys before the first placeholder of RECORDING_PATH.
pub fn prefix(template: &str) -> &str {
    template.split('{').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::path::{Fill, key};

    fn read(template: &str, key: &str) -> Option<(String, String, String)> {
        let at = "2026-01-02T04:00:00Z".parse().unwrap();
        let stored = BucketRecording::read(template, key, 1, at)?;
        let started = stored.started_at.map_or(String::new(), |at| at.to_string());
        Some((stored.room.sid.into(), stored.room.name.into(), started))
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
        // An agent's job may have set its own ID.
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
    fn a_key_fits_the_call_that_it_names() {
        let fits = |template, key| fits_call(template, key, "RM_a", "desk");
        let (by_id, by_name) = ("rec/{room_id}.mp3", "rec/{room_name}.mp3");
        assert!(fits(by_id, "rec/RM_a.mp3") && fits(by_id, "rec/RM_a-2.mp3"));
        assert!(fits(by_name, "rec/desk.mp3") && fits(by_name, "rec/desk-RM_a.mp3"));
        for other in ["rec/RM_b.mp3", "rec/AJ_1.mp3", "rec/RM_a.txt", "x/RM_a.mp3"] {
            assert!(!fits(by_id, other), "{other}");
        }
        for other in ["rec/front.mp3", "rec/desk-RM_b.mp3", "rec/.mp3"] {
            assert!(!fits(by_name, other), "{other}");
        }
        assert!(!fits("", "rec/desk.mp3"));
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
                let stored = BucketRecording::read(template, key, 1, at);
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
