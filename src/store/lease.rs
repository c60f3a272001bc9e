//! LEASE: one row per job name; one owner at a time runs it. Whether an owner lives is seen from `beat`, which it counts
//! up, and not from a clock: those of two machines differ, and any clock may jump.
//!
//! Every process has a lease of its own besides, named like the process. What it has claimed row by row (`claims`, and the
//! messages that it stored) is its own as long as that lease exists.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{error::Result, open::Store, process::PROCESS, sql::rows};

/// A lease as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job's name.
    pub job: String,
    /// The process that runs it.
    pub owner: String,
    /// Changes as long as the owner is alive.
    pub beat: i64,
}

impl Lease {
    /// Whether it is a process's own.
    pub fn is_of_process(&self) -> bool {
        self.job.starts_with(PROCESS)
    }
}

impl Store {
    /// All held leases.
    pub async fn leases(&self) -> Result<Vec<Lease>> {
        let query = sqlx::query("SELECT job, owner, beat FROM leases");
        let lease = |row: &AnyRow| {
            Ok(Lease {
                job: row.try_get("job")?,
                owner: row.try_get("owner")?,
                beat: row.try_get("beat")?,
            })
        };
        query
            .fetch_all(&self.write)
            .await?
            .iter()
            .map(lease)
            .collect()
    }

    /// Takes those of these jobs that nobody holds. `until` is for people and commands; it decides nothing.
    pub async fn take_free_leases(
        &self,
        jobs: &[&str],
        owner: &str,
        until: Timestamp,
    ) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO leases (job, owner, expires_at, beat) VALUES {} ON CONFLICT (job) DO NOTHING",
            rows(jobs.len(), 1, 3, ", 0")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for job in jobs {
            query = query.bind(*job).bind(owner).bind(until.as_millisecond());
        }
        query.execute(&self.write).await?;
        Ok(())
    }

    /// Takes the lease of an owner that is dead; whether that succeeded. Guarded by its last beat: whoever comes first has it.
    pub async fn take_over_lease(
        &self,
        dead: &Lease,
        owner: &str,
        until: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE leases SET owner = $1, expires_at = $2, beat = beat + 1
             WHERE job = $3 AND owner = $4 AND beat = $5",
        )
        .bind(owner)
        .bind(until.as_millisecond())
        .bind(dead.job.as_str())
        .bind(dead.owner.as_str())
        .bind(dead.beat)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends the own lease of a process that is dead; whether that succeeded. Everything that it had claimed is free.
    pub async fn end_lease(&self, dead: &Lease) -> Result<bool> {
        let done = sqlx::query("DELETE FROM leases WHERE job = $1 AND owner = $2 AND beat = $3")
            .bind(dead.job.as_str())
            .bind(dead.owner.as_str())
            .bind(dead.beat)
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Renews all leases of an owner; the jobs that it holds.
    pub async fn renew_leases(&self, owner: &str, until: Timestamp) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "UPDATE leases SET beat = beat + 1, expires_at = $1 WHERE owner = $2 RETURNING job",
        );
        let query = query.bind(until.as_millisecond()).bind(owner);
        Ok(query.fetch_all(&self.write).await?)
    }

    /// Whether a process holds this lease.
    pub async fn is_leased(&self, job: &str, now: Timestamp) -> Result<bool> {
        let query =
            sqlx::query_scalar("SELECT COUNT(*) FROM leases WHERE job = $1 AND expires_at > $2");
        let query = query.bind(job).bind(now.as_millisecond());
        let held: i64 = query.fetch_one(&self.read).await?;
        Ok(held > 0)
    }

    /// Deletes every lease: whoever held one is known to be dead.
    pub async fn clear_leases(&self) -> Result<()> {
        sqlx::query("DELETE FROM leases")
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Releases all leases of this owner.
    pub async fn release(&self, owner: &str) -> Result<()> {
        sqlx::query("DELETE FROM leases WHERE owner = $1")
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
