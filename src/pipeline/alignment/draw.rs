//! Listens to recordings for their waveforms alone: those without words, and the other parts of a call.

use jiff::Timestamp;

use super::{
    attempt::{MOST_ATTEMPTS, again_at},
    listen::{Error, Heard, listen},
};
use crate::{
    domain::{Waveform, alignment::Said},
    storage,
    store::{DueWaveform, Store},
};

/// What is to be listened to, and where.
pub(super) struct Draw<'a> {
    pub store: &'a Store,
    pub storage: &'a storage::Client,
}

impl Draw<'_> {
    /// Listens to the recording that has been due the longest. False: there is none.
    pub(super) async fn next(&self, now: Timestamp) -> anyhow::Result<bool> {
        let Some(due) = self.store.next_waveform(now).await? else {
            return Ok(false);
        };
        let key = self.key(&due).await?;
        // Attempts that ended the process, or took too long, have left no result.
        let Some(key) = key.filter(|_| due.attempts <= MOST_ATTEMPTS) else {
            self.store.end_waveform(&due.egress_id, None).await?;
            return Ok(true);
        };
        let again_at = again_at(due.attempts, now);
        self.store.begin_waveform(&due.egress_id, again_at).await?;
        match self.hear(&key).await {
            Ok(waveform) => {
                let waveform = waveform.as_ref();
                self.store.end_waveform(&due.egress_id, waveform).await?;
            }
            Err(error) if error.is_transient() && due.attempts < MOST_ATTEMPTS => {
                tracing::debug!(call_id = due.call_id, %error, "recording could not be fetched; it gets its waveform later");
            }
            Err(error) => {
                tracing::warn!(call_id = due.call_id, %error, "recording was not listened to; it has no waveform");
                self.store.end_waveform(&due.egress_id, None).await?;
            }
        }
        Ok(true)
    }

    async fn key(&self, due: &DueWaveform) -> anyhow::Result<Option<String>> {
        let Some(row) = self.store.call(&due.call_id).await? else {
            return Ok(None);
        };
        let recordings = row.call.to_draw().into_iter();
        let mut keys = recordings.filter(|it| *it.egress_id == due.egress_id);
        Ok(keys.next().map(|it| it.key.clone()))
    }

    async fn hear(&self, key: &str) -> Result<Option<Waveform>, Error> {
        let body = self.storage.read(key).await?;
        let Heard { waveform, .. } = listen(body, Said::default()).await?;
        Ok(waveform)
    }
}
