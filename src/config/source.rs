//! Where values come from: the environment, then the `.env` file.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    dotenv::{self, Values},
    errors::Errors,
    meaning::{Meaning, meaning},
    text::decode,
};

/// The values as written by the user: the environment takes precedence over the `.env` file.
#[derive(Clone)]
pub struct Source {
    environment: BTreeMap<String, Result<String, String>>,
    dotenv: Values,
    /// The `.env` files that were read.
    dotenv_files: Vec<PathBuf>,
    errors: Errors,
}

/// A value and its origin.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// The origin of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A variable, in the environment or in the `.env` file.
    Variable,
    /// A variable in the environment, which had quotes around the value.
    Quoted,
    /// The file that `NAME_FILE` names.
    File(PathBuf),
}

impl Source {
    /// The process's environment; then `livekit-airtable.env` among systemd's credentials (LoadCredential), or `.env` in the
    /// working directory, if there is one.
    pub fn from_env() -> Self {
        let mut source = Self::from_environment(std::env::vars_os());
        let credential = source.credentials();
        let credential = credential.map(|folder| folder.join("livekit-airtable.env"));
        match credential.filter(|file| file.exists()) {
            Some(file) => source.add_dotenv(&file),
            None => source.add_dotenv(Path::new(".env")),
        }
        source
    }

    /// Only these values: for tests and the demo, which must not read the machine's environment.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let owned = |(name, value): (K, V)| (name.into().into(), value.into().into());
        Self::from_environment(pairs.into_iter().map(owned))
    }

    /// A value that is not UTF-8 is an error of its own variable only.
    pub(super) fn from_environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let read = |(name, value): (OsString, OsString)| {
            let value = value.into_string();
            let value = value.map_err(|_| "is not UTF-8".to_owned());
            Some((plain_name(&name.into_string().ok()?), value))
        };
        Self {
            environment: variables.into_iter().filter_map(read).collect(),
            dotenv: Values::new(),
            dotenv_files: Vec::new(),
            errors: Errors::default(),
        }
    }

    /// Reads the file for variables that the environment lacks. A missing file is not an error.
    pub(super) fn add_dotenv(&mut self, path: &Path) {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.errors.add(".env", format!("cannot be read: {error}")),
        };
        let text = match decode(&bytes) {
            Ok(text) => text,
            Err(why) => return self.errors.add(".env", why),
        };
        let environment = |name: &str| self.environment.get(name)?.clone().ok();
        let (values, errors) = dotenv::parse(&text, environment);
        self.dotenv = values;
        self.dotenv_files.push(path.to_owned());
        for error in errors {
            self.errors.add(".env", error);
        }
    }

    /// Puts this value in place of whatever the environment, `.env` or a file had; empty: of nothing.
    pub(super) fn replace(&mut self, name: &str, value: &str) {
        let file = format!("{name}_FILE");
        for name in [name, &file] {
            self.environment.remove(name);
            self.dotenv.remove(name);
        }
        self.environment
            .insert(name.to_owned(), Ok(value.to_owned()));
    }

    /// The names of all variables that have a value.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.environment.iter().chain(&self.dotenv);
        let is_set = |value: &Result<String, String>| value.as_ref().is_ok_and(|it| !it.is_empty());
        all.filter(move |(_, value)| is_set(value))
            .map(|(name, _)| name.as_str())
    }

    /// What the program that started this one has put into the environment, as it is.
    pub(super) fn environment(&self, name: &str) -> Option<&str> {
        self.environment.get(name)?.as_deref().ok()
    }

    /// The folder of systemd's credentials.
    pub(super) fn credentials(&self) -> Option<PathBuf> {
        self.environment("CREDENTIALS_DIRECTORY").map(PathBuf::from)
    }

    /// The `.env` files that were read.
    pub(super) fn dotenv_files(&self) -> &[PathBuf] {
        &self.dotenv_files
    }

    /// The file that `NAME_FILE` names, if that is where the value comes from.
    pub(super) fn file_of(&self, name: &str) -> Option<PathBuf> {
        match self.get(name).ok()??.origin {
            Origin::File(path) => Some(path),
            Origin::Variable | Origin::Quoted => None,
        }
    }

    /// Whether nothing is configured here: there is no `.env` file, and no address of LiveKit.
    pub fn is_unconfigured(&self) -> bool {
        self.dotenv_files.is_empty() && self.errors.is_empty() && !self.is_set("LIVEKIT_URL")
    }

    /// Errors of the `.env` file that belong to no variable.
    pub(super) fn errors(&self) -> &Errors {
        &self.errors
    }

    /// The value, or the content of the file that `NAME_FILE` names. An empty value counts as none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Found>, String> {
        let file_name = format!("{name}_FILE");
        for look_up in [Self::in_environment, Self::in_dotenv] {
            match (look_up(self, name)?, look_up(self, &file_name)?) {
                (Some(_), Some(_)) => {
                    return Err(format!("is set, and so is {file_name}: keep one of them"));
                }
                (Some(found), None) => return Ok(Some(found)),
                (None, Some(path)) => {
                    let path = PathBuf::from(path.text);
                    let text = read_file(&path)
                        .map_err(|why| format!("{file_name}={} {why}", path.display()))?;
                    let origin = Origin::File(path);
                    return Ok(Some(Found { text, origin }));
                }
                (None, None) => {}
            }
        }
        Ok(None)
    }

    pub(super) fn in_environment(&self, name: &str) -> Result<Option<Found>, String> {
        let Some(value) = self.environment.get(name) else {
            return Ok(None);
        };
        let (text, origin) = match meaning(name, value.as_ref().map_err(String::clone)?)? {
            Meaning::AsWritten(text) => (text, Origin::Variable),
            Meaning::Unquoted(text) => (text, Origin::Quoted),
        };
        Ok((!text.is_empty()).then_some(Found { text, origin }))
    }

    fn in_dotenv(&self, name: &str) -> Result<Option<Found>, String> {
        let Some(value) = self.dotenv.get(name) else {
            return Ok(None);
        };
        let text = value.as_ref().map_err(String::clone)?.trim().to_owned();
        let origin = Origin::Variable;
        Ok((!text.is_empty()).then_some(Found { text, origin }))
    }
}

/// The content of a file that `NAME_FILE` names, without blanks around it.
///
/// # Errors
/// Why it cannot be used; completes a sentence that begins with the file's name.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let text = decode(&bytes)?.trim().to_owned();
    match text.is_empty() {
        true => Err("is empty".into()),
        false => Ok(text),
    }
}

/// A name without a byte order mark or `export `, which some readers of `NAME=value` files leave in front of it.
fn plain_name(name: &str) -> String {
    let name = name.trim_start_matches('\u{feff}');
    let name = name.strip_prefix("export ").unwrap_or(name);
    name.trim().to_owned()
}
