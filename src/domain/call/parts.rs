//! Calls with several recordings: the one in the row's columns, and the other parts.

use jiff::SignedDuration;

use super::state::Call;
use crate::domain::{file_type::content_type, object::ObjectState, recording::Recording};

impl Call {
    /// The recording shown in the row's columns: the longest playable one, otherwise the newest that counts, otherwise
    /// the newest.
    pub fn primary_recording(&self) -> Option<&Recording> {
        let newest = |r: &&Recording| (r.started_at, r.egress_id.clone());
        let all = || self.recordings.values().filter(|_| !self.simulated);
        let counted = || all().filter(|it| self.counts(it));
        let heard = counted().filter(|it| !self.is_silent(it));
        self.longest_recording()
            .or_else(|| heard.max_by_key(newest))
            .or_else(|| counted().max_by_key(newest))
            .or_else(|| all().max_by_key(newest))
    }

    /// By duration; by size where a duration is unknown. Of equal ones the newest.
    fn longest_recording(&self) -> Option<&Recording> {
        let playable = || {
            let recordings = self.recordings.values().filter(|_| !self.simulated);
            let counted = recordings.filter(|it| self.counts(it));
            counted.filter(|it| self.is_playable(it))
        };
        let all_known = playable().all(|it| it.duration.is_some());
        let length = |r: &&Recording| {
            let duration = r.duration.filter(|_| all_known);
            let newest = (r.started_at, r.egress_id.clone());
            (duration, self.size(r).filter(|_| !all_known), newest)
        };
        playable().max_by_key(length)
    }

    /// Bytes of a recording's object.
    fn size(&self, recording: &Recording) -> Option<u64> {
        match self.object(recording) {
            Some(ObjectState::Found { size }) => Some(*size),
            _ => None,
        }
    }

    /// The recording that people can play, with its object's size in bytes.
    pub fn playable_recording(&self) -> Option<(&Recording, u64)> {
        let recording = self.primary_recording()?;
        Some((recording, self.size(recording)?))
    }

    /// The call's recordings by time: those that have ended and count, without silent ones.
    pub fn parts(&self) -> Vec<&Recording> {
        let mut parts: Vec<&Recording> = self
            .recordings
            .values()
            .filter(|it| self.counts(it) && !self.is_silent(it))
            .filter(|it| self.has_ended(it) || self.is_playable(it))
            .collect();
        parts.sort_by_key(|it| (it.started_at, it.egress_id.clone()));
        parts
    }

    /// The recordings that get a waveform: MP3s in the bucket, of a call that is over.
    pub fn to_draw(&self) -> Vec<&Recording> {
        if self.is_open() || self.is_others() {
            return Vec::new();
        }
        let mut parts = self.parts();
        let is_mp3 = |it: &Recording| content_type(&it.key) == content_type(".mp3");
        parts.retain(|it| self.is_playable(it) && is_mp3(it) && !self.is_contested(it));
        parts
    }

    /// The recording's length, else the room's.
    pub fn duration(&self) -> Option<SignedDuration> {
        let room = || Some(self.ended_at()?.duration_since(self.started_at()?));
        let recorded = self.primary_recording().and_then(|r| r.duration);
        recorded.or_else(room).filter(|it| !it.is_negative())
    }
}
