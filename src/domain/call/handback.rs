//! The egress of another program ends before its call: the rest of the call is recorded by this service.

use jiff::{SignedDuration, Timestamp};

use super::state::{Call, RecordingRequest};
use crate::domain::{participant::Participant, recording::Recording};

/// How long a room that is about to close may take to do so after the other program's egress has ended.
const CLOSING: SignedDuration = SignedDuration::from_secs(5);
/// A recording that ends this long before the last person leaves lacks the rest of the call.
const SHORT: SignedDuration = SignedDuration::from_secs(15);

impl Call {
    /// Whether the recording fulfils this request. The standing request of RECORD_ON is for the rest of the call, too.
    pub fn fulfils(&self, recording: &Recording, request: &RecordingRequest) -> bool {
        let is_standing = request.is_standing();
        let left_off = is_standing && self.is_open() && self.left_off(recording);
        let older = self.doubled_by_ours(recording);
        let older_serves = older.is_some_and(|older| self.serves(older));
        !request.ended.contains(&recording.egress_id)
            && (self.serves(recording) || older_serves)
            && !(left_off && self.has_people())
    }

    /// When the rest of the call may be recorded, by LiveKit's clock; `None`: no other program ended its egress.
    pub fn handed_back_at(&self) -> Option<Timestamp> {
        let stopped = |it: &&Recording| self.left_off(it) && !self.died(it);
        let ended = self.recordings.values().filter(stopped);
        let last = ended.filter_map(|it| it.ended_at).max()?;
        Some(last + CLOSING)
    }

    /// How much of the end of the call another program's egress did not record, if nothing else did.
    pub(in crate::domain) fn unrecorded_rest(&self) -> Option<SignedDuration> {
        let room_ended_at = self.ended_at()?;
        let counted = self.recordings.values().filter(|it| self.counts(it));
        let last = counted.max_by_key(|it| it.ended_at)?;
        let is_wanted =
            self.requests.iter().any(RecordingRequest::is_standing) && self.left_off(last);
        let people = self.participants.values().filter(|it| it.is_person());
        let left_at = people.map(|it| it.left_at.unwrap_or(room_ended_at)).max()?;
        let rest = left_at.min(room_ended_at).duration_since(last.ended_at?);
        (is_wanted && rest > SHORT).then_some(rest)
    }

    /// Another program's egress that has ended although nobody asked this service to stop it.
    fn left_off(&self, recording: &Recording) -> bool {
        let id = &recording.egress_id;
        self.has_ended(recording)
            && !self.is_ours(recording)
            && !self.stops.contains(id)
            && !recording.was_found()
    }

    /// Whether a person is in the room, as far as events tell.
    fn has_people(&self) -> bool {
        let is_there = |it: &Participant| it.is_person() && it.left_at.is_none();
        self.participants.values().any(is_there)
    }
}
