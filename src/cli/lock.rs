//! One `serve` at a time on a SQLite file.

use std::fs::{File, TryLockError};

use anyhow::Context;

/// Locks the SQLite file against a second `serve`; the system unlocks it when this process dies, however it does.
pub fn sqlite(database_url: &str) -> anyhow::Result<Option<File>> {
    let Some(path) = database_url.strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let path = path.trim_start_matches("//");
    let path = format!("{}.lock", path.split('?').next().unwrap_or(path));
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
