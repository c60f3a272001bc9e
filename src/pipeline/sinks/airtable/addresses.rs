//! What people click in a row: signed anew before it dies, and the full text of a transcript that was cut.

use jiff::{SignedDuration, Timestamp};

use super::{
    Airtable,
    row::{Memo, hash},
};
use crate::{
    airtable::row::{self, Links},
    domain::{Call, Recording, event::Observation, link::Linked, path},
    pipeline::message,
    storage::Method,
};

impl Airtable {
    /// The row's addresses; false: those that are in it live long enough, and are not sent.
    pub(super) async fn links(
        &self,
        call: &Call,
        sink_state: &mut Memo,
        now: Timestamp,
    ) -> Result<(Links, bool), String> {
        let (text_key, transcript_missing) = match self.keep_transcript(call, sink_state, now).await
        {
            Ok(key) => (key, None),
            Err(error) => (None, Some(error)),
        };
        let recording = call.playable_recording().map(|(recording, _)| recording);
        if self.links.public_url.is_some() {
            let links = self.permanent(call, recording, text_key.is_some());
            let fresh = sink_state.signed.take().is_some() || links != Links::default();
            let links = Links {
                transcript_missing,
                ..links
            };
            return Ok((links, fresh));
        }
        let key = recording.map(|recording| recording.key.clone());
        if key.is_none() && text_key.is_none() {
            let links = Links {
                transcript_missing,
                ..Links::default()
            };
            return Ok((links, sink_state.signed.take().is_some()));
        }
        let item = |key: &Option<String>| key.clone().unwrap_or_default();
        let purpose = format!("{} {}", item(&key), item(&text_key));
        if lives(sink_state, &purpose, now + self.links.ttl / 2) {
            let links = Links {
                transcript_missing,
                ..Links::default()
            };
            return Ok((links, false));
        }
        let expires = now + self.links.ttl;
        let links = Links {
            expires: key.as_ref().map(|_| expires),
            recording: self.sign(key).await?,
            transcript: self.sign(text_key).await?,
            transcript_missing,
        };
        sink_state.signed = Some((purpose, expires.as_millisecond()));
        Ok((links, true))
    }

    /// Links that never die, and so never change. A transcript's comes when the call knows where it lies, in the
    /// delivery after the one that put it there: a link in a row leads somewhere.
    fn permanent(&self, call: &Call, recording: Option<&Recording>, long: bool) -> Links {
        let there = long && call.transcript_file.is_some();
        let transcript = there.then_some(Linked::Transcript(&call.id));
        let recording = recording.map(|recording| Linked::Recording(&recording.egress_id));
        Links {
            expires: None,
            recording: recording.and_then(|linked| self.links.permanent(linked)),
            transcript: transcript.and_then(|linked| self.links.permanent(linked)),
            transcript_missing: None,
        }
    }

    /// Puts the whole transcript beside the recording when the cell's is cut; its key.
    async fn keep_transcript(
        &self,
        call: &Call,
        sink_state: &mut Memo,
        now: Timestamp,
    ) -> Result<Option<String>, String> {
        let Some(text) = row::long_transcript(call) else {
            // A forgotten call's text is in the bucket, and its link is renewed like the recording's.
            let kept = sink_state.text.as_ref().filter(|_| call.purged);
            return Ok(kept.map(|(_, key)| key.clone()));
        };
        let fill = path::Fill {
            room_id: &call.id,
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let recording = match call.primary_recording() {
            Some(recording) if !recording.key.is_empty() => recording.key.clone(),
            // With the call's id in it: no other call's text, or recording's, may ever lie there.
            _ => path::key(&path::with_room_id(&self.path), &fill, |_| false),
        };
        let key = path::transcript_key(&recording);
        let there = (hash(&text), key.clone());
        if sink_state.text.as_ref() != Some(&there) {
            let put = self.storage.put_text(&key, text).await;
            put.map_err(|error| error.to_string())?;
            // The permanent link leads to where the call says that it lies.
            let kept = message::observation(
                &call.id,
                &Observation::TranscriptKept { key: key.clone() },
                now,
            );
            let told = self.store.put(kept).await;
            told.map_err(|error| format!("where it lies could not be stored: {error}"))?;
            self.wake.intake.notify_one();
            sink_state.text = Some(there);
        }
        Ok(Some(key))
    }

    async fn sign(&self, key: Option<String>) -> Result<Option<String>, String> {
        let Some(key) = key else { return Ok(None) };
        let signed = self
            .storage
            .presign(&key, self.links.ttl, Method::Get, None);
        signed.await.map(Some).map_err(|error| error.to_string())
    }

    /// When the row needs a fresh URL: with a quarter of the old one's life left, while the row is young.
    pub(super) fn renewal(&self, call: &Call, sink_state: &Memo) -> Option<Timestamp> {
        let (_, dies) = sink_state.signed.as_ref()?;
        let quarter = SignedDuration::try_from(self.links.ttl / 4).ok()?;
        let at = Timestamp::from_millisecond(*dies).ok()? - quarter;
        let young_until = call.ended_at().or(call.started_at())? + self.links.refresh;
        (at < young_until).then_some(at)
    }
}

/// Whether the URLs in the row are for this purpose and still good then.
fn lives(sink_state: &Memo, purpose: &str, then: Timestamp) -> bool {
    let signed = sink_state.signed.as_ref();
    signed.is_some_and(|(known, dies)| known == purpose && *dies > then.as_millisecond())
}
