//! What people click in a row: signed anew before it dies, and the full text of a transcript that was cut.

use jiff::{SignedDuration, Timestamp};

use super::{
    Airtable,
    row::{Memo, hash},
};
use crate::{
    airtable::row::{self, Links},
    domain::{Call, path},
    storage::{self, Method},
};

impl Airtable {
    /// The row's addresses; false: those that are in it live long enough, and are not sent.
    pub(super) async fn links(
        &self,
        call: &Call,
        memo: &mut Memo,
        now: Timestamp,
    ) -> Result<(Links, bool), String> {
        let (text_key, transcript_missing) = match self.keep_transcript(call, memo, now).await {
            Ok(key) => (key, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let recording = call.playable().map(|(recording, _)| recording);
        let permanent = recording.and_then(|r| self.links.permanent(&r.egress_id));
        let to_sign = recording.filter(|_| permanent.is_none());
        if to_sign.is_none() && text_key.is_none() {
            let fresh = memo.signed.take().is_some() || permanent.is_some();
            let links = Links {
                recording: permanent,
                transcript_missing,
                ..Links::default()
            };
            return Ok((links, fresh));
        }
        let address = permanent.as_deref().or(to_sign.map(|r| r.key.as_str()));
        let text = text_key.as_deref().unwrap_or_default();
        let purpose = format!("{} {text}", address.unwrap_or_default());
        if lives(memo, &purpose, now + self.links.ttl / 2) {
            let links = Links {
                transcript_missing,
                ..Links::default()
            };
            return Ok((links, false));
        }
        let expires = now + self.links.ttl;
        let signed = self.sign(to_sign.map(|r| r.key.clone())).await?;
        let links = Links {
            expires: signed.as_ref().map(|_| expires),
            recording: permanent.or(signed),
            transcript: self.sign(text_key).await?,
            transcript_missing,
        };
        memo.signed = Some((purpose, expires.as_millisecond()));
        Ok((links, true))
    }

    /// Puts the whole transcript beside the recording when the cell's is cut; its key.
    async fn keep_transcript(
        &self,
        call: &Call,
        memo: &mut Memo,
        now: Timestamp,
    ) -> Result<Option<String>, storage::Error> {
        let Some(text) = row::long_transcript(call) else {
            return Ok(None);
        };
        let fill = path::Fill {
            room_id: &call.id,
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let recording = match call.shown() {
            Some(recording) if !recording.key.is_empty() => recording.key.clone(),
            _ => path::key(&self.path, &fill, |_| false),
        };
        let key = path::transcript_key(&recording);
        let kept = (hash(&text), key.clone());
        if memo.text.as_ref() != Some(&kept) {
            self.storage.put_text(&key, text).await?;
            memo.text = Some(kept);
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
    pub(super) fn renewal(&self, call: &Call, memo: &Memo) -> Option<Timestamp> {
        let (_, dies) = memo.signed.as_ref()?;
        let quarter = SignedDuration::try_from(self.links.ttl / 4).ok()?;
        let at = Timestamp::from_millisecond(*dies).ok()? - quarter;
        let young_until = call.ended_at().or(call.started_at())? + self.links.refresh;
        (at < young_until).then_some(at)
    }
}

/// Whether the URLs in the row are for this purpose and still good then.
fn lives(memo: &Memo, purpose: &str, then: Timestamp) -> bool {
    let signed = memo.signed.as_ref();
    signed.is_some_and(|(known, dies)| known == purpose && *dies > then.as_millisecond())
}
