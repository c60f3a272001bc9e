//! Which of the sentences that were recognised are in the conversation.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Between two turns: no sentence goes on in the next one.
const END: u64 = 0;
/// How many places are compared before the rest is taken for part of the conversation: no real one needs as many.
const MOST_STEPS: usize = 20_000_000;

/// The words of the caller's turns; as hashes, because a report may have megabytes of them.
#[derive(Default)]
pub(super) struct Heard {
    words: Vec<u64>,
    /// The words of the last turn.
    last: HashSet<u64>,
}

impl Heard {
    /// Notes the words of a turn.
    pub(super) fn add(&mut self, text: &str) {
        let words = words(text);
        self.words.extend(&words);
        self.words.push(END);
        self.last = words.into_iter().collect();
    }

    /// Whether a sentence that was still being recognised became part of the last turn.
    pub(super) fn has_interim(&self, sentence: &str) -> bool {
        let words = words(sentence);
        let there = words.iter().filter(|word| self.last.contains(*word));
        2 * there.count() >= words.len()
    }

    /// The indexes of the sentences that are part of no turn. Each is counted off: a sentence that was recognised twice
    /// must be there twice.
    pub(super) fn lost<'a>(&self, sentences: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let phrases: Vec<Vec<u64>> = sentences.map(words).collect();
        let mut by_length: Vec<usize> = (0..phrases.len()).collect();
        // Long ones first: a "yes" is not to take the place of the one in "yes, please".
        by_length.sort_by_key(|n| Reverse(phrases[*n].len()));
        let mut places = Places::new(&self.words);
        let mut missing: Vec<usize> = by_length;
        missing.retain(|n| !places.take(&phrases[*n]));
        missing.sort_unstable();
        // The agent may have edited a turn: then its words are left over.
        let mut left = places.left();
        missing.retain(|n| !take_most(&mut left, &phrases[*n]));
        missing
    }
}

/// The places of words in the conversation, and which of them a sentence has taken.
struct Places<'a> {
    words: &'a [u64],
    taken: Vec<bool>,
    /// Where each word is.
    of: HashMap<u64, Vec<usize>>,
    /// How many of those places a sentence has been compared with.
    compared: HashMap<u64, usize>,
    steps: usize,
}

impl Places<'_> {
    fn new(words: &[u64]) -> Places<'_> {
        let mut of: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, word) in words.iter().enumerate() {
            of.entry(*word).or_default().push(place);
        }
        Places {
            words,
            taken: vec![false; words.len()],
            of,
            compared: HashMap::new(),
            steps: 0,
        }
    }

    /// Takes the first free place of the sentence.
    fn take(&mut self, phrase: &[u64]) -> bool {
        let Some(first) = phrase.first() else {
            return true;
        };
        let compared = self.compared.entry(hash(&phrase)).or_default();
        let places = self.of.get(first).map(Vec::as_slice).unwrap_or_default();
        while let Some(place) = places.get(*compared) {
            *compared += 1;
            self.steps += 1;
            let range = *place..*place + phrase.len();
            let is_there = self.words.get(range.clone()) == Some(phrase);
            if is_there && self.taken[range.clone()].iter().all(|taken| !taken) {
                self.taken[range].fill(true);
                return true;
            }
            if self.steps > MOST_STEPS {
                return true;
            }
        }
        false
    }

    /// The words that no sentence took, counted.
    fn left(&self) -> HashMap<u64, usize> {
        let mut left = HashMap::new();
        for (word, _) in self
            .words
            .iter()
            .zip(&self.taken)
            .filter(|(_, taken)| !**taken)
        {
            *left.entry(*word).or_default() += 1;
        }
        left
    }
}

/// Takes the words of a sentence if most of them are left: all of a short one.
fn take_most(left: &mut HashMap<u64, usize>, phrase: &[u64]) -> bool {
    let is_left = |word: &&u64| left.get(word).is_some_and(|count| *count > 0);
    let there = phrase.iter().filter(is_left).count();
    let most = match phrase.len() {
        n if n < 4 => n,
        n => (n * 3).div_ceil(5),
    };
    if there < most {
        return false;
    }
    for word in phrase {
        left.entry(*word)
            .and_modify(|count| *count = count.saturating_sub(1));
    }
    true
}

/// Without case and punctuation, which differ between a sentence and its turn.
fn words(text: &str) -> Vec<u64> {
    let word = |word: &str| {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let words = text.split_whitespace().map(word);
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| hash(&word).max(END + 1)).collect()
}

/// A short name for a value that is compared often.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost<'a>(turns: &[&str], sentences: &[&'a str]) -> Vec<&'a str> {
        let mut heard = Heard::default();
        for turn in turns {
            heard.add(turn);
        }
        let lost = heard.lost(sentences.iter().copied());
        lost.into_iter().map(|n| sentences[n]).collect()
    }

    #[test]
    fn a_sentence_is_counted_off() {
        let turns = ["I'd like Tuesday. In the morning.", "Yes.", "Yes, please."];
        let sentences = [
            "I'd like Tuesday.",
            "in the morning",
            "yes",
            "yes please",
            "Yes.",
            "And cancel the other one.",
        ];
        assert_eq!(
            lost(&turns, &sentences),
            ["Yes.", "And cancel the other one."]
        );
    }

    #[test]
    fn a_sentence_lost_in_the_middle_takes_no_words_of_others() {
        let turns = [
            "I want the morning.",
            "Do you want the other one?",
            "No, I want the first one, the blue one.",
        ];
        let sentences = [
            "I want the morning.",
            "I want the other one please.",
            "Do you want the other one?",
            "No, I want the first one,",
            "the blue one.",
        ];
        assert_eq!(lost(&turns, &sentences), ["I want the other one please."]);
    }

    #[test]
    fn a_turn_that_the_agent_edited_is_no_loss() {
        let turns = ["my number is [redacted] thank you very much"];
        assert!(lost(&turns, &["My number is 5550100 thank you very much."]).is_empty());
    }

    #[test]
    fn an_interim_sentence_that_became_a_turn_is_no_loss() {
        let mut heard = Heard::default();
        heard.add("I would like Tuesday.");
        assert!(heard.has_interim("I would like Tues"));
        assert!(!heard.has_interim("And please cancel"));
    }
}
