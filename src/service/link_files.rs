//! The files with the secrets of permanent links, beside a SQLite database: `link-secret` has the one that signs,
//! `link-secrets-before` has earlier ones, a line each.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::Error;
use crate::store::{make_private, sqlite_file};

/// Where the secrets of a SQLite database are.
pub(super) struct LinkFiles {
    /// `link-secret`
    pub(super) secret: PathBuf,
    /// `link-secrets-before`
    pub(super) before: PathBuf,
    /// A file that is being written. One service at a time uses a database, so no other has it.
    new: PathBuf,
}

/// The secrets in the files.
pub(super) struct KeptSecrets {
    pub(super) secret: String,
    pub(super) before: Vec<String>,
}

impl LinkFiles {
    /// `None` on PostgreSQL.
    pub(super) fn beside(database_url: &str) -> Option<LinkFiles> {
        let database = sqlite_file(database_url)?;
        let folder = match Path::new(database).parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Some(LinkFiles {
            secret: folder.join("link-secret"),
            before: folder.join("link-secrets-before"),
            new: format!("{database}.link-secret.new").into(),
        })
    }

    /// The secrets; `None` while there is no `link-secret`.
    ///
    /// # Errors
    /// When a file cannot be read, or is empty.
    pub(super) fn read(&self) -> anyhow::Result<Option<KeptSecrets>> {
        let Some(secret) = content(&self.secret)? else {
            return Ok(None);
        };
        if secret.is_empty() {
            let text = format!(
                "LINK_SECRET: {} is empty; write the secret that signs permanent links into it, set LINK_SECRET, or delete the file: then a new secret is made, and links that were signed before end",
                self.secret.display()
            );
            return Err(Error::Configuration(text).into());
        }
        let before = content(&self.before)?.unwrap_or_default();
        let before = before.lines().map(str::trim).filter(|it| !it.is_empty());
        Ok(Some(KeptSecrets {
            secret,
            before: before.map(str::to_owned).collect(),
        }))
    }

    /// Keeps a secret: in `link-secret` if there is none yet, else among the earlier ones. It is on disk when this returns.
    ///
    /// # Errors
    /// When the folder is not writable.
    pub(super) fn keep(&self, secret: &str) -> anyhow::Result<()> {
        let Some(kept) = self.read()? else {
            return self.create(secret);
        };
        if kept.secret == secret || kept.before.iter().any(|it| it == secret) {
            return Ok(());
        }
        let mut lines = kept.before;
        lines.push(secret.to_owned());
        self.write(&(lines.join("\n") + "\n"))
            .and_then(|()| std::fs::rename(&self.new, &self.before))
            .and_then(|()| self.sync_folder())
            .with_context(|| not_writable(&self.before))
    }

    /// Removes what a process that was killed has left, and takes the permissions of others away from files that people have
    /// written.
    pub(super) fn tidy(&self) {
        std::fs::remove_file(&self.new).ok();
        for file in [&self.secret, &self.before] {
            if file.exists() {
                make_private(file);
            }
        }
    }

    /// The file never has a part of the secret, whenever this process is killed.
    fn create(&self, secret: &str) -> anyhow::Result<()> {
        let written = self.write(secret).and_then(|()| {
            // Unlike a rename, it replaces no file that somebody has made meanwhile.
            match std::fs::hard_link(&self.new, &self.secret) {
                Ok(()) => std::fs::remove_file(&self.new),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    std::fs::remove_file(&self.new)
                }
                Err(_) => std::fs::rename(&self.new, &self.secret),
            }
        });
        written
            .and_then(|()| self.sync_folder())
            .with_context(|| not_writable(&self.secret))
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        match std::fs::remove_file(&self.new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private(&mut OpenOptions::new()).open(&self.new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// Without it, a new name of a file may be lost with the power.
    fn sync_folder(&self) -> std::io::Result<()> {
        match self.secret.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// Options that create a file for its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// The text of a file without blanks around it; `None`: there is no file.
fn content(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let text = format!(
                "LINK_SECRET: {shown}, which has the secret that signs permanent links, may not be read by this user: run this as the service's user, or set LINK_SECRET"
            );
            Err(Error::NotPermitted(text).into())
        }
        Err(error) => Err(error).with_context(|| {
            format!("LINK_SECRET: {shown} cannot be read; set LINK_SECRET, or repair the file")
        }),
    }
}

fn not_writable(path: &Path) -> String {
    format!(
        "LINK_SECRET: {} cannot be written; the service keeps the secret that signs permanent links there",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> LinkFiles {
        let url = format!("sqlite://{}/calls.db?mode=rwc", folder.display());
        LinkFiles::beside(&url).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap();
        let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn the_first_secret_signs_and_others_are_kept_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert!(files.read().unwrap().is_none());
        // As left by a process that was killed.
        std::fs::write(&files.new, "a part").unwrap();
        for secret in ["first", "second", "first", "third", "second"] {
            files.keep(secret).unwrap();
        }
        let kept = files.read().unwrap().unwrap();
        assert_eq!(kept.secret, "first");
        assert_eq!(kept.before, ["second", "third"]);
        assert_eq!(names(folder.path()), ["link-secret", "link-secrets-before"]);
        assert_eq!(std::fs::read_to_string(&files.secret).unwrap(), "first");
    }

    #[test]
    fn an_empty_file_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        std::fs::write(&files.secret, "\n").unwrap();
        let error = files.read().err().unwrap().to_string();
        assert!(
            error.contains("is empty") && error.contains("LINK_SECRET"),
            "{error}"
        );
        assert!(files.keep("first").is_err());
    }

    #[test]
    fn a_relative_database_has_them_in_its_folder() {
        let at = |url| LinkFiles::beside(url).unwrap().secret;
        assert_eq!(at("sqlite:calls.db"), Path::new("./link-secret"));
        assert_eq!(at("sqlite:data/calls.db"), Path::new("data/link-secret"));
        assert!(LinkFiles::beside("postgres://localhost/calls").is_none());
    }
}
