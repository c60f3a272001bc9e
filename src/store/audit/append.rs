//! Adds lines at the end of the chain: one writer at a time, of all processes.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::line::{AuditLine, COLUMNS};
use crate::{
    domain::{
        audit::{AuditEntry, Repeats},
        sha256,
    },
    store::{
        error::Result,
        open::Store,
        sql::{chunks, rows},
    },
};

impl Store {
    /// Adds lines to the audit trail; those that are new.
    pub async fn append_audit(&self, entries: &[AuditEntry]) -> Result<Vec<AuditLine>> {
        let lines = entries.iter().map(|entry| {
            let key = match &entry.repeats {
                Repeats::Each(unique) => unique.clone(),
                Repeats::Hourly => sha256(entry.identity()),
            };
            AuditLine::new(entry, key)
        });
        let lines = lines.collect();
        let appending = async {
            let mut transaction = self.write.begin().await?;
            let appended = append(&mut transaction, lines).await?;
            transaction.commit().await?;
            Ok(appended)
        };
        self.in_time(appending).await
    }
}

/// Adds these lines, but for those whose key is stored.
pub(super) async fn append(
    connection: &mut AnyConnection,
    mut lines: Vec<AuditLine>,
) -> Result<Vec<AuditLine>> {
    let (mut number, mut hash) = lock(connection).await?;
    let mut known = known_keys(connection, &lines).await?;
    lines.retain(|line| known.insert(line.key.clone()));
    let mut appended = Vec::with_capacity(lines.len());
    for line in lines {
        number += 1;
        let line = line.at_place(number, hash);
        hash = line.hash.clone();
        appended.push(line);
    }
    for chunk in chunks(&appended) {
        insert(connection, chunk).await?;
    }
    if !appended.is_empty() {
        let head = "UPDATE audit_chain SET number = $1, hash = $2 WHERE name = 'head'";
        let head = sqlx::query(head).bind(number).bind(hash);
        head.execute(connection).await?;
    }
    Ok(appended)
}

/// The end of the chain. From here to the end of the transaction, nobody else can add a line.
pub(super) async fn lock(connection: &mut AnyConnection) -> Result<(i64, String)> {
    let head = sqlx::query(
        "UPDATE audit_chain SET number = number WHERE name = 'head' RETURNING number, hash",
    );
    // Read to the end: SQLite would otherwise keep the statement open.
    let head = head.fetch_all(connection).await?;
    let head = head.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok((head.try_get("number")?, head.try_get("hash")?))
}

async fn known_keys(
    connection: &mut AnyConnection,
    lines: &[AuditLine],
) -> Result<BTreeSet<String>> {
    let mut known = BTreeSet::new();
    for chunk in chunks(lines) {
        let keys = rows(1, 1, chunk.len(), "");
        let sql = format!("SELECT line_key FROM audit WHERE line_key IN {keys}");
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        let query = chunk
            .iter()
            .fold(query, |query, line| query.bind(line.key.as_str()));
        let found: Vec<String> = query.fetch_all(&mut *connection).await?;
        known.extend(found);
    }
    Ok(known)
}

async fn insert(connection: &mut AnyConnection, chunk: &[AuditLine]) -> Result<()> {
    let values = rows(chunk.len(), 1, 14, "");
    let sql = format!("INSERT INTO audit ({COLUMNS}) VALUES {values}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for line in chunk {
        query = query
            .bind(line.number)
            .bind(line.at.as_millisecond())
            .bind(line.who.as_str())
            .bind(line.action.as_str())
            .bind(line.call_id.as_deref())
            .bind(line.egress_id.as_deref())
            .bind(line.configuration.as_deref())
            .bind(line.client.as_str())
            .bind(line.status)
            .bind(line.requests)
            .bind(line.detail.as_str())
            .bind(line.key.as_str())
            .bind(line.previous.as_str())
            .bind(line.hash.as_str());
    }
    query.execute(connection).await?;
    Ok(())
}
