//! The links in a row: renewed before they expire, and permanent with PUBLIC_URL.

use jiff::{SignedDuration, Timestamp};

use super::{changed_cells::LinkCells, sink::Airtable, state::SinkState};
use crate::{
    airtable::projection::RowLinks,
    domain::{Call, Recording, link::Linked},
    storage::Method,
};

impl Airtable {
    /// The row's links, and whether they are sent; none, while those that are in it live long enough.
    ///
    /// # Errors
    /// For people, when a link cannot be signed.
    pub(super) async fn row_links(
        &self,
        call: &Call,
        state: &mut SinkState,
        now: Timestamp,
    ) -> Result<(RowLinks, LinkCells), String> {
        let (text_key, transcript_missing) = match self.upload_transcript(call, state, now).await {
            Ok(key) => (key, None),
            Err(error) => (None, Some(error)),
        };
        let recording = call.playable_recording().map(|(recording, _)| recording);
        let (links, cells) = match &self.links.public_url {
            Some(_) => self.permanent_links(call, recording, text_key.as_ref(), state),
            None => {
                let key = recording.map(|recording| recording.key.clone());
                self.signed_links(key, text_key, state, now).await?
            }
        };
        let links = RowLinks {
            transcript_missing,
            ..links
        };
        Ok((links, cells))
    }

    /// Links that never expire, and so never change. A transcript's comes when the call knows where it lies, in the
    /// delivery after the one that put it there: a link in a row leads somewhere.
    fn permanent_links(
        &self,
        call: &Call,
        recording: Option<&Recording>,
        text_key: Option<&String>,
        state: &mut SinkState,
    ) -> (RowLinks, LinkCells) {
        let is_there = text_key.is_some() && call.transcript_file.is_some();
        let transcript = is_there.then_some(Linked::Transcript(&call.id));
        let recording = recording.map(|recording| Linked::Recording(&recording.egress_id));
        let links = RowLinks {
            recording: recording.and_then(|linked| self.links.permanent(linked)),
            transcript: transcript.and_then(|linked| self.links.permanent(linked)),
            ..RowLinks::default()
        };
        let had_others = state.signed_links.take().is_some();
        let cells = match had_others || links != RowLinks::default() {
            true => LinkCells::Fresh,
            false => LinkCells::Kept,
        };
        (links, cells)
    }

    /// Presigned URLs of these objects.
    async fn signed_links(
        &self,
        key: Option<String>,
        text_key: Option<String>,
        state: &mut SinkState,
        now: Timestamp,
    ) -> Result<(RowLinks, LinkCells), String> {
        if key.is_none() && text_key.is_none() {
            let cells = match state.signed_links.take() {
                Some(_) => LinkCells::Fresh,
                None => LinkCells::Kept,
            };
            return Ok((RowLinks::default(), cells));
        }
        let or_empty = |key: &Option<String>| key.clone().unwrap_or_default();
        let purpose = format!("{} {}", or_empty(&key), or_empty(&text_key));
        if are_valid(state, &purpose, now + self.links.ttl / 2) {
            return Ok((RowLinks::default(), LinkCells::Kept));
        }
        let expires = now + self.links.ttl;
        let links = RowLinks {
            expires: key.as_ref().map(|_| expires),
            recording: self.sign(key).await?,
            transcript: self.sign(text_key).await?,
            transcript_missing: None,
        };
        state.signed_links = Some((purpose, expires.as_millisecond()));
        Ok((links, LinkCells::Fresh))
    }

    async fn sign(&self, key: Option<String>) -> Result<Option<String>, String> {
        let Some(key) = key else { return Ok(None) };
        let signed = self
            .storage
            .presign(&key, self.links.ttl, Method::Get, None);
        signed.await.map(Some).map_err(|error| error.to_string())
    }

    /// When the row needs fresh links: with a quarter of the old ones' life left, while the row is young.
    pub(super) fn renewal(&self, call: &Call, state: &SinkState) -> Option<Timestamp> {
        let (_, expires) = state.signed_links.as_ref()?;
        let quarter = SignedDuration::try_from(self.links.ttl / 4).ok()?;
        let at = Timestamp::from_millisecond(*expires).ok()? - quarter;
        let young_until = call.ended_at().or(call.started_at())? + self.links.refresh;
        (at < young_until).then_some(at)
    }
}

/// Whether the URLs in the row are for this purpose and still valid then.
fn are_valid(state: &SinkState, purpose: &str, then: Timestamp) -> bool {
    let signed = state.signed_links.as_ref();
    signed.is_some_and(|(known, expires)| known == purpose && *expires > then.as_millisecond())
}
