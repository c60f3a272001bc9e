//! The waveforms of recordings, and which recordings are to be listened to for one.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    error::Result,
    open::Store,
    sql::{chunks, rows, text},
};
use crate::domain::{Call, Waveform};

/// A recording whose words are found by its sound is listened to before that, and then has its waveform.
const AFTER: Duration = Duration::from_secs(15);

/// A recording that is to be listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueWaveform {
    /// The recording.
    pub egress_id: String,
    /// Its call.
    pub call_id: String,
    /// How often it was begun.
    pub attempts: i64,
}

/// Notes the recordings of the calls that have become ready for it. Each is noted once.
pub(super) async fn note(
    connection: &mut AnyConnection,
    calls: &[&Call],
    now: Timestamp,
) -> Result<()> {
    let of_call = |call: &&Call| {
        let call_id = call.id.to_string();
        let recordings = call.to_draw().into_iter();
        let ids = recordings.map(|it| it.egress_id.to_string());
        ids.map(move |id| (id, call_id.clone())).collect::<Vec<_>>()
    };
    let ready: BTreeMap<String, String> = calls.iter().flat_map(of_call).collect();
    let ready: Vec<(String, String)> = ready.into_iter().collect();
    for chunk in chunks(&ready) {
        let sql = format!(
            "INSERT INTO waveforms (egress_id, call_id, due_at, attempts) VALUES {} ON CONFLICT (egress_id) DO NOTHING",
            rows(chunk.len(), 1, 4, "")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = chunk.iter().fold(query, |query, (egress_id, call_id)| {
            let due_at = now.as_millisecond() + AFTER.as_millis() as i64;
            let query = query.bind(egress_id.as_str()).bind(call_id.as_str());
            query.bind(due_at).bind(0_i64)
        });
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// The recording that has been due the longest; none if nobody can look at it. Where words are still to be found by sound,
    /// the recording is fetched for both at once.
    pub async fn next_waveform(&self, now: Timestamp) -> Result<Option<DueWaveform>> {
        if !self.draws {
            return Ok(None);
        }
        let query = sqlx::query(
            "SELECT egress_id, call_id, attempts FROM waveforms w WHERE due_at <= $1
             AND NOT EXISTS (SELECT 1 FROM alignments a WHERE a.call_id = w.call_id) ORDER BY due_at LIMIT 1",
        );
        let row = query.bind(now.as_millisecond());
        let Some(row) = row.fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        Ok(Some(DueWaveform {
            egress_id: row.try_get("egress_id")?,
            call_id: row.try_get("call_id")?,
            attempts: row.try_get("attempts")?,
        }))
    }

    /// Counts an attempt before it begins, and when the next one is due if this one does not end.
    pub async fn begin_waveform(&self, egress_id: &str, again_at: Timestamp) -> Result<()> {
        let query = sqlx::query(
            "UPDATE waveforms SET attempts = attempts + 1, due_at = $1 WHERE egress_id = $2",
        );
        let query = query.bind(again_at.as_millisecond()).bind(egress_id);
        query.execute(&self.write).await?;
        Ok(())
    }

    /// Stores what was heard of a recording that was noted; `None`: it has no waveform. It needs no further attempt.
    pub async fn end_waveform(&self, egress_id: &str, heard: Option<&Waveform>) -> Result<()> {
        let query =
            sqlx::query("UPDATE waveforms SET points = $1, due_at = NULL WHERE egress_id = $2");
        let points = heard.map(Waveform::to_string);
        let points = points.filter(|points| !points.is_empty());
        query
            .bind(points)
            .bind(egress_id)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The waveforms of a call's recordings, by egress ID.
    pub async fn waveforms(&self, call_id: &str) -> Result<BTreeMap<String, Waveform>> {
        let query = sqlx::query(
            "SELECT egress_id, points FROM waveforms WHERE call_id = $1 AND points IS NOT NULL",
        );
        let mut waveforms = BTreeMap::new();
        for row in query.bind(text(call_id)).fetch_all(&self.read).await? {
            let points: &str = row.try_get("points")?;
            // A page without it plays all the same.
            if let Ok(waveform) = points.parse() {
                waveforms.insert(row.try_get("egress_id")?, waveform);
            }
        }
        Ok(waveforms)
    }
}
