//! Where values come from, and the errors for invalid ones.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use secrecy::SecretString;

use super::check;

/// The values as written by the user: the environment takes precedence over the `.env` file.
pub struct Source {
    /// The first layer that contains a name wins.
    layers: Vec<BTreeMap<String, String>>,
    errors: Errors,
}

impl Source {
    /// The process's environment, and `.env` in the working directory if there is one.
    pub fn from_env() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        let mut source = Self::from_pairs(environment);
        source.add_dotenv(Path::new(".env"));
        source
    }

    /// Only these values: for tests and the demo, which must not read the machine's environment.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let layer = pairs
            .into_iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        Self {
            layers: vec![layer],
            errors: Errors::default(),
        }
    }

    /// Adds the file as a layer under the others; no file is no error.
    pub(super) fn add_dotenv(&mut self, path: &Path) {
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(e) if e.not_found() => return,
            Err(_) => return self.errors.add(".env", "cannot be read"),
        };
        let mut layer = BTreeMap::new();
        let mut last = "the start of the file".to_owned();
        for line in lines {
            match line {
                Ok((name, value)) => {
                    last.clone_from(&name);
                    layer.insert(name, value);
                }
                // A directory with this name, or bytes that are not UTF-8: reading on might never end.
                Err(dotenvy::Error::Io(_)) => {
                    self.errors.add(".env", format!("cannot be read after {last}"));
                    break;
                }
                // The library's own message would repeat the line and any secret in it.
                Err(_) => self.errors.add(
                    ".env",
                    format!("the line after {last} is not NAME=value (put values with spaces, # or $ in single quotes)"),
                ),
            }
        }
        self.layers.push(layer);
    }

    /// The value, or the content of the file that `NAME_FILE` names. An empty value counts as none.
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        let file_name = format!("{name}_FILE");
        for layer in &self.layers {
            let set = |name: &str| layer.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
            match (set(name), set(&file_name)) {
                (Some(_), Some(_)) => {
                    return Err(format!("is set, and so is {file_name}: keep one of them"));
                }
                (Some(value), None) => return Ok(Some(value.to_owned())),
                (None, Some(path)) => {
                    let text = std::fs::read_to_string(path)
                        .map_err(|e| format!("{file_name}={path} cannot be read: {e}"))?;
                    let text = text.trim();
                    return match text.is_empty() {
                        true => Err(format!("{file_name}={path} is empty")),
                        false => Ok(Some(text.to_owned())),
                    };
                }
                (None, None) => {}
            }
        }
        Ok(None)
    }
}

/// All configuration errors, one line per variable. They contain no secret values.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// `(variable, what is wrong)` in the order of the documentation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    fn add(&mut self, name: &str, text: impl Into<String>) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), text.into()));
        }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, text)) in self.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{name}: {text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Reads variables one by one and collects their errors.
pub struct Reader<'a> {
    source: &'a Source,
    errors: Errors,
}

impl<'a> Reader<'a> {
    /// Nothing is read yet; errors of the `.env` file are there from the start.
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            errors: source.errors.clone(),
        }
    }

    /// The value, unless any variable was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Errors> {
        if self.errors.0.is_empty() {
            Ok(value)
        } else {
            Err(self.errors)
        }
    }

    /// Notes what is wrong with a variable; only the first error of each counts.
    pub(super) fn refuse(&mut self, name: &str, text: impl Into<String>) {
        self.errors.add(name, text);
    }

    /// Whether something is wrong with this variable.
    pub(super) fn has_error(&self, name: &str) -> bool {
        self.errors.iter().any(|(known, _)| known == name)
    }

    /// The unchanged value; `expected` completes "expected …".
    pub(super) fn text(&mut self, name: &str, expected: &str) -> Option<String> {
        match self.source.get(name) {
            Ok(Some(value)) if check::is_placeholder(&value) => {
                self.refuse(
                    name,
                    format!("is still the example's placeholder, expected {expected}"),
                );
                None
            }
            Ok(value) => value,
            Err(text) => {
                self.refuse(name, text);
                None
            }
        }
    }

    /// The value; its absence is an error. `expected` completes "expected …".
    pub(super) fn required(&mut self, name: &str, expected: &str) -> String {
        self.text(name, expected).unwrap_or_else(|| {
            self.refuse(name, format!("is missing, expected {expected}"));
            String::new()
        })
    }

    /// A value that is never shown.
    pub(super) fn secret(&mut self, name: &str, expected: &str) -> Option<SecretString> {
        self.text(name, expected).map(SecretString::from)
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
        let default = check::duration(default).unwrap_or(at_least);
        let expected = format!("a duration like 30s, 15m, 2h or 7d{limits}");
        self.parsed(name, default, &expected, |v| {
            check::duration(v).filter(|d| (at_least..=at_most).contains(d))
        })
    }

    /// A URL that passes `check`; it is not printed, because it may contain a password.
    pub(super) fn address(
        &mut self,
        name: &str,
        expected: &str,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match check(&self.text(name, expected)?) {
            Ok(address) => Some(address),
            Err(why) => {
                self.refuse(name, format!("{why}, expected {expected}"));
                None
            }
        }
    }
}
