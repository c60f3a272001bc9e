//! A file that is being written.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    error::Error,
    file::{HeldFile, name},
    ogg,
    space::Space,
};

/// The extension of a file that is not complete.
pub(super) const PART: &str = "part";
/// Bytes after which the disk is asked whether it has room.
const LOOK_AFTER: u64 = 8 << 20;
/// Bytes in memory on their way to the disk.
const BUFFER: usize = 128 << 10;

/// What arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Audio, of which only so much may wait.
    Audio,
    /// Words, which go on to the database at once. They never wait for audio.
    Words,
}

impl Content {
    /// In the name of its file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Content::Audio => "audio",
            Content::Words => "words",
        }
    }
}

/// A file that is being written; dropped, it is deleted.
pub struct Incoming {
    space: Space,
    content: Content,
    file: tokio::fs::File,
    /// `None`: it was kept.
    path: Option<PathBuf>,
    bytes: u64,
    /// Bytes until the disk is asked again.
    until_look: u64,
}

impl Incoming {
    pub(super) fn create(space: Space, path: PathBuf, content: Content) -> Result<Incoming, Error> {
        let is_full = match content {
            Content::Audio => space.is_full(),
            Content::Words => space.disk_is_full(),
        };
        if is_full {
            return Err(Error::Full);
        }
        let file = options().open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(BUFFER);
        Ok(Incoming {
            space,
            content,
            file,
            path: Some(path),
            bytes: 0,
            until_look: LOOK_AFTER,
        })
    }

    /// Writes more of it.
    ///
    /// # Errors
    /// When it becomes too large, the spool or the disk is full, or the file cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let more = bytes.len() as u64;
        let is_audio = self.content == Content::Audio;
        if is_audio && self.bytes + more > self.space.config.file_bytes {
            return Err(Error::TooLarge);
        }
        self.until_look = self.until_look.saturating_sub(more);
        if self.until_look == 0 {
            self.until_look = LOOK_AFTER;
            if self.space.disk_is_full() {
                return Err(Error::Full);
            }
        }
        if is_audio {
            self.space.reserve(more)?;
        }
        self.bytes += more;
        self.file.write_all(bytes).await.map_err(full_or_broken)
    }

    /// How much was written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything that was written; for what fits into memory.
    ///
    /// # Errors
    /// When the file cannot be written or read.
    pub async fn read(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or_default());
        self.reopen().await?.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// What was written so far, to be read from the beginning.
    ///
    /// # Errors
    /// When the file cannot be written or read.
    pub async fn reopen(&mut self) -> Result<tokio::fs::File, Error> {
        self.file.flush().await.map_err(full_or_broken)?;
        let path = self.path.clone().unwrap_or_default();
        Ok(tokio::fs::File::open(path).await?)
    }

    /// Whether what was written is Ogg with sound.
    ///
    /// # Errors
    /// When the file cannot be written or read.
    pub async fn has_sound(&mut self) -> Result<bool, Error> {
        let mut file = self.reopen().await?.into_std().await;
        Ok(ogg::duration(&mut file)?.is_some())
    }

    /// Makes it a complete file on the disk: it survives the end of this process and of the machine.
    ///
    /// # Errors
    /// When it could not be written completely.
    pub async fn keep(
        mut self,
        message_id: &str,
        started_at: Option<Timestamp>,
    ) -> Result<HeldFile, Error> {
        self.file.flush().await.map_err(full_or_broken)?;
        self.file.sync_all().await.map_err(full_or_broken)?;
        let folder = self.space.config.folder.clone();
        let path = folder.join(name(message_id, started_at));
        let part = self.path.clone().unwrap_or_default();
        tokio::fs::rename(part, &path).await?;
        self.path = None;
        let file = self.file.try_clone().await?.into_std().await;
        let held = HeldFile::new(file, path, self.bytes, self.space.clone());
        sync(folder).await?;
        Ok(held)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            fs::remove_file(path).ok();
            if self.content == Content::Audio {
                self.space.release(self.bytes);
            }
        }
    }
}

/// A full disk is no fault of the folder.
fn full_or_broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Folder(error),
    }
}

#[cfg(unix)]
fn options() -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn options() -> fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    options
}

/// Puts the folder's entries on the disk.
async fn sync(folder: PathBuf) -> io::Result<()> {
    tokio::fs::File::open(folder).await?.sync_all().await
}
