//! Agents' reports: noted by call, and loaded only for what shows them.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    error::Result,
    in_memory::InMemory,
    large_bodies::Turn,
    message::decode,
    new_report::NewReport,
    open::Store,
    sql::{chunks, millis, rows, text, time},
};
use crate::domain::{
    Call, sha256,
    transcript::{Report, ReportEntry, ReportFacts, ReportOrigin, read_stored, shown, superseded},
};

const COLUMNS: &str = "id, job, dated_at, received_at, has_words, bytes, hash, uploaded";

impl Store {
    /// Adds to a call what agents reported, as far as it is shown.
    pub async fn load_reports(&self, call: &mut Call) -> Result<InMemory> {
        let entries = self.report_entries(&call.id).await?;
        let shown = shown(&entries);
        let bytes: u64 = shown.iter().map(|entry| entry.bytes).sum();
        let in_memory = self.in_memory(bytes).await;
        for entry in shown {
            // What cannot be read any more is left out, and what was deleted.
            let bytes = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
            let turn = self.large_bodies.turn(&[bytes]).await;
            if let Some(report) = self.report(&entry.id, &turn).await? {
                call.reports.add(&Arc::new(report), entry.received_at);
            }
        }
        Ok(in_memory)
    }

    /// How many bytes `load_reports` would load.
    pub async fn bytes_of_reports(&self, call_id: &str) -> Result<usize> {
        let entries = self.report_entries(call_id).await?;
        let bytes: u64 = shown(&entries).iter().map(|entry| entry.bytes).sum();
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// The reports of a call as they came, in the order of their arrival, without those of more than `most` bytes.
    pub async fn report_messages(&self, call_id: &str, most: i64) -> Result<Vec<String>> {
        let query = sqlx::query(
            "SELECT i.id, i.encoding, i.body FROM reports r JOIN inbox i ON i.id = r.id
             WHERE r.call_id = $1 AND r.bytes <= $2 ORDER BY i.id LIMIT 8",
        );
        let rows = query.bind(text(call_id)).bind(most);
        let mut messages = Vec::new();
        for row in rows.fetch_all(&self.read).await? {
            let body = decode(
                row.try_get("id")?,
                row.try_get("encoding")?,
                row.try_get("body")?,
            )?;
            messages.extend(String::from_utf8(body).ok());
        }
        Ok(messages)
    }

    /// Whether a report of the call can still be shown.
    pub async fn has_reports(&self, call_id: &str) -> Result<bool> {
        let query = sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM reports r LEFT JOIN inbox i ON i.id = r.id
             WHERE r.call_id = $1 AND (r.body IS NOT NULL OR i.body <> '')",
        );
        Ok(query.bind(text(call_id)).fetch_one(&self.read).await? > 0)
    }

    /// Whether all of these reports are noted as they are.
    pub async fn has_noted(&self, call_id: &str, reports: &[NewReport]) -> Result<bool> {
        let known = self.report_entries(call_id).await?;
        Ok(reports.iter().all(|report| known.contains(&report.entry)))
    }

