//! What was received of a call, for people; and which calls messages have changed lately, for pages that show changes.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};
use uuid::Uuid;

use super::{
    error::Result,
    message::{MessageKind, MessageOutcome, read_outcome},
    open::Store,
    sql::{rows, text, time},
    unknown::UnknownValue,
};

/// Bytes of the largest body that is read to say what a message is.
const BODY: i64 = 32 << 10;

/// A message of a call, as far as it is shown.
#[derive(Debug, Clone)]
pub struct CallMessage {
    /// Sorts by arrival.
    pub id: String,
    /// What it is.
    pub kind: MessageKind,
    /// By our clock.
    pub received_at: Timestamp,
    /// `None`: it waits.
    pub processed_at: Option<Timestamp>,
    /// `None`: it waits, or was processed by a version that did not store it.
    pub outcome: Option<MessageOutcome>,
    /// Why it could not be used.
    pub error: Option<String>,
    /// Of its body.
    pub bytes: i64,
    /// Its body, if it is text, no report, and not large.
    pub body: Option<String>,
}

impl Store {
    /// Messages of a call in the order of their arrival, at most `limit` after the one with the ID `after`.
    pub async fn timeline_messages(
        &self,
        call_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<CallMessage>> {
        let sql = format!(
            "SELECT id, kind, received_at, processed_at, outcome, error, CAST(OCTET_LENGTH(body) AS BIGINT) AS bytes,
               CASE WHEN kind <> '{}' AND encoding = 'text' AND OCTET_LENGTH(body) <= {BODY} THEN body END AS shown
             FROM inbox WHERE call_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            MessageKind::Report.as_str()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(text(call_id));
        let rows = query.bind(text(after)).bind(limit);
        let rows = rows.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// The calls of messages that arrived after `arrived` and were processed at `processed` or later, at most `limit`.
    pub async fn touched_calls(
        &self,
        arrived: Timestamp,
        processed: Timestamp,
        limit: i64,
    ) -> Result<Vec<String>> {
        let query = sqlx::query_scalar::<_, String>(
            "SELECT DISTINCT call_id FROM inbox WHERE id > $1 AND processed_at >= $2 AND call_id IS NOT NULL LIMIT $3",
        );
        let ids = query.bind(first_id(arrived));
        let ids = ids.bind(processed.as_millisecond()).bind(limit);
        Ok(ids.fetch_all(&self.read).await?)
    }

    /// How often these calls have changed, as far as they are known.
    pub async fn revisions(&self, call_ids: &[&str]) -> Result<Vec<(String, i64)>> {
        if call_ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows(1, 1, call_ids.len(), "");
        let sql = format!("SELECT id, revision FROM calls WHERE id IN {ids}");
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = call_ids
            .iter()
            .fold(query, |query, id| query.bind(text(id)));
        let rows = query.fetch_all(&self.read).await?;
        let revision = |row: &AnyRow| Ok((row.try_get("id")?, row.try_get("revision")?));
        rows.iter().map(revision).collect()
    }

    /// What changes with the deliveries of these calls: by call, a text that differs when one of them does.
    pub async fn delivery_marks(&self, call_ids: &[&str]) -> Result<Vec<(String, String)>> {
        if call_ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT call_id, sink, part, state, delivered, attempts, due_at FROM deliveries WHERE call_id IN {}
             ORDER BY call_id, sink, part",
            rows(1, 1, call_ids.len(), "")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = call_ids
            .iter()
            .fold(query, |query, id| query.bind(text(id)));
        let mut marks: Vec<(String, String)> = Vec::new();
        for row in query.fetch_all(&self.read).await? {
            let call: String = row.try_get("call_id")?;
            let mark = mark(&row)?;
            match marks.last_mut().filter(|(id, _)| *id == call) {
                Some((_, marks)) => marks.push_str(&mark),
                None => marks.push((call, mark)),
            }
        }
        Ok(marks)
    }
}

fn mark(row: &AnyRow) -> Result<String> {
    let (sink, state): (&str, &str) = (row.try_get("sink")?, row.try_get("state")?);
    let numbers = ["delivered", "attempts", "due_at"].map(|name| row.try_get::<i64, _>(name));
    let mut mark = format!("{sink} {state}");
    for number in numbers {
        mark += &format!(" {}", number?);
    }
    Ok(mark + "\n")
}

fn read(row: &AnyRow) -> Result<CallMessage> {
    let id: String = row.try_get("id")?;
    let kind: &str = row.try_get("kind")?;
    let kind = kind
        .parse()
        .map_err(|_| UnknownValue::name(format!("message {id}"), "kind", kind))?;
    let processed: Option<i64> = row.try_get("processed_at")?;
    Ok(CallMessage {
        kind,
        received_at: time(row.try_get("received_at")?),
        processed_at: processed.map(time),
        outcome: read_outcome(&id, row)?,
        error: row.try_get("error")?,
        bytes: row.try_get("bytes")?,
        body: row.try_get("shown")?,
        id,
    })
}

/// The smallest ID that a message of this time can have: IDs start with their milliseconds.
fn first_id(at: Timestamp) -> String {
    let millis = at.as_millisecond().unsigned_abs();
    let bytes = (u128::from(millis) << 80).to_be_bytes();
    Uuid::from_bytes(bytes).to_string()
}
