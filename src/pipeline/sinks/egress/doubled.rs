//! Another program also records the call: our egress is stopped. Egresses that others started are never stopped.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    sink::{Egress, OK, done, left, retry},
    state::{Doubled, EgressState},
};
use crate::{
    domain::{EgressStatus, EventPayload, Recording, Room, call::ONE_RECORDER, event::Observation},
    livekit::{body, client::Egresses},
    pipeline::{
        deliver::{Attempt, Due, Outcome},
        message,
    },
    store::DoubleRecording,
};

/// How much later the elder of two egresses gives way.
const YOUNGER_FIRST: SignedDuration = SignedDuration::from_secs(3);
/// How soon LiveKit is asked again for an egress that its list lacks.
const UNLISTED: Duration = Duration::from_secs(5);

impl Egress {
    /// Records that our egress gives way to theirs. The next delivery stops it.
    pub(super) async fn give_way(
        &self,
        due: &Due,
        (ours, theirs): (&Recording, &Recording),
        now: Timestamp,
    ) -> Attempt {
        let call = &due.call;
        if is_elder(ours, theirs)
            && let Some(attempt) = self.stays(due, theirs, now).await
        {
            return attempt;
        }
        let who = call.agents_named();
        let double = DoubleRecording {
            call_id: call.id.to_string(),
            started_by: who.clone(),
        };
        // A failure must not delay the stop.
        if let Err(error) = self.store.note_double_recording(&double, now).await {
            tracing::warn!(%error, "a call that is recorded twice could not be noted for the alert");
        }
        tracing::warn!(
            call = %call.id, ours = %ours.egress_id, theirs = %theirs.egress_id,
            "the call is recorded twice: our recording is stopped and the one of {who} is followed. {ONE_RECORDER}"
        );
        let superseded = Observation::Superseded {
            egress_id: ours.egress_id.clone(),
            by: theirs.egress_id.clone(),
        };
        done(due)
            .with_messages([message::observation(&call.id, &superseded, now)])
            .did(format!("gave way to {}", theirs.egress_id))
    }

    /// The elder egress gives way later than the younger one, and only if LiveKit still lists that as recording: of two
    /// services with the same bucket, one goes on. `None`: it gives way now.
    async fn stays(&self, due: &Due, theirs: &Recording, now: Timestamp) -> Option<Attempt> {
        let mut state = EgressState::of(&due.delivery);
        let seen = state.doubled.take().filter(|it| it.by == theirs.egress_id);
        let since = seen.map_or(now, |it| it.since);
        state.doubled = Some(Doubled {
            by: theirs.egress_id.clone(),
            since,
        });
        let waits = |after| Attempt::new(Outcome::Wait { after }, &state.to_json());
        if let Some(after) = left(since, YOUNGER_FIRST, now) {
            return Some(waits(after));
        }
        let room_name = Some(due.call.room_name.as_str());
        let infos = match self.client.list(room_name, Egresses::All).await {
            Ok(infos) => infos,
            Err(error) => return Some(retry(&error, state)),
        };
        match infos.iter().find_map(|info| status_of(info, theirs)) {
            Some(EgressStatus::Active) => None,
            Some(_) => {
                let learned = infos.into_iter().map(|info| message::egress(info, now));
                Some(
                    done(due)
                        .with_messages(learned)
                        .did("found that the other recording has ended")
                        .answered(OK),
                )
            }
            None => Some(waits(UNLISTED)),
        }
    }

    /// The egress of a start whose answer was lost, or is not folded yet, recognized by the key that only this start requested.
    pub(super) fn found_start(&self, due: &Due, now: Timestamp) -> Option<Attempt> {
        let state = EgressState::of(&due.delivery);
        let key = state.key.as_deref()?;
        let call = &due.call;
        let mut with_key = call.recordings.values().filter(|it| it.key == key);
        let (first, second) = (with_key.next()?, with_key.next());
        if second.is_some() || call.is_ours(first) {
            return None;
        }
        let egress_id = first.egress_id.clone();
        let started = message::observation(&call.id, &Observation::Started { egress_id }, now);
        Some(
            done(due)
                .with_messages([started])
                .did("recognized the recording that it started"),
        )
    }
}

fn is_elder(ours: &Recording, theirs: &Recording) -> bool {
    let age = |it: &Recording| (it.started_at, it.egress_id.clone());
    age(ours) < age(theirs)
}

/// The status in this EgressInfo if it is one of this recording.
fn status_of(info: &str, recording: &Recording) -> Option<EgressStatus> {
    let info: Value = serde_json::from_str(info).ok()?;
    match body::egress(&info, Room::default()) {
        EventPayload::Egress {
            recording: listed, ..
        } => (listed.egress_id == recording.egress_id).then_some(listed.status),
        _ => None,
    }
}
