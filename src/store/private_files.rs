//! The files of a SQLite database are for its owner only: they have every transcript and phone number.

use std::path::Path;

/// The database itself, its write-ahead log and the log's index.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Whether a missing database is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creation {
    IfMissing,
    Never,
}

/// Lets nobody but its owner read or write the database's files. One that is to be created is created here: SQLite gives its
/// other files the permissions of the first.
pub(super) fn protect(database: &str, creation: Creation) {
    for suffix in SUFFIXES {
        let path = format!("{database}{suffix}");
        let is_created = suffix.is_empty() && creation == Creation::IfMissing;
        if is_created || Path::new(&path).exists() {
            make_private(Path::new(&path));
        }
    }
}

/// Creates the file if there is none, and takes permissions of others away. Failures are logged: the file may belong to
/// somebody else, or its file system may know no permissions. One that cannot be created is reported when it is opened.
#[cfg(unix)]
pub fn make_private(path: &Path) {
    use std::{
        fs::{Metadata, OpenOptions, Permissions, metadata, set_permissions},
        os::unix::fs::{OpenOptionsExt, PermissionsExt},
    };
    let mut create = OpenOptions::new();
    create
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .ok();
    // A folder or a device, which the whole machine may use, stays as it is.
    let is_exposed = |file: Metadata| file.is_file() && file.permissions().mode() & 0o077 != 0;
    if metadata(path).is_ok_and(is_exposed)
        && let Err(error) = set_permissions(path, Permissions::from_mode(0o600))
    {
        tracing::warn!(file = %path.display(), %error, "other users of this machine may be able to read this file, and its permissions could not be changed");
    }
}

/// Windows keeps the folder's permissions.
#[cfg(not(unix))]
pub fn make_private(_path: &Path) {}
