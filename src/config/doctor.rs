//! What `doctor` and `init` ask of the configuration beside its values.

use super::source::{Origin, Source};

/// A variable that has no effect without another one.
const PAIRS: [(&str, &str); 4] = [
    ("EGRESS_WEBHOOK_SECRET", "EGRESS_WEBHOOK_URL"),
    ("EGRESS_WEBHOOK_TRANSCRIPT", "EGRESS_WEBHOOK_URL"),
    ("EGRESS_WEBHOOK_FIGURES", "EGRESS_WEBHOOK_URL"),
    ("LINK_LIFE", "PUBLIC_URL"),
];

impl Source {
    /// Variables that are set without the one that they need, and that one.
    pub fn half_set(&self) -> Vec<(&'static str, &'static str)> {
        let half = |(set, needed): &(&str, &str)| self.is_set(set) && !self.is_set(needed);
        PAIRS.into_iter().filter(half).collect()
    }

    /// NO_COLOR (no-color.org): nothing that is printed has colors.
    pub fn no_color(&self) -> Option<()> {
        self.is_set("NO_COLOR").then_some(())
    }

    /// The same with these values over the environment's. An empty one is as good as none.
    pub fn with(&self, values: &[(String, String)]) -> Source {
        let mut source = self.clone();
        for (name, value) in values {
            source.replace(name, value);
        }
        source
    }

    /// The value as it is configured, unless it is read from a file that `NAME_FILE` names; `None`: there is none.
    pub fn variable(&self, name: &str) -> Option<String> {
        let found = self.get(name).ok()??;
        match found.origin {
            Origin::File(_) => None,
            Origin::Variable | Origin::Quoted => Some(found.text),
        }
    }

    /// Whether the variable, or the file that `NAME_FILE` names, has a value. A value that cannot be read counts: it has an
    /// error of its own.
    pub fn is_set(&self, name: &str) -> bool {
        !matches!(self.get(name), Ok(None))
    }
}
