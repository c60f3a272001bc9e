//! Calls of the last day that another program also recorded, for the alert.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    error::{Error, Result},
    open::Store,
    settings::Setting,
};

/// How long a call is kept.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// No more than these are kept.
const AT_MOST: usize = 100;
/// Deliveries note calls in parallel, also in other processes. Each failed try means that another call was noted.
const TRIES: usize = 2 * AT_MOST;

/// A call that was recorded twice until ours was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubleRecording {
    /// The call's ID.
    pub call_id: String,
    /// The program that started the other recording, in words for people.
    pub started_by: String,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Noted {
    call_id: String,
    started_by: String,
    at: Timestamp,
}

impl Store {
    /// Stores a call that is recorded twice, once.
    pub async fn note_double_recording(
        &self,
        double: &DoubleRecording,
        now: Timestamp,
    ) -> Result<()> {
        for _ in 0..TRIES {
            let stored = self.get(Setting::DoubleRecordings).await?;
            let mut noted = read(stored.as_deref(), now);
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
            let replacing = self.replace(Setting::DoubleRecordings, stored.as_deref(), &text);
            match replacing.await {
                Err(Error::Conflict) => {}
                done => return done,
            }
        }
        Err(Error::Conflict)
    }

    /// The calls that were recorded twice in the last day, the newest first.
    pub async fn double_recordings(&self, now: Timestamp) -> Result<Vec<DoubleRecording>> {
        let stored = self.get(Setting::DoubleRecordings).await?;
        let noted = read(stored.as_deref(), now).into_iter().rev();
        let double = noted.map(|noted| DoubleRecording {
            call_id: noted.call_id,
            started_by: noted.started_by,
        });
        Ok(double.collect())
    }
}

/// The calls of the last day; none of a text that this version cannot read.
fn read(stored: Option<&str>, now: Timestamp) -> Vec<Noted> {
    let noted = stored.and_then(|text| serde_json::from_str::<Vec<Noted>>(text).ok());
    let mut noted = noted.unwrap_or_default();
    noted.retain(|noted| now.duration_since(noted.at) < DAY);
    noted
}
