//! What follows from the state of a call.

use jiff::Timestamp;

use super::state::{Call, RecordingRequest};
use crate::domain::{
    egress_status::EgressStatus,
    object::ObjectState,
    recording::Recording,
    start_refusal::{NotStarted, StartRefusal},
};

impl Call {
    /// The newest request that no recording fulfils and that was not finally refused.
    pub fn pending_request(&self) -> Option<&RecordingRequest> {
        let fulfilled = |request: &RecordingRequest| {
            self.recordings.values().any(|it| self.fulfils(it, request))
        };
        let last = self.not_started.as_ref();
        let over = last.filter(|not_started| self.is_over(not_started));
        let refused =
            |request: &RecordingRequest| over.is_some_and(|over| request.asked_at <= Some(over.at));
        let open = |request: &&RecordingRequest| !fulfilled(request) && !refused(request);
        let requests = self.requests.iter().rev();
        requests.filter(|_| !self.simulated).find(open)
    }

    /// The permanent refusal of a start in an open room, if its request is still unfulfilled and nobody retries it.
    pub fn standing_refusal(&self) -> Option<&NotStarted> {
        let last = self.not_started.as_ref().filter(|_| self.is_open())?;
        let unfulfilled = |request: &RecordingRequest| {
            let fulfilled = self.recordings.values().any(|it| self.fulfils(it, request));
            request.asked_at <= Some(last.at) && !fulfilled
        };
        let is_wanted = !self.simulated && self.requests.iter().any(unfulfilled);
        let stands = last.refusal == StartRefusal::Final && self.is_over(last);
        (is_wanted && stands).then_some(last)
    }

    /// Whether that start is not tried again. A room that was seen open after LiveKit denied it still exists.
    fn is_over(&self, not_started: &NotStarted) -> bool {
        if self.retried_at >= Some(not_started.at) {
            return false;
        }
        match not_started.refusal {
            StartRefusal::Transient => false,
            StartRefusal::Final => true,
            StartRefusal::NoRoom => self.alive_at <= Some(not_started.at),
        }
    }

    /// Running recordings that somebody asked to stop, or that another recording or a simulation has made redundant.
    pub fn to_stop(&self) -> Vec<&Recording> {
        let unwanted = |it: &&Recording| {
            let is_superfluous = self.is_set_aside(it) || self.is_needless(it);
            is_superfluous || self.stops.contains(&it.egress_id)
        };
        let recordings = self.recordings.values().filter(unwanted);
        recordings.filter(|it| self.is_running(it)).collect()
    }

    /// Whether this recording's object must still be looked for in the bucket. The bucket's answer is final until the egress
    /// reports something new: an end after the object was given up, or after a first part of it was found.
    pub fn must_look_for(&self, recording: &Recording) -> bool {
        if recording.place.is_elsewhere() {
            return self.may_be_here(recording);
        }
        let lost = self.is_lost(recording) && !recording.key.is_empty();
        let known = self.objects.get(&recording.egress_id);
        let processed = known.is_some_and(|object| {
            let state = &object.state;
            let last = matches!(state, ObjectState::Found { .. } | ObjectState::Lost { .. });
            last && object.is_of(recording)
        });
        let is_wanted =
            !self.is_set_aside(recording) && !self.simulated && !self.is_contested(recording);
        (recording.expects_file() || lost) && !processed && is_wanted
    }

    /// The bucket's newest answer for this recording; `None` before the first, and for an object that another call claims.
    pub fn object(&self, recording: &Recording) -> Option<&ObjectState> {
        let known = self.objects.get(&recording.egress_id)?;
        Some(&known.state).filter(|_| !self.is_contested(recording))
    }

    /// The egress is over, or LiveKit will not report its end.
    pub fn has_ended(&self, recording: &Recording) -> bool {
        recording.status.is_over() || self.is_lost(recording)
    }

    /// Neither ended nor ending.
    pub fn is_running(&self, recording: &Recording) -> bool {
        recording.status < EgressStatus::Ending && !self.has_ended(recording)
    }

    /// The running recording to return; not one that somebody asked to stop.
    pub fn running(&self) -> Option<&Recording> {
        let is_wanted = |r: &&Recording| {
            self.is_running(r) && !self.stops.contains(&r.egress_id) && self.serves(r)
        };
        self.recordings.values().rfind(is_wanted)
    }

    /// Whether the call may belong to another LiveKit project than that of `our_key`, LIVEKIT_API_KEY.
    ///
    /// A key only lists rooms and egresses of its own project, so where the key that signed the webhooks does not decide,
    /// our project's lists do:
    ///
    /// - another project's key began it: foreign;
    /// - signed by `our_key` or another key that is ours, or ever listed for it: ours;
    /// - signed only by an earlier key, or stored by an earlier version, and not listed yet: it may be foreign. Before it is recorded, our project is asked
    ///   for the room: if it lists the room, the call is ours; if it does not do so within some seconds, the call is
    ///   foreign and its row says that it cannot be recorded. A room that our project does not list is not necessarily
    ///   closed.
    pub fn may_be_foreign(&self, our_key: &str) -> bool {
        self.is_others()
            || !self.listed && !self.signers.is_empty() && !self.signers.contains(our_key)
    }

    /// When the room was created; the time of its first event where LiveKit did not say.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.created_at.or(self.first_seen_at)
    }

    /// When the room closed; `None` while it is open. A room known only through its egress ends with it.
    pub fn ended_at(&self) -> Option<Timestamp> {
        if self.finished_at.is_some() {
            return self.finished_at;
        }
        if self.is_gone() {
            return self.gone_at;
        }
        let unseen = self.alive_at.is_none() && !self.recordings.is_empty();
        let over = self.recordings.values().all(|r| self.has_ended(r));
        let last = || self.recordings.values().filter_map(|r| r.ended_at).max();
        if unseen && over { last() } else { None }
    }

    /// Whether the room is open.
    pub fn is_open(&self) -> bool {
        self.ended_at().is_none()
    }

    /// Since when the room is missing from LiveKit's list; `None` while it is listed, and once it has closed.
    pub fn missing_since(&self) -> Option<Timestamp> {
        let first = self.missing.first().copied();
        first.filter(|_| self.is_open())
    }

    /// Whether the room counts as closed without `room_finished`, because of LiveKit's answers.
    pub fn is_gone(&self) -> bool {
        self.finished_at.is_none() && self.gone_at > self.alive_at
    }

    /// Whether the room is open, should be recorded, and is not: nothing was started, or everything that was started
    /// has failed.
    pub fn is_unrecorded(&self) -> bool {
        let failed = |it: &Recording| !it.place.is_ours() || self.died(it) && !self.is_silent(it);
        let none = self.recordings.values().all(failed);
        let is_wanted = !self.requests.is_empty() && !self.simulated;
        self.is_open()
            && !self.is_others()
            && is_wanted
            && (none || self.pending_request().is_some())
    }
}
