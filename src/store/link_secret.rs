//! The secret of permanent links, which earlier versions kept in every database, leaves the SQLite file.

use sqlx::{Connection, Executor, Row};

use super::{engine::Engine, error::Result, open::Store};

/// Whether a deleted value is gone from the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// No file of the database has it.
    Completely,
    /// The write-ahead log may have it: another process reads the database.
    NotFromLog,
}

impl Store {
    /// Deletes the secret from a SQLite database, and old copies of it that SQLite leaves in pages of the table and in the
    /// write-ahead log. Does nothing on PostgreSQL.
    pub async fn erase_link_secret(&self) -> Result<Erased> {
        if self.engine != Engine::Sqlite {
            return Ok(Erased::Completely);
        }
        let mut connection = self.write.acquire().await?;
        connection.execute("PRAGMA secure_delete = ON").await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        transaction
            .execute("DELETE FROM settings WHERE name = 'link_secret'")
            .await?;
        let query = sqlx::query("SELECT name, value FROM settings");
        let rows = query.fetch_all(&mut *transaction).await?;
        // Overwrites the pages of the table, also where earlier versions of a row were.
        transaction.execute("DELETE FROM settings").await?;
        for row in &rows {
            let (name, value): (String, String) = (row.try_get("name")?, row.try_get("value")?);
            let query = sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2)");
            let query = query.bind(name).bind(value);
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        connection.execute("PRAGMA secure_delete = OFF").await?;
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        let checkpoint = checkpoint.fetch_one(&mut *connection).await?;
        Ok(match checkpoint.try_get::<i64, _>(0)? {
            0 => Erased::Completely,
            _ => Erased::NotFromLog,
        })
    }
}
