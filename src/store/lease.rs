//! LEASE: one row per job name; one owner at a time runs it.

use jiff::Timestamp;

use super::{Result, Store};

impl Store {
    /// Takes or renews a lease until `until`. False: somebody else holds it.
    pub async fn lease(
        &self,
        job: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO leases (job, owner, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (job) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
             WHERE leases.owner = excluded.owner OR leases.expires_at <= $4",
        )
        .bind(job)
        .bind(owner)
        .bind(until.as_millisecond())
        .bind(now.as_millisecond())
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Whether somebody holds this lease.
    pub async fn is_leased(&self, job: &str, now: Timestamp) -> Result<bool> {
        let query =
            sqlx::query_scalar("SELECT COUNT(*) FROM leases WHERE job = $1 AND expires_at > $2");
        let query = query.bind(job).bind(now.as_millisecond());
        let held: i64 = query.fetch_one(&self.read).await?;
        Ok(held > 0)
    }

    /// Forgets every lease: whoever held one is known to be dead.
    pub async fn forget_leases(&self) -> Result<()> {
        sqlx::query("DELETE FROM leases")
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Gives back everything that this owner holds.
    pub async fn release(&self, owner: &str) -> Result<()> {
        sqlx::query("DELETE FROM leases WHERE owner = $1")
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
