//! What `doctor` needs of the database: its rooms, a trial write, what arrived, and how fast the database grows.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use crate::domain::audit::{AuditAction, RefusedReport};

use super::{error::Result, open::Store, settings::Setting};

/// Of the newest messages, those among which a webhook is looked for.
const NEWEST: i64 = 2000;
/// How far back the growth of the database is measured.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// IDs of messages are UUIDs that begin with their time: those from then on sort behind this text.
fn first_id_at(at: Timestamp) -> String {
    let millis = at.as_millisecond().max(0);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

/// What came in during the last week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Bytes of all messages.
    pub bytes: u64,
    /// When the first message of all came, if that was within the week.
    pub since: Timestamp,
}

impl Store {
    /// Remembers a room of `doctor`'s by its id, before it is created: it is no call.
    pub async fn add_doctor_room(&self, id: &str, now: Timestamp) -> Result<()> {
        self.set(Setting::DoctorRoom(id), &now.to_string()).await
    }

    /// Whether `doctor` made the room with this id.
    pub async fn is_doctor_room(&self, id: &str) -> Result<bool> {
        Ok(self.get(Setting::DoctorRoom(id)).await?.is_some())
    }

    /// Inserts a row and deletes it; how long that took, to the disk.
    pub async fn try_write(&self, id: &str, now: Timestamp) -> Result<Duration> {
        let begun = Instant::now();
        self.set(Setting::DoctorWrite(id), &now.to_string()).await?;
        sqlx::query("DELETE FROM settings WHERE name = $1")
            .bind(Setting::DoctorWrite(id).name().into_owned())
            .execute(&self.write)
            .await?;
        Ok(begun.elapsed())
    }

    /// The bodies of the newest webhooks that contain this text, oldest first.
    pub async fn webhooks_with(&self, text: &str) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "SELECT body FROM (SELECT id, kind, body FROM inbox ORDER BY id DESC LIMIT $1) AS newest
             WHERE kind = 'webhook' AND body LIKE $2 ORDER BY id LIMIT 100",
        );
        let query = query.bind(NEWEST).bind(format!("%{text}%"));
        Ok(query.fetch_all(&self.read).await?)
    }

    /// The body of the newest report of a call, as it was stored; `None`: there is none, or it was deleted after KEEP.
    pub async fn newest_report(&self, call_id: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar(
            "SELECT body FROM inbox WHERE call_id = $1 AND kind = 'report' AND body <> '' ORDER BY id DESC LIMIT 1",
        );
        Ok(query.bind(call_id).fetch_optional(&self.read).await?)
    }

    /// How many lines the audit trail has of reports that were refused with 401 since then, by what to do about it.
    pub async fn refused_reports(&self, since: Timestamp) -> Result<BTreeMap<RefusedReport, i64>> {
        let action = AuditAction::SendTranscript.as_str();
        let query = sqlx::query(
            "SELECT detail, COUNT(*) AS lines FROM (
               SELECT detail FROM audit WHERE action = $1 AND status = 401 AND happened_at >= $2
               UNION ALL
               SELECT detail FROM audit_refused WHERE action = $1 AND status = 401 AND last_at >= $2
             ) AS refused GROUP BY detail",
        );
        let query = query.bind(action).bind(since.as_millisecond());
        let mut refused = BTreeMap::new();
        for row in query.fetch_all(&self.read).await? {
            let report = RefusedReport::read(row.try_get("detail")?);
            *refused.entry(report).or_default() += row.try_get::<i64, _>("lines")?;
        }
        Ok(refused)
    }

    /// What came in during the last week; `None`: nothing did.
    pub async fn growth(&self, now: Timestamp) -> Result<Option<Growth>> {
        let query = sqlx::query(
            "SELECT CAST(SUM(OCTET_LENGTH(body)) AS BIGINT) AS bytes, MIN(received_at) AS first FROM inbox WHERE id > $1",
        );
        let query = query.bind(first_id_at(now - WEEK));
        let row = query.fetch_one(&self.read).await?;
        let (bytes, first): (Option<i64>, Option<i64>) =
            (row.try_get("bytes")?, row.try_get("first")?);
        Ok(bytes.zip(first).map(|(bytes, first)| Growth {
            bytes: bytes.unsigned_abs(),
            since: super::sql::time(first),
        }))
    }
}
