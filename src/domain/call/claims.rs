//! Which objects in the bucket a call's recordings claim, and those that another call claims, too: such an object holds one
//! of two conversations, and nobody can tell which. Neither call is linked to it.

use std::collections::BTreeSet;

use super::state::Call;
use crate::domain::{id::CallId, recording::Recording};

impl Call {
    /// The keys in our bucket that may hold recordings of this call.
    pub fn claimed_keys(&self) -> BTreeSet<&str> {
        let claiming = self.recordings.values().filter(|it| self.claims(it));
        claiming.map(|it| it.key.as_str()).collect()
    }

    /// The keys of recordings that have left no file. Another recording of the call may have the same key.
    pub fn unused_keys(&self) -> BTreeSet<&str> {
        let claimed = self.claimed_keys();
        let ended = self.recordings.values().filter(|it| !self.claims(it));
        let keys = ended.map(|it| it.key.as_str());
        keys.filter(|key| !key.is_empty() && !claimed.contains(key))
            .collect()
    }

    fn claims(&self, recording: &Recording) -> bool {
        let may_exist = !recording.status.is_over() || recording.expects_file();
        !recording.key.is_empty() && may_exist && !self.is_known_elsewhere(recording)
    }

    /// By the stored answer of the bucket, which a contested recording has, too.
    fn is_known_elsewhere(&self, recording: &Recording) -> bool {
        let known = self.objects.get(&recording.egress_id);
        let found = known.is_some_and(|object| object.state.is_found());
        recording.place.is_elsewhere() && !found
    }

    /// The other calls that claim this recording's object; empty for almost every recording.
    pub fn other_claimants(&self, recording: &Recording) -> impl Iterator<Item = &CallId> {
        self.contested.get(&recording.key).into_iter().flatten()
    }

    /// Whether another call claims this recording's object.
    pub fn is_contested(&self, recording: &Recording) -> bool {
        self.other_claimants(recording).next().is_some() && self.claims(recording)
    }

    /// Why the recording has no link, for people; `None`: no other call claims its object.
    pub(in crate::domain) fn contested_error(&self, recording: &Recording) -> Option<String> {
        if !self.is_contested(recording) {
            return None;
        }
        let others: Vec<&str> = self
            .other_claimants(recording)
            .map(CallId::as_str)
            .collect();
        Some(format!(
            "The recording is not linked: the object {} is also claimed by call {}, so it may hold the other conversation. Both calls are without a link. Have the program that starts the egress use a file name of its own for each call, for example with {{room_id}}.",
            recording.key,
            others.join(", ")
        ))
    }
}
