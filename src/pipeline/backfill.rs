//! Imports history into the inbox: egresses that LiveKit still lists, and recordings in the bucket that belong to no
//! known call.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::message;
use crate::{
    domain::{
        BucketRecording, Call, CallId, Claim, EgressId, EventPayload, Recording, Room, RoomName,
        nanoseconds,
    },
    livekit::body,
    storage::Listed,
    store::{CallRow, Error, InboxMessage, MessageKind, Store},
};

/// Calls and messages read at once.
const PAGE: i64 = 64;

/// The recordings that the database already contains, folded or not.
#[derive(Debug, Default)]
pub struct KnownRecordings {
    egresses: HashMap<EgressId, Recording>,
    /// Keys in the bucket that are recordings of known calls.
    keys: HashSet<String>,
    /// The calls for which keys are reserved.
    owners: BTreeMap<String, CallId>,
    /// Calls by ID: whether the call has ended without a recording, so that one may be found for it.
    may_get_recording: HashMap<CallId, bool>,
}

/// A recording that no message has reported.
#[derive(Debug, Clone)]
pub struct Found {
    pub call_id: CallId,
    pub room_name: RoomName,
    pub ended_at: Option<Timestamp>,
    /// The recording's key in the bucket.
    pub key: String,
    pub message: InboxMessage,
}

impl KnownRecordings {
    /// Reads every call, and the messages that intake has yet to fold.
    pub async fn read(store: &Store) -> Result<KnownRecordings, Error> {
        let (mut known, mut last) = (KnownRecordings::default(), String::new());
        loop {
            let ids = store
                .calls_with_messages_since(Timestamp::UNIX_EPOCH, &last, PAGE)
                .await?;
            let Some(end) = ids.last() else { break };
            last.clone_from(end);
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            for CallRow { call, .. } in store.calls(&ids).await? {
                known.add_call(&call);
            }
        }
        last.clear();
        loop {
            let messages = store.unfolded(&last, PAGE).await?;
            let Some(end) = messages.last() else { break };
            last.clone_from(&end.id);
            let ours = messages.iter().filter(|it| {
                let claim = message::source(it).claim();
                matches!(claim, Some(Claim::Any | Claim::Ours))
            });
            for payload in ours.filter_map(|message| message::read(message).ok()) {
                known.add_payload(payload);
            }
        }
        Ok(known)
    }

    fn add_call(&mut self, call: &Call) {
        let may_get_recording = call.recordings.is_empty() && !call.is_open();
        self.may_get_recording
            .insert(call.id.clone(), may_get_recording);
        for recording in call.recordings.values() {
            match call.is_others() {
                // What another project says of an egress does not tell whether one of ours is known.
                true => drop(self.keys.insert(recording.key.clone())),
                false => self.add(recording),
            }
        }
    }

    /// Messages that intake has not folded yet.
    fn add_payload(&mut self, payload: EventPayload) {
        match payload {
            EventPayload::Egress {
                room, recording, ..
            } => {
                self.may_get_recording.insert(room.sid, false);
                self.add(&recording);
            }
            EventPayload::Stored(stored) => self.add(&stored.recording()),
            _ => {}
        }
    }

    fn add(&mut self, recording: &Recording) {
        self.keys.insert(recording.key.clone());
        let id = recording.egress_id.clone();
        let known = self.egresses.entry(id);
        known
            .and_modify(|known| known.merge(recording.clone()))
            .or_insert_with(|| recording.clone());
    }

    /// LiveKit's egresses that ended since then and contain something new.
    pub fn egresses(&mut self, infos: Vec<String>, since: Timestamp, now: Timestamp) -> Vec<Found> {
        let mut found = Vec::new();
        for info in infos {
            let value = serde_json::from_str::<Value>(&info).unwrap_or_default();
            let payload = body::egress(&value, Room::default());
            let EventPayload::Egress {
                room, recording, ..
            } = &payload
            else {
                continue;
            };
            let ended_at = recording.ended_at.or(recording.started_at);
            let known = self.egresses.get(&recording.egress_id);
            if ended_at.is_none_or(|at| at >= since)
                && known.is_none_or(|known| known.learns_from(recording))
            {
                found.push(of_egress(info, room, recording, now));
            }
            self.add_payload(payload);
        }
        found
    }

    /// Objects in the bucket that were written since then and belong to no known call. Objects that do not match
    /// RECORDING_PATH are skipped.
    pub fn objects(
        &mut self,
        template: &str,
        objects: &[Listed],
        since: Timestamp,
        now: Timestamp,
    ) -> Vec<Found> {
        let new = objects.iter().filter(|object| {
            object.size > 0 && object.modified_at >= since && !self.keys.contains(&object.key)
        });
        let read = |object: &Listed| {
            BucketRecording::read(template, &object.key, object.size, object.modified_at)
        };
        let stored = new.filter_map(read);
        let stored = stored.map(|stored| (self.call_of(&stored), stored));
        // LiveKit reports the recordings of a call that has, or will have, one.
        let missing =
            |(call, _): &(CallId, _)| self.may_get_recording.get(call).copied().unwrap_or(true);
        let stored: Vec<(CallId, BucketRecording)> = stored.filter(missing).collect();
        let found = stored.into_iter();
        found
            .map(|(call, stored)| of_object(call, &stored, now))
            .collect()
    }

    /// The call that the key was reserved for, else the one that the key names.
    fn call_of(&self, stored: &BucketRecording) -> CallId {
        let owner = self.owners.get(&stored.key).cloned();
        owner.unwrap_or_else(|| stored.call_id())
    }

    /// Reads for which calls these keys are reserved.
    pub async fn read_owners(&mut self, store: &Store, objects: &[Listed]) -> Result<(), Error> {
        let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        self.owners = store.key_owners(&keys).await?;
        Ok(())
    }
}

fn of_egress(info: String, room: &Room, recording: &Recording, now: Timestamp) -> Found {
    let Recording {
        egress_id,
        updated_at,
        status,
        ..
    } = recording;
    let updated_at = nanoseconds::of_time(*updated_at);
    let dedupe = format!("egress:{egress_id}:{updated_at}:{}", status.as_str());
    Found {
        call_id: room.sid.clone(),
        room_name: room.name.clone(),
        ended_at: recording.ended_at,
        key: recording.key.clone(),
        message: InboxMessage {
            dedupe: Some(dedupe),
            ..message::egress(info, now)
        },
    }
}

fn of_object(call_id: CallId, stored: &BucketRecording, now: Timestamp) -> Found {
    let body = serde_json::to_vec(stored).unwrap_or_default();
    let message = InboxMessage::new(MessageKind::Object, body, now).of_call(&call_id);
    Found {
        call_id,
        room_name: stored.room.name.clone(),
        ended_at: Some(stored.modified_at),
        key: stored.key.clone(),
        message: InboxMessage {
            dedupe: Some(format!("object:{}", stored.key)),
            ..message
        },
    }
}
