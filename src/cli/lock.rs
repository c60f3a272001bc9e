//! One `serve` at a time on a SQLite file.

use std::fs::{File, TryLockError};

use anyhow::Context;

use crate::store::sqlite_file;

/// Locks the SQLite file against a second `serve`; the system unlocks it when this process dies, however it does.
pub fn sqlite(database_url: &str) -> anyhow::Result<Option<File>> {
    let Some(path) = sqlite_file(database_url) else {
        return Ok(None);
    };
    let path = format!("{path}.lock");
    let file = File::create(&path).with_context(|| {
        format!("DATABASE_URL: {path} cannot be written, so neither can the database beside it")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "DATABASE_URL: another `livekit-airtable serve` uses this database; stop it first"
        )),
        Err(TryLockError::Error(error)) => Err(error).context("the database could not be locked"),
    }
}
