//! Requests that were refused: counted until their hour is over, and then lines of the chain.

use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};
use uuid::Uuid;

use super::{
    append::{append, lock},
    line::AuditLine,
    read::{AuditFilter, MATCHES},
};
use crate::{
    domain::{audit::AuditEntry, sha256},
    store::{
        error::Result,
        open::Store,
        sql::{chunks, rows, time},
    },
};

/// Lines of one transaction.
const BATCH: i64 = 256;

const COLUMNS: &str = "id, hour, first_at, last_at, who, action, call_id, egress_id, client, status, requests, detail";

/// The same request, refused several times in an hour.
#[derive(Debug, Clone)]
pub struct RefusedRequests {
    /// The last of them.
    pub entry: AuditEntry,
    /// How many.
    pub requests: i64,
}

impl Store {
    /// Counts refused requests.
    pub async fn count_refused(&self, refused: &[RefusedRequests]) -> Result<()> {
        let mut counted: Vec<_> = refused
            .iter()
            .map(|one| (sha256(one.entry.identity()), one))
            .collect();
        // In one order everywhere: two replicas that count the same would lock each other out.
        counted.sort_by(|a, b| a.0.cmp(&b.0));
        let counting = async {
            let mut transaction = self.write.begin().await?;
            for chunk in chunks(&counted) {
                count(&mut transaction, chunk).await?;
            }
            Ok(transaction.commit().await?)
        };
        self.in_time(counting).await
    }

    /// Makes lines of what was refused before this hour; those lines. As many as one transaction takes.
    pub async fn seal_refused(&self, hour: i64) -> Result<Vec<AuditLine>> {
        let mut transaction = self.write.begin().await?;
        lock(&mut transaction).await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_refused WHERE hour < $1 ORDER BY first_at, id LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(hour).bind(BATCH);
        let found = query.fetch_all(&mut *transaction).await?;
        let mut ids = Vec::new();
        for row in &found {
            ids.push(row.try_get::<String, _>("id")?);
        }
        for chunk in chunks(&ids) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = format!("DELETE FROM audit_refused WHERE id IN {ids}");
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk
                .iter()
                .fold(query, |query, id| query.bind(id.as_str()));
            query.execute(&mut *transaction).await?;
        }
        let lines: Result<Vec<AuditLine>> = found.iter().map(read).collect();
        let appended = append(&mut transaction, lines?).await?;
        transaction.commit().await?;
        Ok(appended)
    }

    /// What was refused in the hour that is not over, oldest first.
    pub async fn open_refused(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_refused WHERE {MATCHES} AND last_at >= $2 ORDER BY first_at, id"
        );
        let query = filter.bind(sqlx::query(AssertSqlSafe(sql)));
        let found = query.fetch_all(&self.read).await?;
        found.iter().map(read).collect()
    }
}

async fn count(connection: &mut AnyConnection, chunk: &[(String, &RefusedRequests)]) -> Result<()> {
    let values = rows(chunk.len(), 1, 12, "");
    let sql = format!(
        "INSERT INTO audit_refused ({COLUMNS}) VALUES {values} ON CONFLICT (id) DO UPDATE SET
           last_at = excluded.last_at, status = excluded.status, requests = audit_refused.requests + excluded.requests"
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (id, RefusedRequests { entry, requests }) in chunk {
        let line = AuditLine::new(entry, String::new());
        query = query
            .bind(id.as_str())
            .bind(entry.hour())
            .bind(entry.at.as_millisecond())
            .bind(entry.at.as_millisecond())
            .bind(line.who)
            .bind(line.action)
            .bind(line.call_id)
            .bind(line.egress_id)
            .bind(line.client)
            .bind(line.status)
            .bind(*requests)
            .bind(line.detail);
    }
    query.execute(connection).await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<AuditLine> {
    Ok(AuditLine {
        number: None,
        at: time(row.try_get("first_at")?),
        who: row.try_get("who")?,
        action: row.try_get("action")?,
        call_id: row.try_get("call_id")?,
        egress_id: row.try_get("egress_id")?,
        configuration: None,
        client: row.try_get("client")?,
        status: row.try_get("status")?,
        requests: row.try_get("requests")?,
        detail: row.try_get("detail")?,
        key: Uuid::now_v7().simple().to_string(),
        previous: String::new(),
        hash: String::new(),
    })
}
