//! Object keys that webhooks report are believed only if something of ours proves them: a key that signs webhooks may have
//! been lost, or belong to another project, and a wrong key would link one call to the recording of another.

use crate::{
    domain::{
        Call, Claim, EventPayload, EventSource, Policy, Recording, RoomName, Signer, Standing,
        bucket_recording::fits_call, destination::Destination,
    },
    store::{Error, Store},
};

/// How many calls of a room's name are searched for a key.
const CALLS: i64 = 50;

/// Whether the object key of a message may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It may, or there is none.
    Proven,
    /// It was removed; LiveKit's own list may still name it.
    Unproven,
}

/// Removes what an egress' webhook says of its file, unless it was reserved for the call, or RECORDING_PATH makes it for this
/// call and no other call has it. Of an egress that may be ours, nothing of such a webhook counts. Keys in LiveKit's answers,
/// and in webhooks that LIVEKIT_API_KEY or another key with its power has signed, are proven.
pub(super) async fn prove(
    store: &Store,
    policy: &Policy,
    (call_id, known): (&str, Option<&Call>),
    source: &EventSource,
    payload: &mut EventPayload,
) -> Result<Proof, Error> {
    let EventPayload::Egress {
        room,
        recording,
        destination,
    } = payload
    else {
        return Ok(Proof::Proven);
    };
    if is_trusted(source) {
        return Ok(Proof::Proven);
    }
    let located = policy.located(recording, destination);
    if located.key.is_empty() {
        return Ok(Proof::Proven);
    }
    if is_of_call(store, policy, (call_id, &room.name), &located.key).await? {
        return Ok(Proof::Proven);
    }
    let is_known = known.is_some_and(|call| call.recordings.contains_key(&recording.egress_id));
    match source.claim() {
        // Another project's own egress, which gets no link.
        Some(Claim::Other(_)) if !is_known => remove(recording, destination),
        // LiveKit's list has it, if it exists; an egress that does not would leave a live call unrecorded.
        _ => *payload = EventPayload::Nothing,
    }
    Ok(Proof::Unproven)
}

fn is_trusted(source: &EventSource) -> bool {
    match source {
        EventSource::Signed(Signer { standing, .. }) => *standing == Standing::Ours,
        EventSource::Webhook { .. } | EventSource::Api | EventSource::Others => true,
    }
}

async fn is_of_call(
    store: &Store,
    policy: &Policy,
    (call_id, room_name): (&str, &RoomName),
    key: &str,
) -> Result<bool, Error> {
    if let Some(owner) = store.key_owners(&[key]).await?.get(key) {
        return Ok(*owner == *call_id);
    }
    if !fits_call(&policy.path, key, call_id, room_name) {
        return Ok(false);
    }
    // Recordings of earlier versions have no owner in that list.
    let calls = store.calls_named(room_name, &Claim::Any, CALLS).await?;
    let others = calls.iter().filter(|row| row.call.id != *call_id);
    let mut recordings = others.flat_map(|row| row.call.recordings.values());
    Ok(!recordings.any(|recording| recording.is_at(key)))
}

fn remove(recording: &mut Recording, destination: &mut Destination) {
    recording.key.clear();
    (recording.size, recording.duration) = (None, None);
    destination.location = None;
}
