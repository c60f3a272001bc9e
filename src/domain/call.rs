//! A call: one LiveKit room session, a pure fold of its events. Any permutation, with repeats, gives the same call:
//! every field is a minimum, a maximum, a union, or the newest by a stamp that the event carries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, EventPayload, EventSource, Job, Observation, Request, Room},
    participant::{Participant, earliest},
    policy::{Policy, RecordOn},
    recording::{Object, Recording},
    sink::Sink,
    transcript::Reports,
};

mod standing;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Call {
    /// The room's sid, `RM_…`.
    pub id: String,
    pub room_name: String,
    /// Whether LiveKit gave that name, and not only people or agents.
    #[serde(default)]
    pub named_by_livekit: bool,
    /// The room's metadata, as the newest event that had any told it.
    pub metadata: (Option<Timestamp>, String),
    /// The agent's job, as the newest event that told one.
    #[serde(default)]
    pub job: (Option<Timestamp>, Job),
    /// When LiveKit says that the room was created.
    pub created_at: Option<Timestamp>,
    /// The earliest time that any event of the room carried, when no event told `created_at`.
    #[serde(rename = "heard_from")]
    pub first_seen_at: Option<Timestamp>,
    /// When an event last showed the room open, by our clock or LiveKit's, whichever is earlier: a webhook that comes
    /// late shows that it was open when it was sent.
    pub alive_at: Option<Timestamp>,
    /// `room_finished`.
    pub finished_at: Option<Timestamp>,
    /// When LiveKit was last asked and did not know the room, by our clock.
    pub gone_at: Option<Timestamp>,
    pub participants: BTreeMap<String, Participant>,
    /// By egress id.
    pub recordings: BTreeMap<String, Recording>,
    /// What the bucket last said, by egress id.
    pub objects: BTreeMap<String, Object>,
    /// Egresses that will not be heard of again.
    pub lost: BTreeSet<String>,
    pub reports: Reports,
    /// Where the whole text of a long transcript lies in the bucket, and when it was put there.
    #[serde(default)]
    pub transcript_file: Option<(Timestamp, String)>,
    /// Wishes for a recording; the standing wish of the policy is one of them.
    #[serde(rename = "wanted")]
    pub requests: BTreeSet<RecordingRequest>,
    /// Wishes for the end of a recording, by egress id.
    pub stops: BTreeSet<String>,
    /// The newest refusal to start a recording.
    pub not_started: Option<NotStarted>,
    /// The API keys that signed its webhooks.
    #[serde(default)]
    pub signers: BTreeSet<String>,
    /// LiveKit told of it when it was asked with LIVEKIT_API_KEY.
    #[serde(default)]
    pub listed: bool,
    /// Its transcript was taken out after KEEP, and its messages are gone: what the row says of them stays as it is.
    #[serde(rename = "forgotten", default)]
    pub purged: bool,
}

/// A wish for a recording: fulfilled by any egress that had not ended when it was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordingRequest {
    /// When somebody asked; `None` for the standing wish of the policy.
    pub asked_at: Option<Timestamp>,
    pub path_id: Option<String>,
    pub ended: BTreeSet<String>,
}

/// The larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotStarted {
    pub at: Timestamp,
    pub error: String,
    pub no_room: bool,
    /// Nobody will try again.
    pub over: bool,
}

impl NotStarted {
    /// For people: what happened, and what comes next; `open`: the room is.
    pub fn text(&self, open: bool) -> String {
        let next = match open {
            _ if self.over => return self.error.clone(),
            true => "It is tried again while the call lasts.",
            false => "The call is over; LiveKit is still asked whether anybody else recorded it.",
        };
        format!("{} {next}", self.error)
    }
}

/// A delivery that a change of the call makes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDelivery {
    pub sink: Sink,
    /// The egress id, for sinks that work by recording; else empty.
    pub item: String,
}

/// What an event made of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub call: Call,
    pub changed: bool,
    pub due_deliveries: Vec<DueDelivery>,
}

/// Folds one event into its call. Cannot fail and cannot see the clock.
pub fn apply(call: Option<&Call>, id: &str, event: &Event, policy: &Policy) -> Step {
    let before = call.cloned().unwrap_or_else(|| Call {
        id: id.to_owned(),
        ..Call::default()
    });
    let mut after = before.clone();
    after.fold(event, policy);
    let changed = call.is_none() || after != before;
    let due_deliveries = match changed {
        true => after.due_deliveries(policy.began_at),
        false => Vec::new(),
    };
    Step {
        call: after,
        changed,
        due_deliveries,
    }
}

