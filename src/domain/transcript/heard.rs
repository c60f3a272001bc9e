//! Which of the words that were recognised are in the conversation.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// The words of the caller's turns, counted; as hashes, because a report may have megabytes of them.
#[derive(Default)]
pub(super) struct Heard {
    turns: HashMap<u64, u32>,
    words: HashMap<u64, u32>,
    /// The words of the last turn.
    last: HashSet<u64>,
}

impl Heard {
    /// Counts the words of a turn.
    pub(super) fn add(&mut self, text: &str) {
        let words = words(text);
        *self.turns.entry(hash(&words)).or_default() += 1;
        for word in &words {
            *self.words.entry(*word).or_default() += 1;
        }
        self.last = words.into_iter().collect();
    }

    /// Whether a recognised sentence is part of a turn. It is counted off: a sentence that was recognised twice must be
    /// there twice.
    pub(super) fn take(&mut self, sentence: &str) -> bool {
        let words = words(sentence);
        let turn = self
            .turns
            .get_mut(&hash(&words))
            .filter(|count| **count > 0);
        let is_turn = turn.map(|count| *count -= 1).is_some();
        let there = words.iter().filter(|word| self.left(**word)).count();
        // The agent may have edited the turn.
        let most = match words.len() {
            n if n < 4 => n,
            n => n * 3 / 5,
        };
        let is_part = is_turn || there >= most;
        if is_part {
            for word in words {
                self.words
                    .entry(word)
                    .and_modify(|count| *count = count.saturating_sub(1));
            }
        }
        is_part
    }

    /// Whether a sentence that was still being recognised became part of a turn.
    pub(super) fn has_interim(&mut self, sentence: &str) -> bool {
        let words = words(sentence);
        let there = words
            .iter()
            .filter(|word| self.last.contains(*word))
            .count();
        2 * there >= words.len() || self.take(sentence)
    }

    fn left(&self, word: u64) -> bool {
        self.words.get(&word).is_some_and(|count| *count > 0)
    }
}

/// Without case and punctuation, which differ between a sentence and its turn.
fn words(text: &str) -> Vec<u64> {
    let word = |word: &str| {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let words = text.split_whitespace().map(word);
    words
        .filter(|word| !word.is_empty())
        .map(|word| hash(&word))
        .collect()
}

pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_counted_off() {
        let mut heard = Heard::default();
        heard.add("I'd like Tuesday. In the morning.");
        heard.add("Yes.");
        assert!(heard.take("I'd like Tuesday."));
        assert!(heard.take("in the morning"));
        assert!(heard.take("yes"));
        assert!(!heard.take("Yes."), "it was said once");
        assert!(!heard.take("And cancel the other one."));
    }

    #[test]
    fn a_turn_that_the_agent_edited_is_no_loss() {
        let mut heard = Heard::default();
        heard.add("my number is [redacted] thank you very much");
        assert!(heard.take("My number is 5550100 thank you very much."));
    }

    #[test]
    fn an_interim_sentence_that_became_a_turn_is_no_loss() {
        let mut heard = Heard::default();
        heard.add("I would like Tuesday.");
        assert!(heard.take("I would like Tuesday."));
        assert!(heard.has_interim("I would like Tues"));
        assert!(!heard.has_interim("And please cancel"));
    }
}
