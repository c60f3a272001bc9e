//! How each kind of event changes a call.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::state::{Call, NameSource, RecordingRequest};
use crate::domain::{
    agent_audio::{ReportedAudio, UploadId},
    bucket_recording::BucketRecording,
    event::{EventPayload, Observation, Request, Voice},
    latest::Latest,
    participant::{Participant, earliest},
    path,
    policy::{Policy, RecordOn},
    project::{Signer, Standing},
    recording::Recording,
    room::{AgentJob, Room},
    start_refusal::NotStarted,
    transcript::ReportFacts,
};

impl Call {
    /// LiveKit's name counts; without one the alphabetically first of the names that others gave.
    pub(super) fn merge_name(&mut self, room: &Room, source: NameSource) {
        let better = source > self.name_source
            || source == self.name_source
                && (self.room_name.is_empty() || room.name < self.room_name);
        let is_certain = room.other_names.is_empty();
        if better && is_certain && !room.name.is_empty() {
            self.room_name = room.name.clone();
            self.name_source = source;
        }
    }

    /// Who signed a webhook of the call. An earlier key of ours does not prove that the room is ours: others may know its
    /// secret. A report is signed by anybody who may join.
    pub(super) fn merge_signer(&mut self, signer: &Signer, payload: &EventPayload) {
        if !matches!(payload, EventPayload::Report { .. }) {
            self.signers.insert(signer.key.clone());
            self.listed |= signer.standing == Standing::Ours;
        }
    }

    /// What an event of LiveKit's says of the room; `at`: when it was sent.
    pub(super) fn merge_room(&mut self, room: &Room, at: Timestamp) {
        self.merge_name(room, NameSource::LiveKit);
        self.created_at = earliest(self.created_at, room.created_at);
        self.first_seen_at = earliest(self.first_seen_at, Some(at));
        if !room.metadata.is_empty() {
            let metadata = Latest::new(Some(at), room.metadata.clone());
            self.metadata.update(metadata);
        }
        if room.job != AgentJob::default() {
            self.job.update(Latest::new(Some(at), room.job.clone()));
        }
    }

    /// The same of an event that shows the room open; `received_at` is by our clock.
    pub(super) fn merge_open_room(&mut self, room: &Room, at: Timestamp, received_at: Timestamp) {
        self.merge_room(room, at);
        self.alive_at = self.alive_at.max(Some(at.min(received_at)));
        self.missing.retain(|at| Some(*at) > self.alive_at);
    }

    /// The standing request of RECORD_ON and RECORD_ROOMS; `joined`: the participant of the event.
    pub(super) fn request_by_policy(&mut self, policy: &Policy, joined: Option<&Participant>) {
        let has_person = joined.is_some_and(Participant::is_person);
        if policy.takes(&self.room_name) && (policy.on == RecordOn::RoomStarted || has_person) {
            self.requests.insert(RecordingRequest {
                asked_at: None,
                path_id: None,
                ended: BTreeSet::new(),
            });
        }
    }

    /// A participant that an event describes.
    pub(super) fn merge_participant(&mut self, policy: &Policy, participant: &Participant) {
        self.merge_simulator(policy, participant);
        let kept = policy.attributes.bounded(participant.clone());
        let known = self.participants.entry(participant.sid.clone());
        known.or_default().merge(kept);
        self.limit_participants();
    }

    /// A participant published audio at this time.
    pub(super) fn merge_voice(&mut self, policy: &Policy, voice: &Voice, at: Timestamp) {
        self.voices.insert(voice.sid.clone());
        let known = self.voiced_at.entry(voice.sid.clone()).or_insert(at);
        *known = at.min(*known);
        self.request_by_policy(policy, voice.participant.as_ref());
        if let Some(participant) = &voice.participant {
            self.merge_participant(policy, participant);
        }
        self.limit_voices();
    }

    /// Merges the recording that an event reports.
    pub(super) fn merge_recording(&mut self, recording: Recording) {
        self.first_seen_at = earliest(self.first_seen_at, recording.started_at);
        match self.recordings.get_mut(&recording.egress_id) {
            Some(known) => known.merge(recording),
            None => {
                let id = recording.egress_id.clone();
                self.recordings.insert(id, recording);
            }
        }
    }

    /// Merges a recording in the bucket that no egress reported.
    pub(super) fn merge_found(&mut self, found: &BucketRecording) {
        self.merge_name(&found.room, NameSource::Others);
        self.merge_recording(found.recording());
        if let Some(upload) = &found.upload {
            self.audio_uploads.stored(upload);
        }
    }