impl Call {
    fn fold(&mut self, event: &Event, policy: &Policy) {
        match &event.source {
            EventSource::Webhook { key } => {
                self.signers.insert(key.clone());
            }
            EventSource::Api => self.listed = true,
            EventSource::Others => {}
        }
        match &event.payload {
            EventPayload::RoomSeen { room, at } => {
                self.see(room, *at);
                self.note_alive(event.received_at.min(*at));
                self.request_by_policy(policy, false);
            }
            EventPayload::RoomFinished { room, at } => {
                self.see(room, *at);
                self.finished_at = earliest(self.finished_at, Some(*at));
                self.request_by_policy(policy, false);
            }
            EventPayload::Participant {
                room,
                participant,
                at,
            } => {
                self.see(room, *at);
                self.note_alive(event.received_at.min(*at));
                self.request_by_policy(policy, participant.is_person());
                let known = self.participants.entry(participant.sid.clone());
                known.or_default().merge(participant.clone());
            }
            EventPayload::Egress { room, recording } => {
                self.name(room, true);
                self.merge_recording(recording);
            }
            EventPayload::Stored(stored) => {
                self.name(&stored.room, false);
                self.merge_recording(&stored.recording());
            }
            EventPayload::Report { room, report } => {
                self.name(room, false);
                self.reports.add(report, event.received_at);
            }
            EventPayload::Request { room, request } => {
                self.name(room, false);
                self.ask(request, event.received_at);
            }
            EventPayload::Observation { observation, .. } => {
                self.find(observation, event.received_at)
            }
            EventPayload::Nothing => {}
        }
    }

    /// LiveKit's word; until it was heard, the first in the alphabet of the names that others gave.
    fn name(&mut self, room: &Room, by_livekit: bool) {
        let better = match (by_livekit, self.named_by_livekit) {
            (true, false) => true,
            (false, true) => false,
            _ => self.room_name.is_empty() || room.name < self.room_name,
        };
        if better && !room.name.is_empty() {
            self.room_name = room.name.clone();
            self.named_by_livekit = by_livekit;
        }
    }

    fn see(&mut self, room: &Room, at: Timestamp) {
        self.name(room, true);
        self.created_at = earliest(self.created_at, room.created_at);
        self.first_seen_at = earliest(self.first_seen_at, Some(at));
        let told = (Some(at), room.metadata.clone());
        if !room.metadata.is_empty() && told > self.metadata {
            self.metadata = told;
        }
        let job = (Some(at), room.job.clone());
        if room.job != Job::default() && job > self.job {
            self.job = job;
        }
    }

    fn note_alive(&mut self, at: Timestamp) {
        self.alive_at = self.alive_at.max(Some(at));
    }

    fn request_by_policy(&mut self, policy: &Policy, person: bool) {
        if policy.takes(&self.room_name) && (policy.on == RecordOn::RoomStarted || person) {
            self.requests.insert(RecordingRequest {
                asked_at: None,
                path_id: None,
                ended: BTreeSet::new(),
            });
        }
    }

    fn merge_recording(&mut self, recording: &Recording) {
        self.first_seen_at = earliest(self.first_seen_at, recording.started_at);
        match self.recordings.get_mut(&recording.egress_id) {
            Some(known) => known.merge(recording.clone()),
            None => {
                let id = recording.egress_id.clone();
                self.recordings.insert(id, recording.clone());
            }
        }
    }

    fn ask(&mut self, request: &Request, at: Timestamp) {
        match request {
            Request::Start { path_id, ended } => {
                self.requests.insert(RecordingRequest {
                    asked_at: Some(at),
                    path_id: path_id.clone(),
                    ended: ended.clone(),
                });
            }
            Request::Stop { egress_id } => {
                self.stops.insert(egress_id.clone());
            }
        }
    }

    fn find(&mut self, observation: &Observation, at: Timestamp) {
        match observation {
            Observation::RoomGone => self.gone_at = self.gone_at.max(Some(at)),
            Observation::NotStarted {
                error,
                no_room,
                over,
            } => {
                let told = NotStarted {
                    at,
                    error: error.clone(),
                    no_room: *no_room,
                    over: *over,
                };
                if self.not_started.as_ref().is_none_or(|known| told > *known) {
                    self.not_started = Some(told);
                }
            }
            Observation::Object { egress_id, object } => {
                let known = self.objects.get(egress_id);
                if known.is_none_or(|known| object > known) {
                    self.objects.insert(egress_id.clone(), object.clone());
                }
            }
            Observation::TranscriptKept { key } => {
                let kept = Some((at, key.clone()));
                self.transcript_file = kept.max(self.transcript_file.take());
            }
            Observation::EgressLost { egress_id } => {
                self.lost.insert(egress_id.clone());
            }
        }
    }

    /// Who must hear of this call as it is now. `began_at`: what ended before is history.
    pub fn due_deliveries(&self, began_at: Timestamp) -> Vec<DueDelivery> {
        let owe = |sink, item: &str| DueDelivery {
            sink,
            item: item.to_owned(),
        };
        let mut due_deliveries = vec![owe(Sink::Airtable, "")];
        if self.pending_request().is_some() || !self.to_stop().is_empty() {
            due_deliveries.push(owe(Sink::Egress, ""));
        }
        for recording in self.recordings.values() {
            let id = &recording.egress_id;
            if self.must_look_for(recording) {
                due_deliveries.push(owe(Sink::Storage, id));
            }
            // The mirror is told of recordings as they end.
            if self.has_ended(recording) && !self.is_history(recording, began_at) {
                due_deliveries.push(owe(Sink::Mirror, id));
            }
        }
        due_deliveries
    }

    /// What was found in the bucket, and what had ended when the service first ran.
    fn is_history(&self, recording: &Recording, began_at: Timestamp) -> bool {
        let ended_at = recording.ended_at.or(self.ended_at());
        recording.was_found() || ended_at.is_some_and(|ended_at| ended_at < began_at)
    }

    /// Takes out what KEEP limits: what agents reported. No event does that.
    pub fn purge(&mut self) {
        self.reports = Reports::default();
        self.purged = true;
    }
}
