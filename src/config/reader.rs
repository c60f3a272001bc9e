//! Reads variables one by one and collects their errors.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    check,
    errors::Errors,
    meaning::suspicious,
    source::{Found, Origin, Source},
};
use crate::domain::{duration::duration, hex};

/// Reads variables one by one and collects their errors.
pub struct Reader<'a> {
    source: &'a Source,
    errors: Errors,
    /// What was read, without secrets.
    settings: BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    /// Nothing is read yet; errors of the `.env` file are there from the start.
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            errors: source.errors().clone(),
            settings: BTreeMap::new(),
        }
    }

    /// The value, unless any variable was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Errors> {
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(self.errors)
        }
    }

    /// Adds an error of a variable; only the first one of each is kept.
    pub(super) fn refuse(&mut self, name: &str, text: impl Into<String>) {
        self.errors.add(name, text);
    }

    /// Whether this variable has an error.
    pub(super) fn has_error(&self, name: &str) -> bool {
        self.errors.iter().any(|(known, _)| known == name)
    }

    /// The value; `expected` completes "expected …".
    fn found(&mut self, name: &str, expected: &str) -> Option<Found> {
        let why = match self.source.get(name) {
            Ok(Some(found)) if check::is_placeholder(&found.text) => {
                format!("is still the example's placeholder, expected {expected}")
            }
            Ok(found) => {
                if found.is_some() {
                    self.note(name, "set");
                }
                return found;
            }
            Err(why) => why,
        };
        self.refuse(name, why);
        None
    }

    /// Makes a value that is no secret, or the part of it that is none, part of the fingerprint.
    pub(super) fn note(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// A hash of the settings that were read. Of a secret it has only whether it is set, so that nobody can try secrets
    /// until the hash is the same.
    pub(super) fn fingerprint(&self) -> String {
        let settings = self.settings.iter();
        let lines: String = settings.map(|(k, v)| format!("{k}={v:?}\n")).collect();
        hex(&Sha256::digest(lines)[..8])
    }

    /// A value that is no secret; `expected` completes "expected …".
    pub(super) fn text(&mut self, name: &str, expected: &str) -> Option<String> {
        let text = self.shown(name, expected)?;
        let is_secret = ["SECRET", "TOKEN", "KEYS", "PASSWORD"];
        if !is_secret.iter().any(|word| name.contains(word)) {
            self.note(name, &text);
        }
        Some(text)
    }

    /// A value that people can check by reading it.
    fn shown(&mut self, name: &str, expected: &str) -> Option<String> {
        let text = self.found(name, expected)?.text;
        match suspicious(&text) {
            Some(why) => {
                self.refuse(name, why);
                None
            }
            None => Some(text),
        }
    }

    /// Adds the error of a variable that is not set. `expected` completes "expected …".
    pub(super) fn refuse_missing(&mut self, name: &str, expected: &str) {
        self.refuse(name, format!("is missing, expected {expected}"));
    }

    /// The value; its absence is an error. `expected` completes "expected …".
    pub(super) fn required(&mut self, name: &str, expected: &str) -> String {
        self.text(name, expected).unwrap_or_else(|| {
            self.refuse_missing(name, expected);
            String::new()
        })
    }

    /// A value that is never shown, and may hold any characters.
    pub(super) fn secret(&mut self, name: &str, expected: &str) -> Option<SecretString> {
        let found = self.found(name, expected)?;
        Some(found.text.into())
    }

    /// A secret; its absence is an error.
    pub(super) fn required_secret(&mut self, name: &str, expected: &str) -> SecretString {
        self.secret(name, expected).unwrap_or_else(|| {
            self.refuse_missing(name, expected);
            SecretString::default()
        })
    }

    /// A secret that the user chose. Earlier versions used quotes around it as part of it, and other systems may still do so:
    /// the user must decide.
    pub(super) fn own_secret(&mut self, name: &str, expected: &str) -> Option<SecretString> {
        let found = self.found(name, expected)?;
        if found.origin == Origin::Quoted {
            self.refuse(
                name,
                format!("is in quotes, which Docker and Kubernetes pass on as a part of the value: remove them, or put the value with its quotes into a file and set {name}_FILE instead (until now, the quotes were part of the secret)"),
            );
            return None;
        }
        Some(found.text.into())
    }

    /// A value, and the file that it was read from, if any.
    pub(super) fn renewable(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Option<(SecretString, Option<PathBuf>)> {
        let found = self.found(name, expected)?;
        let file = match found.origin {
            Origin::File(path) => Some(path),
            Origin::Variable | Origin::Quoted => None,
        };
        Some((found.text.into(), file))
    }

    /// A value that may be printed if it is invalid: never a secret or a URL that may contain one.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        let Some(value) = self.text(name, expected) else {
            return default;
        };
        parse(&value).unwrap_or_else(|| {
            let shown: String = value.chars().take(60).collect();
            self.refuse(name, format!("expected {expected}, got {shown:?}"));
            default
        })
    }

    /// A duration within these limits, which the error names.
    pub(super) fn duration(
        &mut self,
        name: &str,
        default: &str,
        at_least: Duration,
        at_most: Duration,
    ) -> Duration {
        let limits = match (at_least, at_most) {
            (Duration::ZERO, Duration::MAX) => String::new(),
            (least, Duration::MAX) => format!(", at least {}", check::show_duration(least)),
            (least, most) => {
                format!(
                    ", between {} and {}",
                    check::show_duration(least),
                    check::show_duration(most)
                )
            }
        };
        let default = duration(default).unwrap_or(at_least);
        let expected = format!("a duration like 30s, 15m, 2h or 7d{limits}");
        self.parsed(name, default, &expected, |v| {
            duration(v).filter(|d| (at_least..=at_most).contains(d))
        })
    }

    /// A URL that passes `check`; it is not printed, because it may contain a password.
    pub(super) fn address(
        &mut self,
        name: &str,
        expected: &str,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match check(&self.shown(name, expected)?) {
            Ok(address) => {
                self.note(name, &host(&address));
                Some(address)
            }
            Err(why) => {
                self.refuse(name, format!("{why}, expected {expected}"));
                None
            }
        }
    }
}

/// Scheme, host and port of an address: a password may stand before them, and a secret after them.
fn host(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        return "set".to_owned();
    };
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{scheme}://{host}{port}")
}