    async fn report_entries(&self, call_id: &str) -> Result<Vec<ReportEntry>> {
        let sql = format!("SELECT {COLUMNS} FROM reports WHERE call_id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(text(call_id));
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// The report with this ID, if its body is there; it is parsed in this turn.
    async fn report(&self, id: &str, turn: &Turn) -> Result<Option<Report>> {
        let query = sqlx::query(
            "SELECT r.body AS own, i.encoding, i.body FROM reports r LEFT JOIN inbox i ON i.id = r.id WHERE r.id = $1",
        );
        let Some(row) = query.bind(id).fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        let own: Option<&str> = row.try_get("own")?;
        if let Some(own) = own {
            return Ok(turn.work(|| serde_json::from_str(own).ok()));
        }
        let (encoding, body): (Option<&str>, Option<&str>) =
            (row.try_get("encoding")?, row.try_get("body")?);
        let (Some(encoding), Some(body)) = (encoding, body) else {
            return Ok(None);
        };
        if encoding == "text" {
            return Ok(turn.work(|| read_stored(body).ok()));
        }
        Ok(turn.work(|| {
            let body = decode(id, encoding, body.to_owned());
            let body = body.ok().and_then(|body| String::from_utf8(body).ok());
            body.and_then(|body| read_stored(&body).ok())
        }))
    }
}

fn read(row: &AnyRow) -> Result<ReportEntry> {
    let dated: Option<i64> = row.try_get("dated_at")?;
    Ok(ReportEntry {
        id: row.try_get("id")?,
        facts: ReportFacts {
            dated: dated.map(time),
            job: row.try_get("job")?,
            has_words: row.try_get::<i64, _>("has_words")? == 1,
            refused_words: None,
            origin: match row.try_get::<i64, _>("uploaded")? {
                1 => ReportOrigin::Uploaded,
                _ => ReportOrigin::Sent,
            },
        },
        hash: row.try_get("hash")?,
        received_at: time(row.try_get("received_at")?),
        bytes: row.try_get::<i64, _>("bytes")?.unsigned_abs(),
    })
}

/// Notes new reports, and those that earlier versions stored in these calls; deletes the bodies of reports that are not
/// kept any more.
pub(super) async fn keep(
    connection: &mut AnyConnection,
    calls: &[&Call],
    new: &[NewReport],
) -> Result<()> {
    for call in calls {
        for (report, received_at) in call.reports.all() {
            move_out(connection, &call.id, report, received_at).await?;
        }
    }
    for NewReport { call_id, entry } in new {
        insert(connection, call_id, entry, None).await?;
    }
    let reported: BTreeSet<&str> = new.iter().map(|report| report.call_id.as_str()).collect();
    for call_id in reported {
        let sql = format!("SELECT {COLUMNS} FROM reports WHERE call_id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(call_id);
        let rows = query.fetch_all(&mut *connection).await?;
        let entries: Vec<ReportEntry> = rows.iter().map(read).collect::<Result<_>>()?;
        delete(connection, &superseded(&entries)).await?;
    }
    Ok(())
}

/// A report that an earlier version stored in its call. It has no message that is known.
async fn move_out(
    connection: &mut AnyConnection,
    call_id: &str,
    report: &Report,
    received_at: Timestamp,
) -> Result<()> {
    let body = serde_json::to_string(report)?;
    let hash = sha256(&body);
    let entry = ReportEntry {
        id: format!("{call_id}-{hash}"),
        facts: report.facts(received_at),
        hash,
        received_at,
        bytes: body.len() as u64,
    };
    insert(connection, call_id, &entry, Some(body)).await
}

async fn insert(
    connection: &mut AnyConnection,
    call_id: &str,
    entry: &ReportEntry,
    body: Option<String>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO reports (call_id, body, {COLUMNS}) VALUES {}
         ON CONFLICT (id) DO UPDATE SET call_id = excluded.call_id, job = excluded.job, dated_at = excluded.dated_at,
           has_words = excluded.has_words, bytes = excluded.bytes, hash = excluded.hash,
           uploaded = excluded.uploaded",
        rows(1, 1, 10, "")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(call_id)
        .bind(body.map(|body| text(&body)))
        .bind(&entry.id)
        .bind(&entry.facts.job)
        .bind(millis(entry.facts.dated))
        .bind(entry.received_at.as_millisecond())
        .bind(i64::from(entry.facts.has_words))
        .bind(i64::try_from(entry.bytes).unwrap_or(i64::MAX))
        .bind(&entry.hash)
        .bind(i64::from(!entry.facts.origin.is_sent()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes these reports and the bodies of their messages. The messages themselves stay.
async fn delete(connection: &mut AnyConnection, ids: &[&str]) -> Result<()> {
    for chunk in chunks(ids) {
        let ids = rows(1, 1, chunk.len(), "");
        for sql in [
            format!("DELETE FROM reports WHERE id IN {ids}"),
            format!("UPDATE inbox SET body = '' WHERE id IN {ids}"),
        ] {
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, id| query.bind(*id));
            query.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Deletes all reports of a call.
pub(super) async fn forget(connection: &mut AnyConnection, call_id: &str) -> Result<()> {
    let query = sqlx::query("DELETE FROM reports WHERE call_id = $1");
    query.bind(call_id).execute(connection).await?;
    Ok(())
}
