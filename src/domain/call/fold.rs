//! Folds events into calls.

use super::{
    admission::Admission,
    deliveries::DueDelivery,
    state::{Call, NameSource},
};
use crate::domain::{
    event::{Event, EventPayload, EventSource},
    id::EgressId,
    participant::earliest,
    policy::Policy,
    project::Project,
};

/// The result of applying an event to a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub call: Call,
    /// It is not the call that it was before, or there was none.
    pub changed: bool,
    /// The deliveries that the change makes due.
    pub due_deliveries: Vec<DueDelivery>,
    /// Recordings whose known end was corrected.
    pub corrected: Vec<EgressId>,
}

/// Folds one event into its call. Cannot fail and cannot see the clock. An event of another project changes nothing.
pub fn apply(call: Option<&Call>, id: &str, event: &Event, policy: &Policy) -> Applied {
    let begin = || Call {
        id: id.into(),
        project: event
            .source
            .claim()
            .map_or_else(Project::default, |claim| claim.project()),
        ..Call::default()
    };
    let begun;
    let before = match call {
        Some(call) => call,
        None => {
            begun = begin();
            &begun
        }
    };
    let mut after = match Admission::of(call, &event.source) {
        Admission::Begun => begin(),
        Admission::Folded | Admission::Refused => before.clone(),
    };
    if Admission::of(call, &event.source) != Admission::Refused {
        after.fold(event, policy);
    }
    let changed = call.is_none() || after != *before;
    let due_deliveries = match changed {
        true => after.due_deliveries(policy.began_at),
        false => Vec::new(),
    };
    let corrected = after.corrected(before);
    Applied {
        corrected,
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
            EventSource::Signed(signer) => self.merge_signer(signer, &event.payload),
            EventSource::Api => self.listed = true,
            EventSource::Others => {}
        }
        match &event.payload {
            EventPayload::RoomSeen { room, at } => {
                self.merge_open_room(room, *at, event.received_at);
                self.request_by_policy(policy, None);
            }
            EventPayload::RoomFinished { room, at, end } => {
                self.merge_room(room, *at);
                self.room_end = self.room_end.max(*end);
                self.finished_at = earliest(self.finished_at, Some(*at));
                self.request_by_policy(policy, None);
            }
            EventPayload::Participant {
                room,
                participant,
                at,
            } => {
                self.merge_open_room(room, *at, event.received_at);
                self.request_by_policy(policy, Some(participant));
                self.merge_participant(policy, participant);
            }
            EventPayload::AudioPublished { room, voice, at } => {
                self.merge_open_room(room, *at, event.received_at);
                self.merge_voice(policy, voice, *at);
            }
            EventPayload::Egress {
                room,
                recording,
                destination,
            } => {
                self.merge_name(room, NameSource::LiveKit);
                self.merge_recording(policy.located(recording, destination));
            }
            EventPayload::Stored(found) => self.merge_found(found),
            EventPayload::Report {
                room, facts, audio, ..
            } => {
                self.merge_name(room, NameSource::Others);
                self.merge_report(facts, audio.as_ref(), event.received_at);
            }
            EventPayload::Request { room, request } => {
                self.merge_name(room, NameSource::Others);
                self.merge_request(request, event.received_at);
            }
            EventPayload::Observation { observation, .. } => {
                self.merge_finding(observation, event.received_at)
            }
            EventPayload::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{
        bucket_recording::BucketRecording, destination::Destination, recording::Recording,
        room::Room, sink::Sink,
    };

    #[test]
    fn what_was_found_and_what_was_reported_fold_in_any_order() {
        let at: Timestamp = "2026-01-02T04:00:00Z".parse().unwrap();
        let stored = BucketRecording::read("{room_id}.mp3", "RM_1.mp3", 7, at).unwrap();
        let recording = Recording {
            egress_id: "EG_1".into(),
            started_at: Some(at),
            ..stored.recording()
        };
        let room = Room {
            sid: "RM_1".into(),
            name: "desk".into(),
            ..Room::default()
        };
        let egress = EventPayload::Egress {
            room,
            recording: Box::new(recording),
            destination: Destination::default(),
        };
        let stored = EventPayload::Stored(Box::new(stored));
        let fold = |payloads: [&EventPayload; 3]| {
            let event = |payload: &EventPayload| Event {
                received_at: at,
                source: EventSource::Others,
                payload: payload.clone(),
            };
            let policy = Policy::manual();
            let step = |call: Option<Call>, payload: &EventPayload| {
                Some(apply(call.as_ref(), "RM_1", &event(payload), &policy).call)
            };
            payloads.into_iter().fold(None, step).unwrap()
        };
        let call = fold([&stored, &egress, &stored]);
        assert_eq!(call, fold([&egress, &stored, &egress]));
        assert_eq!(
            (call.room_name.as_str(), call.recordings.len()),
            ("desk", 2)
        );
        let mirrored = call
            .due_deliveries(Timestamp::MIN)
            .into_iter()
            .filter(|delivery| delivery.sink == Sink::Mirror);
        let mirrored: Vec<String> = mirrored.map(|delivery| delivery.item).collect();
        assert_eq!(mirrored, ["EG_1"], "history does not go to the mirror");
    }
}