    /// Notes an agent's report, whose body stays in the inbox, and the audio that was uploaded with it; `at`: when it arrived,
    /// by our clock.
    pub(super) fn merge_report(
        &mut self,
        facts: &ReportFacts,
        audio: Option<&(UploadId, ReportedAudio)>,
        at: Timestamp,
    ) {
        if let Some((upload, audio)) = audio {
            self.audio_uploads.arrived(upload, audio, at);
        }
        self.has_words |= facts.has_words;
        let refused = facts.refused_words.as_ref();
        let refused = refused.map(|why| Latest::new(at, why.clone()));
        self.refused_words = self.refused_words.take().max(refused);
        self.reported_at = self.reported_at.max(Some(at));
        self.reports_apart = true;
    }

    /// A start or stop that somebody asked for; `at`: when, by our clock.
    pub(super) fn merge_request(&mut self, request: &Request, at: Timestamp) {
        match request {
            Request::Start { path_id, ended } => {
                self.requests.insert(RecordingRequest {
                    asked_at: Some(at),
                    path_id: path_id.as_deref().map(path::segment_of),
                    ended: ended.clone(),
                });
            }
            Request::Stop { egress_id } => {
                self.stops.insert(egress_id.clone());
            }
            Request::Retry => self.retried_at = self.retried_at.max(Some(at)),
        }
    }

    /// What reconcile or a sink found out; `at`: when, by our clock.
    pub(super) fn merge_finding(&mut self, observation: &Observation, at: Timestamp) {
        match observation {
            Observation::RoomMissing if Some(at) > self.alive_at => {
                self.missing.insert(at);
            }
            Observation::RoomMissing => {}
            Observation::RoomGone => self.gone_at = self.gone_at.max(Some(at)),
            Observation::NotStarted { error, refusal } => {
                let not_started = NotStarted {
                    at,
                    error: error.clone(),
                    refusal: *refusal,
                };
                self.not_started = self.not_started.take().max(Some(not_started));
            }
            Observation::Object { egress_id, object } => {
                let known = self.objects.get(egress_id);
                if known.is_none_or(|known| object > known) {
                    self.objects.insert(egress_id.clone(), object.clone());
                }
            }
            Observation::TranscriptKept { key } => {
                let kept = Latest::new(at, key.clone());
                self.transcript_file = self.transcript_file.take().max(Some(kept));
            }
            Observation::Aligned { alignment } => {
                let aligned = Latest::new(at, alignment.clone());
                self.alignment = self.alignment.take().max(Some(aligned));
            }
            Observation::EgressLost { egress_id } => {
                self.lost.insert(egress_id.clone());
                let last = self.lost_at.entry(egress_id.clone()).or_insert(at);
                *last = at.max(*last);
            }
            Observation::RecorderGone { egress_id } => {
                let known = self.recorders_gone.entry(egress_id.clone()).or_insert(at);
                *known = at.max(*known);
            }
            Observation::Started { egress_id } => {
                self.ours.insert(egress_id.clone());
            }
            Observation::AudioGone {
                message_id,
                is_needless,
            } => self.audio_uploads.gone(message_id, *is_needless),
            Observation::AudioNotStored { message_id, error } => {
                self.audio_uploads.not_stored(message_id, error, at);
            }
            Observation::KeyContested { key, by } => {
                let others = self.contested.entry(key.clone());
                others.or_default().insert(by.clone());
            }
            Observation::Superseded { egress_id, by } => {
                let others = self.superseded.entry(egress_id.clone());
                others.or_default().insert(by.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::room::Room;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_room_is_missing_since_the_first_list_after_it_was_seen() {
        type Step = fn(&mut Call);
        let steps: [Step; 4] = [
            |call| call.merge_finding(&Observation::RoomMissing, at(5)),
            |call| call.merge_open_room(&Room::default(), at(10), at(10)),
            |call| call.merge_finding(&Observation::RoomMissing, at(15)),
            |call| call.merge_finding(&Observation::RoomMissing, at(16)),
        ];
        for order in [
            [0, 1, 2, 3],
            [3, 2, 1, 0],
            [2, 0, 3, 1],
            [0, 3, 1, 2],
            [1, 3, 0, 2],
        ] {
            let mut call = Call::default();
            order.iter().for_each(|n: &usize| steps[*n](&mut call));
            assert_eq!(call.missing_since(), Some(at(15)), "{order:?}");
            call.merge_finding(&Observation::RoomMissing, at(25));
            assert_eq!(call.missing_since(), Some(at(15)), "{order:?}");
        }
    }
}
