//! Several egresses of one call: which of them this service started, which it stopped in favour of another program's,
//! and which count for the row.

use jiff::{SignedDuration, Timestamp};

use super::{agent_audio::FROM_THE_AGENT, state::Call};
use crate::domain::{
    egress_status::EgressStatus, id::EgressId, participant::ParticipantKind, place::Place,
    recording::Recording,
};

/// Two egresses may notice the end of a room this far apart.
pub(super) const SIDE_BY_SIDE: SignedDuration = SignedDuration::from_secs(3);

impl Call {
    /// Our running recording, and another program's that makes it redundant: it also records the room to our bucket.
    pub fn doubled(&self) -> Option<(&Recording, &Recording)> {
        if self.recordings.values().any(|it| self.gave_up_early(it)) {
            return None;
        }
        let theirs = self.recordings.values().find(|recording| {
            recording.status == EgressStatus::Active
                && self.is_running(recording)
                && recording.place == Place::OurBucket
                && !self.is_ours(recording)
        })?;
        let ours = self.recordings.values().find(|recording| {
            self.is_running(recording)
                && self.is_ours(recording)
                && !self.is_set_aside(recording)
                && !self.stops.contains(&recording.egress_id)
        })?;
        Some((ours, theirs))
    }

    /// Whether this service started the recording.
    pub fn is_ours(&self, recording: &Recording) -> bool {
        self.ours.contains(&recording.egress_id)
    }

    /// Whether this recording of ours is stopped in favour of another that is in the bucket, or may still arrive there.
    pub fn is_set_aside(&self, recording: &Recording) -> bool {
        if self.doubled_by_ours(recording).is_some() {
            return true;
        }
        let others = self.superseded.get(&recording.egress_id);
        let mut others = others.into_iter().flatten();
        others.any(|id| {
            let stands = |other: &Recording| !self.is_missing(other);
            !self.superseded.contains_key(id) && self.recordings.get(id).is_some_and(stands)
        })
    }

    /// Whether a recording counts for the row: it is, or may be, in our bucket, and does not just repeat another one.
    pub fn counts(&self, recording: &Recording) -> bool {
        let backup = recording.place.is_backup();
        (backup || !self.is_elsewhere(recording))
            && !self.is_set_aside(recording)
            && !self.failed_beside_ours(recording)
            && !self.is_spare(recording)
    }

    /// Whether the file is not in our bucket. A bucket that was asked and has it knows better than the request: one bucket
    /// may have several names.
    pub fn is_elsewhere(&self, recording: &Recording) -> bool {
        recording.place.is_elsewhere() && !self.is_playable(recording)
    }

    /// Whether our bucket is yet to be asked once for a file that was sent to another name.
    pub(super) fn may_be_here(&self, recording: &Recording) -> bool {
        let same_key = |it: &&Recording| it.key == recording.key;
        let is_only_one = self.recordings.values().filter(same_key).count() == 1;
        let known = self.objects.get(&recording.egress_id);
        let asked = known.is_some_and(|object| object.is_of(recording));
        recording.place.is_named() && recording.expects_file() && is_only_one && !asked
    }

    /// Whether another program's egress left no file while ours was recording. Then nothing of the call is missing.
    fn failed_beside_ours(&self, recording: &Recording) -> bool {
        // One that gave way to it had stopped.
        let ours =
            |it: &&Recording| self.is_ours(it) && !self.superseded.contains_key(&it.egress_id);
        let spans = |it: &Recording| {
            let later = |at: Option<Timestamp>| at.map(|at| at + SIDE_BY_SIDE);
            let on = !self.has_ended(it) || later(it.ended_at) >= recording.ended_at;
            // One that was started because theirs had failed did not record the time before.
            let before = it.started_at <= recording.ended_at;
            on && before && it.started_at <= later(recording.started_at)
        };
        !self.ours.is_empty()
            && !self.is_ours(recording)
            && self.has_ended(recording)
            && self.recordings.values().filter(ours).any(spans)
            && self.is_missing(recording)
    }

    /// Whether the mirror is notified of this recording. If one was requested, additional recordings to other places are not
    /// the call's; an agent's audio beside the recording of an egress is not, either.
    pub fn is_mirrored(&self, recording: &Recording) -> bool {
        let named = matches!(recording.place, Place::Elsewhere(_));
        let beside = named && self.is_elsewhere(recording) && !self.requests.is_empty();
        !beside && !self.is_set_aside(recording) && !self.is_spare(recording)
    }

    /// Whether two recordings, one of this service and one of another program, ran in parallel to the end. Then the shorter
    /// one repeats the longer one and is not a separate part.
    pub fn repeats(&self, shorter: &Recording, longer: &Recording) -> bool {
        let times = |it: &Recording| it.started_at.zip(it.ended_at);
        let both = times(shorter).zip(times(longer));
        let within = both.is_some_and(|((start, end), (longer_start, longer_end))| {
            longer_start <= start + SIDE_BY_SIDE && end <= longer_end + SIDE_BY_SIDE
        });
        self.is_ours(shorter) != self.is_ours(longer) && within
    }

    /// A note for people about a recording that has no error; `None`: there is nothing to say.
    pub fn recording_note(&self, recording: &Recording) -> Option<String> {
        if recording.is_agent_audio() {
            return Some(FROM_THE_AGENT.to_owned());
        }
        let id = &recording.egress_id;
        let who = self.agents_named();
        if let Some(others) = self.superseded.get(id) {
            let others: Vec<&str> = others.iter().map(EgressId::as_str).collect();
            let others = others.join(", ");
            return Some(format!(
                "Stopped because {others}, started by {who}, also records the call. {ONE_RECORDER}"
            ));
        }
        let ours = self.superseded.iter().find(|(_, by)| by.contains(id));
        if let Some((ours, _)) = ours {
            return Some(format!(
                "Started by {who}; {ours} of this service was stopped in its favour. {ONE_RECORDER}"
            ));
        }
        let found = self.is_playable(recording);
        Some(recording.place.note()).filter(|note| !found && !note.is_empty())
    }

    /// The agents in the room, for sentences: `agent "Ava"`.
    pub fn agents_named(&self) -> String {
        let agents = self.participants.values();
        let agents = agents.filter(|it| it.kind == ParticipantKind::Agent);
        let mut names: Vec<&str> = agents
            .map(|agent| match agent.name.as_str() {
                "" => agent.identity.as_str(),
                name => name,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        match names.as_slice() {
            [] => "another program".to_owned(),
            [name] => format!("agent \"{name}\" or another program"),
            names => format!("one of the agents \"{}\"", names.join("\", \"")),
        }
    }
}

/// Advice that avoids double recordings.
pub const ONE_RECORDER: &str = "To record each call once, remove the egress from the agent (or from CreateRoom), or set RECORD_ON=manual: the service then starts nothing and follows the egresses of others.";
