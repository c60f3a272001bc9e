//! OUTDATED LINKS: rows whose permanent links another secret has signed, or that have links which were revoked. The sink's
//! state says how the links of a row were made (`"links":"mark"`, with `.generation` after a revocation); quotes inside its
//! texts are escaped, so none of them can look like this field.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::{
    error::Result,
    open::Store,
    sql::{chunks, rows, text},
};
use crate::domain::Sink;

/// A row that is in the table, and is not due.
const AT_REST: &str =
    r#"d.sink = 'airtable' AND d.state = 'done' AND d.due_at > $1 AND d.memo LIKE '%"record":"%'"#;

/// Some rows by call ID, and which of them have outdated links.
#[derive(Debug, Default)]
pub struct LinkScan {
    /// The calls of rows with outdated links.
    pub outdated: Vec<String>,
    /// The last call that was looked at; `None`: there are no more.
    pub last: Option<String>,
}

impl Store {
    /// The next `limit` rows after this call. Rows with presigned links are not outdated: those are renewed in another way.
    pub async fn scan_links(
        &self,
        after: &str,
        mark: &str,
        limit: i64,
        now: Timestamp,
    ) -> Result<LinkScan> {
        let sql = format!(
            r#"SELECT d.call_id, CASE WHEN {AT_REST} AND d.memo LIKE '%"signed":null%' AND d.memo NOT LIKE $2 THEN 1 ELSE 0 END AS outdated
             FROM deliveries d WHERE d.sink = 'airtable' AND d.call_id > $3 ORDER BY d.call_id LIMIT $4"#
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let query = query
            .bind(format!(r#"%"links":"{mark}%"#))
            .bind(text(after))
            .bind(limit);
        let mut scan = LinkScan::default();
        for row in &query.fetch_all(&self.read).await? {
            let call_id: String = row.try_get("call_id")?;
            if row.try_get::<i64, _>("outdated")? > 0 {
                scan.outdated.push(call_id.clone());
            }
            scan.last = Some(call_id);
        }
        Ok(scan)
    }

    /// At most `limit` calls whose row has not been written since their links were revoked.
    pub async fn rows_with_revoked_links(&self, limit: i64, now: Timestamp) -> Result<Vec<String>> {
        let sql = format!(
            r#"SELECT d.call_id FROM link_revocations v JOIN deliveries d ON d.call_id = v.call_id
             WHERE {AT_REST} AND d.memo NOT LIKE '%"links":"%.' || v.generation || '"%' LIMIT $2"#
        );
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        let query = query.bind(now.as_millisecond()).bind(limit);
        Ok(query.fetch_all(&self.read).await?)
    }

    /// Has the rows of these calls written, unless they are due anyway.
    pub async fn rewrite_links(&self, calls: &[String], now: Timestamp) -> Result<()> {
        for chunk in chunks(calls) {
            let sql = format!(
                "UPDATE deliveries SET due_at = $1 WHERE sink = $2 AND state = 'done' AND due_at > $1 AND call_id IN {}",
                rows(1, 3, chunk.len(), "")
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
            let query = query.bind(Sink::Airtable.as_str());
            let query = chunk.iter().fold(query, |query, call| query.bind(call));
            query.execute(&self.write).await?;
        }
        Ok(())
    }

    /// How many rows are due, as far as they are fewer than `limit`.
    pub async fn due_rows(&self, limit: i64, now: Timestamp) -> Result<i64> {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE sink = $1 AND due_at <= $2 LIMIT $3) AS due",
        );
        let query = query.bind(Sink::Airtable.as_str());
        let query = query.bind(now.as_millisecond()).bind(limit);
        Ok(query.fetch_one(&self.read).await?)
    }
}
