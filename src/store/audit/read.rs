//! Reads the audit trail.

use jiff::Timestamp;
use sqlx::{Any, AssertSqlSafe, any::AnyArguments, query::Query};

use super::line::{self, AuditLine, COLUMNS};
use crate::store::{error::Result, open::Store, sql::text};

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// About this call or recording only.
    pub id: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
}

/// Binds `$1` and `$2` of a statement with this condition.
pub(super) const MATCHES: &str = "($1 = '' OR call_id = $1 OR egress_id = $1)";

impl AuditFilter {
    /// Binds the parameters of [`MATCHES`] and the time.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Any, AnyArguments>,
    ) -> Query<'q, Any, AnyArguments> {
        let since = self.since.unwrap_or(Timestamp::MIN).as_millisecond();
        query
            .bind(text(self.id.as_deref().unwrap_or_default()))
            .bind(since)
    }
}

impl Store {
    /// Lines after this number, oldest first.
    pub async fn audit_after(
        &self,
        filter: &AuditFilter,
        number: i64,
        limit: i64,
    ) -> Result<Vec<AuditLine>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE {MATCHES} AND happened_at >= $2 AND number > $3
             ORDER BY number LIMIT $4"
        );
        self.lines(filter, &sql, number, limit).await
    }

    /// Lines before this number, newest first.
    pub async fn audit_before(
        &self,
        filter: &AuditFilter,
        number: i64,
        limit: i64,
    ) -> Result<Vec<AuditLine>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE {MATCHES} AND happened_at >= $2 AND number < $3
             ORDER BY number DESC LIMIT $4"
        );
        self.lines(filter, &sql, number, limit).await
    }

    async fn lines(
        &self,
        filter: &AuditFilter,
        sql: &str,
        number: i64,
        limit: i64,
    ) -> Result<Vec<AuditLine>> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let query = filter.bind(query).bind(number).bind(limit);
        let found = query.fetch_all(&self.read).await?;
        found.iter().map(line::read).collect()
    }
}
