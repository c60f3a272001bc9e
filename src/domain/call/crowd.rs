//! How many participants a call keeps: its state does not grow with joins.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::participant::{Participant, ParticipantKind};

/// Participants who are kept; more people are only counted.
const MOST: usize = 200;
/// Agents, telephones and LiveKit's own participants are kept beyond that, up to this number.
const MOST_IMPORTANT: usize = 1000;
/// Voices that are kept of participants whom no event has described.
const MOST_VOICES: usize = 1000;

impl Call {
    /// How many participants are known, with those who are only counted.
    pub fn participant_count(&self) -> usize {
        self.participants.len() + self.crowd.count()
    }

    /// Counts the participants beyond the limit and keeps nothing else of them: of people those who joined last.
    pub(super) fn limit_participants(&mut self) {
        while self.participants.len() > MOST {
            let important = self.participants.values().filter(|it| is_important(it));
            let rank = match important.count() {
                count if count > MOST_IMPORTANT => Rank::Important,
                count if count == self.participants.len() => break,
                _ => Rank::Person,
            };
            let removable = self.participants.values().filter(|it| rank.has(it));
            let last = removable.max_by_key(|it| (it.joined_at.unwrap_or(Timestamp::MAX), &it.sid));
            let Some(sid) = last.map(|last| last.sid.clone()) else {
                break;
            };
            self.count_only(&sid);
        }
    }

    fn count_only(&mut self, sid: &str) {
        let Some(participant) = self.participants.remove(sid) else {
            return;
        };
        self.crowd.add(sid);
        if participant.is_person() && participant.has_audio {
            self.crowd.speak(self.voiced_at.get(sid).copied());
        }
        self.limit_voices();
    }

    /// Keeps nothing of the voices of participants who are only counted, but that there was one.
    pub(super) fn limit_voices(&mut self) {
        if !self.crowd.is_empty() {
            let is_counted =
                |sid: &String| !self.participants.contains_key(sid) && self.crowd.may_have(sid);
            let counted: Vec<String> = self
                .voices
                .iter()
                .filter(|sid| is_counted(sid))
                .cloned()
                .collect();
            for sid in counted {
                self.voices.remove(&sid);
                let at = self.voiced_at.remove(&sid);
                self.crowd.speak(at);
            }
        }
        while self.voices.len() > MOST_VOICES
            && let Some(last) = self.voices.pop_last()
        {
            self.voiced_at.remove(&last);
        }
    }
}

/// Which participants a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Person,
    Important,
}

impl Rank {
    fn has(self, participant: &Participant) -> bool {
        (self == Rank::Important) == is_important(participant)
    }
}

fn is_important(participant: &Participant) -> bool {
    participant.kind != ParticipantKind::Standard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Policy, event::Voice};

    fn person(n: usize, kind: ParticipantKind) -> Participant {
        Participant {
            sid: format!("PA_{n:04}"),
            kind,
            joined_at: Timestamp::from_second(1_800_000_000 + n as i64 % 900).ok(),
            ..Participant::default()
        }
    }

    /// Every tenth comes by telephone, and every third speaks.
    fn joined(order: impl Iterator<Item = usize>) -> Call {
        let (mut call, policy) = (Call::default(), Policy::manual());
        for n in order {
            let kind = match n % 10 {
                0 => ParticipantKind::Sip,
                _ => ParticipantKind::Standard,
            };
            let participant = person(n, kind);
            if n % 3 == 0 {
                let voice = Voice {
                    sid: participant.sid.clone(),
                    participant: None,
                };
                call.merge_voice(&policy, &voice, Timestamp::UNIX_EPOCH);
            }
            call.merge_participant(&policy, &participant);
        }
        call
    }

    #[test]
    fn the_first_people_and_all_telephones_are_kept_in_any_order() {
        let call = joined(0..1000);
        assert_eq!(call.participants.len(), MOST);
        assert_eq!(call.participant_count(), 1000);
        let by_telephone = call.participants.values().filter(|it| is_important(it));
        assert_eq!(by_telephone.count(), 100);
        assert!(call.participants.contains_key("PA_0001"));
        assert_eq!(call, joined((0..1000).rev().chain(200..300)));
        assert!(call.people_spoke());
    }

    #[test]
    fn a_voice_in_the_crowd_counts_also_if_it_is_heard_later() {
        let (mut call, policy) = (Call::default(), Policy::manual());
        for n in 0..300 {
            call.merge_participant(&policy, &person(n, ParticipantKind::Standard));
        }
        assert!(!call.people_spoke());
        let voice = Voice {
            sid: "PA_0299".into(),
            participant: None,
        };
        call.merge_voice(&policy, &voice, Timestamp::UNIX_EPOCH);
        assert!(call.people_spoke() && call.voices.is_empty());
    }
}
