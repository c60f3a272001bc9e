//! One service at a time on a SQLite file.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use anyhow::Context;

use crate::store::{make_private, sqlite_file};

/// A service that has just ended may hold its lock for a moment: until a process that it was starting runs by itself.
const MOMENT: Duration = Duration::from_millis(50);
/// So many moments at most.
const MOMENTS: usize = 40;

/// Locks the SQLite file against a second service; the system releases the lock when this process ends in any way.
/// `None` on PostgreSQL, where several may run.
///
/// # Errors
/// When another service holds the lock, or the folder is not writable.
pub(super) async fn sqlite(database_url: &str) -> anyhow::Result<Option<File>> {
    let Some(path) = sqlite_file(database_url) else {
        return Ok(None);
    };
    let path = format!("{path}.lock");
    make_private(Path::new(&path));
    let file = File::create(&path).with_context(|| {
        format!(
            "DATABASE_URL: this user cannot write {path}, which must be beside the database. Give the user the folder, or name a database in another one"
        )
    })?;
    match lock(&file).await {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "DATABASE_URL: another `livekit-airtable serve` is using this database; stop it first"
        )),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| {
            format!("DATABASE_URL: {path} could not be locked; network file systems often do not support locks: use a local disk, or PostgreSQL")
        }),
    }
}

async fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..MOMENTS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => tokio::time::sleep(MOMENT).await,
            locked => return locked,
        }
    }
    file.try_lock()
}
