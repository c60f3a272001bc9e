//! Deletes lines from the beginning of the chain. The anchor keeps the hash of the last deleted one, so that the rest can
//! still be checked.

use jiff::Timestamp;

use super::append::lock;
use crate::store::{error::Result, open::Store};

/// Lines of one transaction.
const BATCH: i64 = 1000;

impl Store {
    /// Deletes some of the lines that were written by then and have only such lines before them; how many.
    pub async fn purge_audit(&self, then: Timestamp) -> Result<u64> {
        let mut transaction = self.write.begin().await?;
        let (head, _) = lock(&mut transaction).await?;
        let last = sqlx::query_scalar::<_, i64>(
            "SELECT COALESCE(MIN(number) - 1, $2) FROM audit WHERE happened_at > $1",
        );
        let last = last.bind(then.as_millisecond()).bind(head);
        let last = last.fetch_one(&mut *transaction).await?;
        let anchor =
            sqlx::query_scalar::<_, i64>("SELECT number FROM audit_chain WHERE name = 'anchor'");
        let anchor = anchor.fetch_one(&mut *transaction).await?;
        let last = last.min(anchor + BATCH);
        if last <= anchor {
            return Ok(0);
        }
        sqlx::query(
            "UPDATE audit_chain SET number = $1, hash = COALESCE((SELECT hash FROM audit WHERE number = $1), hash)
             WHERE name = 'anchor'",
        )
        .bind(last)
        .execute(&mut *transaction)
        .await?;
        let deleted = sqlx::query("DELETE FROM audit WHERE number <= $1").bind(last);
        let deleted = deleted.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}
