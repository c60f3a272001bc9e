//! Whether people spoke: an egress that heard nothing of them has failed.

use super::state::Call;
use crate::domain::participant::Participant;

impl Call {
    /// A person published audio, or an agent reported words.
    pub fn people_spoke(&self) -> bool {
        let voice = |(sid, participant): (&String, &Participant)| {
            participant.is_person() && (participant.has_audio || self.voices.contains(sid))
        };
        self.has_words || self.participants.iter().any(voice)
    }
}
