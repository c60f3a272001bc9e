//! Whether people spoke. If they did, an egress without audio has failed.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{participant::Participant, recording::Recording};

impl Call {
    /// A person published audio, or an agent reported words.
    pub fn people_spoke(&self) -> bool {
        self.has_words || self.voices_of_people().next().is_some()
    }

    /// Whether this recording ended before anybody spoke, and a newer one took its place: nothing was missed.
    pub(super) fn was_early(&self, recording: &Recording) -> bool {
        let newer = |it: &Recording| it.started_at > recording.started_at;
        let is_followed = self.recordings.values().any(newer);
        is_followed && !self.people_spoke_by(recording.ended_at)
    }

    /// Whether people spoke before that time. Words without a known voice, and voices of which no event says when they
    /// began, may have been there from the start.
    fn people_spoke_by(&self, time: Option<Timestamp>) -> bool {
        let mut voices = self.voices_of_people().peekable();
        match voices.peek() {
            None => self.has_words,
            Some(_) => voices.any(|began| began.is_none() || time.is_none() || began <= time),
        }
    }

    /// When each person who published audio began to do so; `None` where no event says when.
    fn voices_of_people(&self) -> impl Iterator<Item = Option<Timestamp>> {
        let voice = |(sid, participant): (&String, &Participant)| {
            let began = self.voiced_at.get(sid).copied();
            let is_heard = participant.has_audio || self.voices.contains(sid);
            (participant.is_person() && is_heard).then_some(began)
        };
        let crowd = self.crowd.spoke.then_some(self.crowd.spoke_at);
        self.participants.iter().filter_map(voice).chain(crowd)
    }
}
