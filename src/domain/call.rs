//! A call: one LiveKit room session, a pure fold of its events. Any permutation, with repeats, gives the same call:
//! every field is a minimum, a maximum, a union, or the newest by a stamp that the event carries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, Fact, Finding, Job, Request, Room, Teller},
    participant::{Participant, earliest},
    policy::{Policy, RecordOn},
    recording::{EgressStatus, Object, ObjectState, Recording},
    transcript::Reports,
};

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
    pub heard_from: Option<Timestamp>,
    /// When an event last showed the room open, by our clock.
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
    pub wanted: BTreeSet<Wish>,
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
}

/// A wish for a recording: fulfilled by any egress that had not ended when it was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wish {
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
    /// For people: what happened, and what comes next.
    pub fn text(&self) -> String {
        if self.over {
            return self.error.clone();
        }
        format!("{} It is tried again while the call lasts.", self.error)
    }
}

/// Who is owed news of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sink {
    Egress,
    Storage,
    Airtable,
    Mirror,
}

/// A delivery that a change of the call makes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owed {
    pub sink: Sink,
    /// The egress id, for sinks that work by recording; else empty.
    pub part: String,
}

/// What an event made of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub call: Call,
    pub changed: bool,
    pub owed: Vec<Owed>,
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
    let owed = if changed { after.owed() } else { Vec::new() };
    Step {
        call: after,
        changed,
        owed,
    }
}

