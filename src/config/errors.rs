//! Errors of the configuration.

use std::fmt;

/// All configuration errors, one line per variable. They contain no secret values.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `(variable, what is wrong)` in the order of the documentation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Notes an error; of each variable only the first one counts.
    pub(super) fn add(&mut self, name: &str, text: impl Into<String>) {
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
