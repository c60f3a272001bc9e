//! The full text of a transcript that is cut in its cell: it is put beside the recording.

use jiff::Timestamp;

use super::{sink::Airtable, state::SinkState};
use crate::{
    airtable::projection::long_transcript,
    domain::{Call, Recording, event::Observation, hash, path, sha256},
    pipeline::message,
};

/// How many keys with a suffix there are for a call whose plain one another call has.
const SUFFIXES: usize = 8;

impl Airtable {
    /// Puts the full transcript into the bucket, unless it is there. Returns its key; `None`: the cell has all of it.
    ///
    /// # Errors
    /// For people, when it could not be put there or that could not be stored.
    pub(super) async fn upload_transcript(
        &self,
        call: &Call,
        state: &mut SinkState,
        now: Timestamp,
    ) -> Result<Option<String>, String> {
        let Some(text) = long_transcript(call, &self.schema) else {
            // A purged call's text is in the bucket, and its link is renewed like the recording's.
            let kept = state.transcript.as_ref().filter(|_| call.is_purged());
            return Ok(kept.map(|(_, key)| key.clone()));
        };
        let key = self.transcript_key(call, now).await?;
        let uploaded = (hash(&text), key.clone());
        if state.transcript.as_ref() == Some(&uploaded) {
            return Ok(Some(key));
        }
        let put = self.storage.put_text(&key, text).await;
        put.map_err(|error| error.to_string())?;
        // The permanent link redirects to the location stored in the call.
        let kept = Observation::TranscriptKept { key: key.clone() };
        let observed = self
            .store
            .put(message::observation(&call.id, &kept, now))
            .await;
        observed.map_err(|error| format!("its place could not be stored: {error}"))?;
        self.wake.intake.notify_one();
        state.transcript = Some(uploaded);
        Ok(Some(key))
    }

    /// The first of the possible keys that no other call has.
    async fn transcript_key(&self, call: &Call, now: Timestamp) -> Result<String, String> {
        for key in self.transcript_keys(call, now) {
            let reserved = self.store.reserve_key(&key, &call.id, now).await;
            if reserved.map_err(|error| format!("its place could not be stored: {error}"))? {
                return Ok(key);
            }
        }
        Err("other calls have all of its places in the bucket".to_owned())
    }

    /// Beside the recording; else with the call's ID in it. A room may be named like that, so that more differ, and the
    /// same come each time.
    fn transcript_keys(&self, call: &Call, now: Timestamp) -> Vec<String> {
        let fill = path::Fill {
            room_id: &call.id,
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let named = |it: &&Recording| !it.key.is_empty() && !call.is_contested(it);
        let recording = call.primary_recording().filter(named);
        let own = path::key(&path::with_room_id(&self.path), &fill, |_| false);
        let mut keys: Vec<String> = recording.map(|it| it.key.clone()).into_iter().collect();
        keys.push(own.clone());
        keys.extend((1..=SUFFIXES).map(|n| {
            let suffix = sha256(format!("{n} {}", call.id));
            path::with_suffix(&own, &suffix[..8])
        }));
        keys.iter().map(|key| path::transcript_key(key)).collect()
    }
}
