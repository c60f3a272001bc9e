//! The folder and its files.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::atomic::Ordering::Relaxed,
};

use super::{
    error::Error,
    file::{HeldFile, SpoolFile},
    incoming::{Content, Incoming, PART},
    space::{Config, Space},
};

/// The spool; clones share it.
#[derive(Clone)]
pub struct Spool(Space);

impl Spool {
    /// A spool in this folder, which need not exist.
    pub fn new(config: Config) -> Spool {
        Spool(Space::new(config))
    }

    /// Creates the folder, for its owner alone, deletes what a process that ended had not received completely, and counts the
    /// rest.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn prepare(&self) -> io::Result<()> {
        create(self.folder())?;
        let mut used = 0;
        for entry in fs::read_dir(self.folder())? {
            let path = entry?.path();
            let size = path.metadata().ok().filter(fs::Metadata::is_file);
            match path.extension().is_some_and(|extension| extension == PART) {
                true => delete_abandoned(&path),
                false => used += size.map_or(0, |file| file.len()),
            }
        }
        self.0.used.store(used, Relaxed);
        Ok(())
    }

    /// Begins a file for something that arrives with this message.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(&self, message_id: &str, content: Content) -> Result<Incoming, Error> {
        let name = format!("{message_id}.{}.{PART}", content.as_str());
        let path = self.folder().join(name);
        // It may have been deleted, or its disk may have come later than this process.
        create(self.folder())?;
        Incoming::create(self.0.clone(), path, content)
    }

    /// The complete files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn files(&self) -> io::Result<Vec<SpoolFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            files.extend(SpoolFile::read(&entry?.path()));
        }
        files.sort_by(|a, b| a.message_id.cmp(&b.message_id));
        Ok(files)
    }

    /// Takes a file; `None`: somebody else has it, or it is gone.
    ///
    /// # Errors
    /// When it cannot be opened or locked.
    pub fn take(&self, file: &SpoolFile) -> io::Result<Option<HeldFile>> {
        let opened = match File::options().read(true).write(true).open(&file.path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match opened.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // It may have been deleted before the lock was taken.
        let is_there = file.path.exists();
        let held = HeldFile::new(opened, file.path.clone(), file.bytes, self.0.clone());
        Ok(is_there.then_some(held))
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    fn folder(&self) -> &Path {
        &self.0.config.folder
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("folder", &self.folder())
            .finish_non_exhaustive()
    }
}

/// Deletes a file that nobody is writing.
fn delete_abandoned(path: &Path) {
    let is_abandoned = File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    if is_abandoned {
        fs::remove_file(path).ok();
    }
}

/// It has what people say: nobody but its owner may read it.
#[cfg(unix)]
fn create(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
