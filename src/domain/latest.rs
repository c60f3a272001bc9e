//! A value and how new it is: of two the newer one counts, whichever came first.

use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A value with the stamp of the event that carried it. Stored as the pair `[stamp, value]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Latest<T, S = Option<Timestamp>>(S, T);

impl<T, S> Latest<T, S> {
    /// `stamp`: the event's time, or a counter of LiveKit's.
    pub fn new(stamp: S, value: T) -> Latest<T, S> {
        Latest(stamp, value)
    }

    /// How new the value is.
    pub fn stamp(&self) -> &S {
        &self.0
    }

    /// The value itself.
    pub fn value(&self) -> &T {
        &self.1
    }

    /// The value without its stamp.
    pub fn into_value(self) -> T {
        self.1
    }
}

impl<T: Ord + Default, S: Ord> Latest<T, S> {
    /// Keeps the newer of the two. An empty value takes nothing away, and of two with one stamp the larger wins, so that
    /// any order of events ends in the same value.
    pub fn update(&mut self, other: Latest<T, S>) {
        let filled = |it: &Latest<T, S>| it.1 != T::default();
        if (filled(&other), &other) > (filled(self), self) {
            *self = other;
        }
    }
}

impl<T, S> Deref for Latest<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_value_wins_and_an_empty_one_takes_nothing_away() {
        let mut name = Latest::new(2, "Ann".to_owned());
        name.update(Latest::new(1, "Bob".to_owned()));
        name.update(Latest::new(3, String::new()));
        assert_eq!(name, Latest::new(2, "Ann".to_owned()));
        name.update(Latest::new(2, "Zoe".to_owned()));
        assert_eq!(*name, "Zoe");
    }

    #[test]
    fn it_is_stored_as_a_pair() {
        let latest: Latest<String> = serde_json::from_str(r#"[null,""]"#).unwrap();
        assert_eq!(latest, Latest::default());
        let json = serde_json::to_string(&Latest::new(7, "a")).unwrap();
        assert_eq!(json, r#"[7,"a"]"#);
    }
}
