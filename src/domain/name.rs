//! Closed sets by name: what is none of a set's names is an error, never one of the set.

/// A name that is none of a closed set's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is none of {known}")]
pub struct UnknownName {
    given: String,
    known: String,
}

impl UnknownName {
    /// A text that is none of these.
    pub fn new(given: &str, known: &[&str]) -> UnknownName {
        UnknownName {
            given: given.to_owned(),
            known: known.join(", "),
        }
    }

    /// The name that was given.
    pub fn given(&self) -> &str {
        &self.given
    }
}

/// The one of `all` that has this name.
pub fn by_name<T: Copy>(
    all: &[T],
    as_str: fn(T) -> &'static str,
    name: &str,
) -> Result<T, UnknownName> {
    let named = all.iter().copied().find(|one| as_str(*one) == name);
    named.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        UnknownName::new(name, &known)
    })
}
