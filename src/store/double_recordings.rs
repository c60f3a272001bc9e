//! Calls that another program recorded beside this service, of the last day: for the alert.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{error::Result, open::Store, settings::Setting};

/// How long a call counts.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// More are not counted.
const AT_MOST: usize = 100;

/// A call that was recorded twice until ours was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubleRecording {
    /// Which call.
    pub call_id: String,
    /// Who started the other recording, in words for people.
    pub started_by: String,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Noted {
    call_id: String,
    started_by: String,
    at: Timestamp,
}

impl Store {
    /// Notes a call that is recorded twice; a call that is noted already is not noted again.
    pub async fn note_double_recording(
        &self,
        double: &DoubleRecording,
        now: Timestamp,
    ) -> Result<()> {
        let mut noted = self.noted(now).await?;
        if noted.iter().any(|known| known.call_id == double.call_id) {
            return Ok(());
        }
        noted.push(Noted {
            call_id: double.call_id.clone(),
            started_by: double.started_by.clone(),
            at: now,
        });
        let surplus = noted.len().saturating_sub(AT_MOST);
        noted.drain(..surplus);
        let text = serde_json::to_string(&noted)?;
        self.set(Setting::DoubleRecordings, &text).await
    }

    /// The calls that were recorded twice in the last day, the newest first.
    pub async fn double_recordings(&self, now: Timestamp) -> Result<Vec<DoubleRecording>> {
        let noted = self.noted(now).await?.into_iter().rev();
        let double = noted.map(|noted| DoubleRecording {
            call_id: noted.call_id,
            started_by: noted.started_by,
        });
        Ok(double.collect())
    }

    async fn noted(&self, now: Timestamp) -> Result<Vec<Noted>> {
        let stored = self.get(Setting::DoubleRecordings).await?;
        let noted = stored.and_then(|text| serde_json::from_str::<Vec<Noted>>(&text).ok());
        let mut noted = noted.unwrap_or_default();
        noted.retain(|noted| now.duration_since(noted.at) < DAY);
        Ok(noted)
    }
}
