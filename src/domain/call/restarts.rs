//! Egresses that die while their room is open: the call is recorded again.

use jiff::{SignedDuration, Timestamp};

use super::{recorders::SIDE_BY_SIDE, state::Call};
use crate::domain::{
    egress_error::FailureKind,
    egress_status::EgressStatus,
    id::EgressId,
    participant::{Participant, ParticipantKind},
    recording::Recording,
};

/// How often a call is recorded again after a recording of ours died.
pub const RESTARTS: usize = 3;
/// A program that really records the call does so for longer than this.
const EARLY: SignedDuration = SignedDuration::from_secs(15);
/// After the first death; four times as long after each further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);

impl Call {
    /// Whether the egress ended although nobody stopped it. An end for which LiveKit gives no reason counts as a crash.
    pub fn died(&self, recording: &Recording) -> bool {
        let unwanted = match recording.status {
            EgressStatus::Failed | EgressStatus::Aborted | EgressStatus::LimitReached => true,
            EgressStatus::Complete => self.gave_up_early(recording),
            // A room that counted as closed by mistake goes on with its egress.
            _ => self.is_lost(recording) && self.recorder_left_at(recording).is_some(),
        };
        unwanted && !self.was_stopped(recording)
    }

    /// Whether LiveKit will not report the end of this egress. It was marked lost because its room counted as closed: if the
    /// room was seen open after that and the egress has not left it, it goes on.
    pub fn is_lost(&self, recording: &Recording) -> bool {
        let is_marked = self.lost.contains(&recording.egress_id);
        let goes_on = self.lost_at.get(&recording.egress_id).is_some_and(|at| {
            let left_at = self.recorder_left_at(recording);
            self.alive_at > Some(*at) && left_at.is_none_or(|left_at| left_at > *at)
        });
        is_marked && !goes_on
    }

    /// An older recording of ours that goes on, although this one was started because it counted as lost.
    pub(super) fn doubled_by_ours(&self, newer: &Recording) -> Option<&Recording> {
        let is_older = |it: &Recording| {
            let start = it.started_at;
            let before = newer.started_at.is_none_or(|newer| start < Some(newer));
            start.is_some() && before && it.egress_id != newer.egress_id
        };
        let was_lost = |it: &Recording| self.lost.contains(&it.egress_id) && !self.is_lost(it);
        let covers = |it: &Recording| {
            let outlasts =
                |end: Timestamp| newer.ended_at.is_some_and(|it| it <= end + SIDE_BY_SIDE);
            self.is_running(it) || it.ended_at.is_some_and(outlasts)
        };
        let mut recordings = self.recordings.values().filter(|_| self.is_ours(newer));
        recordings.find(|it| {
            self.is_ours(it)
                && was_lost(it)
                && is_older(it)
                && covers(it)
                && !self.was_stopped(it)
                && !self.is_missing(it)
        })
    }

    /// Whether our recording was stopped in favour of this one, and it ended so soon, after its start or after ours, that
    /// each may have given way to the other, as two services with the same bucket would.
    pub(super) fn gave_up_early(&self, recording: &Recording) -> bool {
        let soon_after = |at: Option<Timestamp>| {
            let both = recording.ended_at.zip(at);
            both.is_some_and(|(end, at)| end.duration_since(at).abs() < EARLY)
        };
        let end_of = |id: &EgressId| self.recordings.get(id).and_then(|it| it.ended_at);
        let mut favoured = self.superseded.iter();
        recording.status == EgressStatus::Complete
            && favoured.any(|(ours, theirs)| {
                theirs.contains(&recording.egress_id)
                    && (soon_after(recording.started_at) || soon_after(end_of(ours)))
            })
    }

    /// Whether it was stopped, by us or by another program through LiveKit.
    pub(super) fn was_stopped(&self, recording: &Recording) -> bool {
        let id = &recording.egress_id;
        self.stops.contains(id)
            || self.superseded.contains_key(id)
            || recording.error.kind() == FailureKind::Stopped
    }

    /// Whether the recording fulfils a request. While the room is open, one that died does not, as long as restarts are left.
    pub fn serves(&self, recording: &Recording) -> bool {
        let elsewhere = !recording.place.is_ours() && !self.is_playable(recording);
        if elsewhere || self.is_set_aside(recording) {
            return false;
        }
        let over = self.has_ended(recording);
        let superseded = over && self.superseded.contains_key(&recording.egress_id);
        let again = superseded || self.died(recording) && !self.restarts_used_up();
        !(self.is_open() && again)
    }

    /// Whether too many of our recordings have died to start another one.
    pub fn restarts_used_up(&self) -> bool {
        let ours = |recording: &&Recording| self.is_ours(recording);
        self.deaths().filter(ours).count() > RESTARTS
    }

    /// The recordings that died. An egress waits for a first sound: once people speak, those that ended before do not
    /// count.
    fn deaths(&self) -> impl Iterator<Item = &Recording> {
        let has_begun = self.people_spoke();
        let counts = move |it: &&Recording| !(has_begun && self.is_silent(it));
        let died = self.recordings.values().filter(|it| self.died(it));
        died.filter(counts)
    }

    /// How long the next start waits after the last death, and the time of that death by LiveKit's clock.
    pub fn restart_backoff(&self) -> Option<(SignedDuration, Option<Timestamp>)> {
        let earlier = u32::try_from(self.deaths().count().checked_sub(1)?).unwrap_or(u32::MAX);
        let last = self
            .deaths()
            .filter_map(|recording| recording.ended_at)
            .max();
        let factor = 4_i32.saturating_pow(earlier.min(RESTARTS as u32));
        Some((FIRST_WAIT * factor, last))
    }

    /// A running recording whose egress has left the open room without an end, and when: its process may be dead.
    pub fn left_by_recorder(&self) -> Option<(&Recording, Timestamp)> {
        if !self.is_open() {
            return None;
        }
        let left = |recording: &&Recording| self.is_running(recording);
        let running = self.recordings.values().filter(left);
        let mut gone = running.filter_map(|it| Some((it, self.recorder_left_at(it)?)));
        gone.next()
    }

    /// Egresses that should be in the open room: they run, joined it, and have not left.
    pub fn recorders_in_room(&self) -> impl Iterator<Item = &EgressId> {
        let recordings = self.recordings.values().filter(|_| self.is_open());
        let is_there = |it: &&Recording| {
            let joined = self.own_participants(it).next().is_some();
            self.is_running(it) && joined && self.recorder_left_at(it).is_none()
        };
        recordings.filter(is_there).map(|it| &it.egress_id)
    }

    /// When the egress's own participant last left the room; `None` while it is there.
    fn recorder_left_at(&self, recording: &Recording) -> Option<Timestamp> {
        let gone = self.recorders_gone.get(&recording.egress_id).copied();
        let mut last = gone;
        for participant in self.own_participants(recording) {
            let listed_last = gone.filter(|gone| participant.joined_at < Some(*gone));
            last = last.max(Some(participant.left_at.or(listed_last)?));
        }
        last
    }

    /// The egress as a participant; a second one after it joined again.
    fn own_participants(&self, recording: &Recording) -> impl Iterator<Item = &Participant> {
        self.participants.values().filter(|participant| {
            participant.kind == ParticipantKind::Egress
                && participant.identity == recording.egress_id.as_str()
        })
    }
}
