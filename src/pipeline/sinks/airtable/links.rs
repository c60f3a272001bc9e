//! The links in a row: renewed before they expire, and permanent with PUBLIC_URL.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{changed_cells::LinkCells, sink::Airtable, state::SinkState};
use crate::{
    airtable::{Source, projection::RowLinks},
    domain::{Call, LinkRevocation, Recording, RevokedRow, link::Linked},
    storage::{Method, Served},
};

/// The targets of a row's links.
struct LinkedObjects<'a> {
    recording: Option<&'a Recording>,
    /// The recordings that a column lists, including those without a file.
    parts: Vec<&'a Recording>,
    /// The key of the full transcript.
    transcript: Option<String>,
}

impl LinkedObjects<'_> {
    fn is_empty(&self) -> bool {
        self.recording.is_none() && self.parts.is_empty() && self.transcript.is_none()
    }

    /// Identifies the targets: when it changes, the links are created again.
    fn purpose(&self, call: &Call) -> String {
        let key = self.recording.map_or("", |recording| &recording.key);
        let transcript = self.transcript.as_deref().unwrap_or_default();
        let mut purpose = format!("{key} {transcript}");
        for part in &self.parts {
            purpose += &format!(" {}", call.part_summary(part));
        }
        purpose
    }
}

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
        let linked = LinkedObjects {
            recording,
            parts: self.listed_parts(call),
            transcript: text_key,
        };
        let revocation = self.store.link_revocation(&call.id).await;
        let revocation = revocation.map_err(|error| error.to_string())?;
        let unlinked = revocation.filter(|revocation| revocation.row == RevokedRow::Unlinked);
        let (links, cells) = match (&unlinked, &self.links.public_url) {
            (Some(revocation), _) => {
                state.signed_links = None;
                let links = RowLinks {
                    revoked_at: (!linked.is_empty()).then_some(revocation.at),
                    ..RowLinks::default()
                };
                (links, LinkCells::Fresh)
            }
            (None, Some(_)) => self.permanent_links(call, &linked, state, revocation.as_ref()),
            (None, None) => self.signed_links(call, &linked, state, now).await?,
        };
        state.link_mark = self.mark(revocation.as_ref());
        let links = RowLinks {
            transcript_missing,
            ..links
        };
        Ok((links, cells))
    }

    /// Differs whenever the permanent links of the row would differ, or have been revoked.
    fn mark(&self, revocation: Option<&LinkRevocation>) -> Option<String> {
        let rules = self.links.public_url.as_ref().map(|_| self.links.mark());
        match revocation {
            None => rules,
            Some(it) => Some(format!("{}.{}", rules.unwrap_or_default(), it.generation)),
        }
    }

    /// The recordings that a column lists; none without such a column.
    fn listed_parts<'a>(&self, call: &'a Call) -> Vec<&'a Recording> {
        match self.schema.filled_from(&Source::AllRecordings) {
            Some(_) => call.parts(),
            None => Vec::new(),
        }
    }

    /// Links that only LINK_LIFE ends, and that every process makes alike. A transcript gets its link in the delivery after its upload, when the call
    /// knows the key: a link in a row never leads nowhere.
    fn permanent_links(
        &self,
        call: &Call,
        linked: &LinkedObjects<'_>,
        state: &mut SinkState,
        revocation: Option<&LinkRevocation>,
    ) -> (RowLinks, LinkCells) {
        let issue = revocation.map(|revocation| revocation.issue(revocation.at));
        let is_there = linked.transcript.is_some() && call.transcript_file.is_some();
        let transcript = is_there.then_some(Linked::Transcript(&call.id));
        let link = |recording: &Recording| {
            let linked = Linked::Recording(&recording.egress_id);
            self.links.permanent(linked, issue)
        };
        let expires = |recording: &Recording| {
            let since = issue.map(|issue| issue.at);
            let since = since.or_else(|| call.recording_linked_since(recording));
            self.links.expires(since?)
        };
        let parts = linked.parts.iter().filter(|part| call.is_playable(part));
        let links = RowLinks {
            recording: linked.recording.and_then(link),
            expires: linked.recording.and_then(expires),
            parts: parts
                .filter_map(|part| Some((part.egress_id.clone(), link(part)?)))
                .collect(),
            transcript: transcript.and_then(|linked| self.links.permanent(linked, issue)),
            ..RowLinks::default()
        };
        let had_others = state.signed_links.take().is_some();
        let has_some = !linked.parts.is_empty() || links != RowLinks::default();
        // A link to an object that another call claims is taken out of the row.
        let is_contested = !call.contested.is_empty();
        let cells = match had_others || has_some || is_contested {
            true => LinkCells::Fresh,
            false => LinkCells::Kept,
        };
        (links, cells)
    }

    /// Presigned URLs of these objects.
    async fn signed_links(
        &self,
        call: &Call,
        linked: &LinkedObjects<'_>,
        state: &mut SinkState,
        now: Timestamp,
    ) -> Result<(RowLinks, LinkCells), String> {
        if linked.is_empty() {
            let cells = match state.signed_links.take() {
                Some(_) => LinkCells::Fresh,
                None => LinkCells::Kept,
            };
            return Ok((RowLinks::default(), cells));
        }
        let purpose = linked.purpose(call);
        if are_valid(state, &purpose, now + self.links.ttl / 2) {
            return Ok((RowLinks::default(), LinkCells::Kept));
        }
        let expires = now + self.links.ttl;
        let mut parts = BTreeMap::new();
        for part in linked.parts.iter().filter(|part| call.is_playable(part)) {
            let signed = self.sign(Some(&part.key)).await?;
            parts.extend(signed.map(|link| (part.egress_id.clone(), link)));
        }
        let key = linked.recording.map(|recording| recording.key.as_str());
        let links = RowLinks {
            expires: key.map(|_| expires),
            recording: self.sign(key).await?,
            parts,
            transcript: self.sign(linked.transcript.as_deref()).await?,
            ..RowLinks::default()
        };
        state.signed_links = Some((purpose, expires.as_millisecond()));
        Ok((links, LinkCells::Fresh))
    }

    async fn sign(&self, key: Option<&str>) -> Result<Option<String>, String> {
        let Some(key) = key else { return Ok(None) };
        let signed = self
            .storage
            .presign(key, self.links.ttl, Method::Get, Served::default());
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