impl Call {
    fn fold(&mut self, event: &Event, policy: &Policy) {
        match &event.told_by {
            Teller::Webhook { key } => {
                self.signers.insert(key.clone());
            }
            Teller::Api => self.listed = true,
            Teller::Others => {}
        }
        match &event.fact {
            Fact::RoomSeen { room, at } => {
                self.see(room, *at);
                self.hear_alive(event.received_at);
                self.want(policy, false);
            }
            Fact::RoomFinished { room, at } => {
                self.see(room, *at);
                self.finished_at = earliest(self.finished_at, Some(*at));
                self.want(policy, false);
            }
            Fact::Participant {
                room,
                participant,
                at,
            } => {
                self.see(room, *at);
                self.hear_alive(event.received_at);
                self.want(policy, participant.is_person());
                let known = self.participants.entry(participant.sid.clone());
                known.or_default().merge(participant.clone());
            }
            Fact::Egress { room, recording } => self.hear_egress(room, recording),
            Fact::Report { room, report } => {
                self.name(room, false);
                self.reports.add(report, event.received_at);
            }
            Fact::Request { room, request } => {
                self.name(room, false);
                self.ask(request, event.received_at);
            }
            Fact::Finding { finding, .. } => self.find(finding, event.received_at),
            Fact::Nothing => {}
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
        self.heard_from = earliest(self.heard_from, Some(at));
        let told = (Some(at), room.metadata.clone());
        if !room.metadata.is_empty() && told > self.metadata {
            self.metadata = told;
        }
        let job = (Some(at), room.job.clone());
        if room.job != Job::default() && job > self.job {
            self.job = job;
        }
    }

    fn hear_alive(&mut self, at: Timestamp) {
        self.alive_at = self.alive_at.max(Some(at));
    }

    fn want(&mut self, policy: &Policy, person: bool) {
        if policy.takes(&self.room_name) && (policy.on == RecordOn::RoomStarted || person) {
            self.wanted.insert(Wish {
                asked_at: None,
                path_id: None,
                ended: BTreeSet::new(),
            });
        }
    }

    fn hear_egress(&mut self, room: &Room, recording: &Recording) {
        self.name(room, true);
        self.heard_from = earliest(self.heard_from, recording.started_at);
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
                self.wanted.insert(Wish {
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

    fn find(&mut self, finding: &Finding, at: Timestamp) {
        match finding {
            Finding::RoomGone => self.gone_at = self.gone_at.max(Some(at)),
            Finding::NotStarted {
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
            Finding::Object { egress_id, object } => {
                let known = self.objects.get(egress_id);
                if known.is_none_or(|known| object > known) {
                    self.objects.insert(egress_id.clone(), object.clone());
                }
            }
            Finding::TranscriptKept { key } => {
                let kept = Some((at, key.clone()));
                self.transcript_file = kept.max(self.transcript_file.take());
            }
            Finding::EgressLost { egress_id } => {
                self.lost.insert(egress_id.clone());
            }
        }
    }

    /// Who must hear of this call as it is now.
    fn owed(&self) -> Vec<Owed> {
        let owe = |sink, part: &str| Owed {
            sink,
            part: part.to_owned(),
        };
        let mut owed = vec![owe(Sink::Airtable, "")];
        if self.wish().is_some() || !self.to_stop().is_empty() {
            owed.push(owe(Sink::Egress, ""));
        }
        for recording in self.recordings.values() {
            let id = &recording.egress_id;
            if self.must_look_for(recording) {
                owed.push(owe(Sink::Storage, id));
            }
            if self.has_ended(recording) {
                owed.push(owe(Sink::Mirror, id));
            }
        }
        owed
    }

    /// The newest wish that no recording fulfils and that was not refused to the end.
    pub fn wish(&self) -> Option<&Wish> {
        let fulfilled = |wish: &Wish| self.recordings.keys().any(|id| !wish.ended.contains(id));
        let over = self.not_started.as_ref().filter(|told| told.over);
        let refused = |wish: &Wish| over.is_some_and(|told| wish.asked_at <= Some(told.at));
        let open = |wish: &&Wish| !fulfilled(wish) && !refused(wish);
        self.wanted.iter().rev().find(open)
    }

    /// Running recordings that somebody asked to stop.
    pub fn to_stop(&self) -> Vec<&Recording> {
        let known = |id: &String| self.recordings.get(id);
        let stops = self.stops.iter().filter_map(known);
        stops
            .filter(|recording| self.is_running(recording))
            .collect()
    }

    /// Whether the bucket has yet to show this recording's object. What it said is final until the egress has news: an
    /// end that is told after the object was given up, or after a first part of it was found, has it looked for again.
    pub fn must_look_for(&self, recording: &Recording) -> bool {
        let lost = self.lost.contains(&recording.egress_id) && !recording.key.is_empty();
        let known = self.objects.get(&recording.egress_id);
        let settled = known.is_some_and(|object| {
            let state = &object.state;
            let last = matches!(state, ObjectState::Found { .. } | ObjectState::Lost { .. });
            last && object.is_of(recording)
        });
        (recording.expects_file() || lost) && !settled
    }

    pub fn object(&self, recording: &Recording) -> Option<&ObjectState> {
        Some(&self.objects.get(&recording.egress_id)?.state)
    }

    pub fn has_ended(&self, recording: &Recording) -> bool {
        recording.status.is_over() || self.lost.contains(&recording.egress_id)
    }

    /// Neither over nor being ended.
    pub fn is_running(&self, recording: &Recording) -> bool {
        recording.status < EgressStatus::Ending && !self.has_ended(recording)
    }

    /// The recording to hand out as the running one; not one that somebody asked to stop.
    pub fn running(&self) -> Option<&Recording> {
        let goes_on = |r: &&Recording| self.is_running(r) && !self.stops.contains(&r.egress_id);
        self.recordings.values().rfind(goes_on)
    }

    /// Whether the call may be in another LiveKit project than that of `our_key`, LIVEKIT_API_KEY.
    ///
    /// Webhooks of several keys are accepted (LIVEKIT_WEBHOOK_KEYS), and a name does not tell which project a key is of:
    /// it may be the second key of our own while keys are changed. A key lists its own project's rooms and egresses
    /// alone, so our project's lists decide:
    ///
    /// - signed by `our_key`, or ever listed for it: ours;
    /// - signed by other keys alone and not listed yet: it may be foreign. Before it is recorded, our project is asked
    ///   for the room: if it lists it, the call is ours; if it does not for some seconds, it is foreign and its row says
    ///   that it cannot be recorded. That our project does not list it does not mean that it is closed.
    pub fn may_be_foreign(&self, our_key: &str) -> bool {
        !self.listed && !self.signers.is_empty() && !self.signers.contains(our_key)
    }

    pub fn started_at(&self) -> Option<Timestamp> {
        self.created_at.or(self.heard_from)
    }

    /// When the room closed; `None` while it is open. A room that was only heard of through its egress ends with it.
    pub fn ended_at(&self) -> Option<Timestamp> {
        if self.finished_at.is_some() {
            return self.finished_at;
        }
        if self.gone_at > self.alive_at {
            return self.gone_at;
        }
        let unseen = self.alive_at.is_none() && !self.recordings.is_empty();
        let over = self.recordings.values().all(|r| self.has_ended(r));
        let last = || self.recordings.values().filter_map(|r| r.ended_at).max();
        if unseen && over { last() } else { None }
    }

    pub fn is_open(&self) -> bool {
        self.ended_at().is_none()
    }
}
