//! A file of the spool: its name, and its lock.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use jiff::{SignedDuration, Timestamp};

use super::{ogg, space::Space};

/// The extension of a complete file.
pub(super) const EXTENSION: &str = "ogg";

/// A complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolFile {
    /// Its path.
    pub path: PathBuf,
    /// The id of the inbox message that it came with.
    pub message_id: String,
    /// When its audio begins, to the millisecond.
    pub started_at: Option<Timestamp>,
    /// Its size.
    pub bytes: u64,
    /// When it was written, by the system's clock.
    pub written_at: Timestamp,
}

/// A file whose lock this process holds: nobody else uploads or deletes it.
pub struct HeldFile {
    file: File,
    path: PathBuf,
    bytes: u64,
    space: Space,
}

/// The name of the file with the audio of this message.
pub(super) fn name(message_id: &str, started_at: Option<Timestamp>) -> String {
    let start = started_at.map_or(0, Timestamp::as_millisecond);
    format!("{message_id}_{start}.{EXTENSION}")
}

impl SpoolFile {
    /// The file at this path; `None` for one that is not complete, or none of ours.
    pub(super) fn read(path: &Path) -> Option<SpoolFile> {
        let is_audio = path.extension()? == EXTENSION;
        let (message_id, start) = path.file_stem()?.to_str()?.rsplit_once('_')?;
        let start: i64 = start.parse().ok()?;
        let metadata = path.metadata().ok().filter(|_| is_audio)?;
        let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let written = i64::try_from(written.as_millis()).ok()?;
        Some(SpoolFile {
            path: path.to_owned(),
            message_id: message_id.to_owned(),
            started_at: Timestamp::from_millisecond(start)
                .ok()
                .filter(|_| start > 0),
            bytes: metadata.len(),
            written_at: Timestamp::from_millisecond(written).ok()?,
        })
    }

    /// How long it has been there.
    pub fn age(&self, now: Timestamp) -> Duration {
        let age = now.duration_since(self.written_at);
        Duration::try_from(age).unwrap_or_default()
    }
}

impl HeldFile {
    /// `file` is locked.
    pub(super) fn new(file: File, path: PathBuf, bytes: u64, space: Space) -> HeldFile {
        HeldFile {
            file,
            path,
            bytes,
            space,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length of its audio, if it says it.
    pub fn duration(&mut self) -> Option<SignedDuration> {
        ogg::duration(&mut self.file).ok().flatten()
    }

    /// Deletes it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn delete(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        self.space.release(self.bytes);
        Ok(())
    }
}
