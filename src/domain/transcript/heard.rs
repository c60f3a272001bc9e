//! Finds recognized sentences that are missing from the conversation.

use std::{cmp::Reverse, collections::HashMap};

use crate::domain::hash::hash;

/// Separates two turns: no sentence continues in the next turn.
const END: u64 = 0;
/// The maximum number of comparisons; after that, the remaining sentences count as present. No real report needs as many.
const MOST_STEPS: usize = 20_000_000;

/// The words of the caller's turns, as hashes because a report may have megabytes of text.
#[derive(Default)]
pub(super) struct Heard {
    words: Vec<u64>,
    /// Where the words of the last turn begin.
    last: usize,
}

/// Recognized sentences that are part of no turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// Their indexes.
    pub sentences: Vec<usize>,
    /// Whether the interim sentence is one.
    pub interim: bool,
}

impl Heard {
    /// Adds the words of a turn.
    pub(super) fn add(&mut self, text: &str) {
        self.last = self.words.len();
        self.words.extend(words(text));
        self.words.push(END);
    }

    /// The sentences that are part of no turn. A sentence that was recognized twice must be there twice. `interim`: the
    /// sentence that was spoken when the session ended.
    pub(super) fn lost<'a>(
        &self,
        sentences: impl Iterator<Item = &'a str>,
        interim: Option<&str>,
    ) -> Lost {
        let phrases: Vec<Vec<u64>> = sentences.map(words).collect();
        let mut by_length: Vec<usize> = (0..phrases.len()).collect();
        // Long sentences first: a "yes" must not use up the "yes" of "yes, please".
        by_length.sort_by_key(|n| Reverse(phrases[*n].len()));
        let mut places = Places::new(&self.words);
        let mut missing: Vec<usize> = by_length;
        missing.retain(|n| !places.take(&phrases[*n]));
        missing.sort_unstable();
        // If the agent edited a turn, most of its words are still unused.
        let mut left = places.left(0);
        missing.retain(|n| !take_most(&mut left, &phrases[*n]));
        Lost {
            sentences: missing,
            interim: interim.is_some_and(|interim| !self.has_interim(&mut places, interim)),
        }
    }

    /// Whether an interim sentence became part of a turn: words that no final sentence has used. Its last word may have
    /// been recognized differently in the end.
    fn has_interim(&self, places: &mut Places<'_>, sentence: &str) -> bool {
        let words = words(sentence);
        let begun = &words[..words.len().saturating_sub(1)];
        let is_there = places.take(&words) || begun.len() > 1 && places.take(begun);
        is_there || take_most(&mut places.left(self.last), &words)
    }
}

/// The positions of words in the conversation, and which of them a sentence has used.
struct Places<'a> {
    words: &'a [u64],
    taken: Vec<bool>,
    /// The positions of each word.
    of: HashMap<u64, Vec<usize>>,
    /// How many of those positions each sentence has been compared with.
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

    /// Uses up the first free occurrence of the sentence; false if there is none.
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

    /// Counts the words from this place on that no sentence used.
    fn left(&self, from: usize) -> HashMap<u64, usize> {
        let mut left = HashMap::new();
        let words = self.words.iter().zip(&self.taken).skip(from);
        for (word, _) in words.filter(|(word, taken)| !**taken && **word != END) {
            *left.entry(*word).or_default() += 1;
        }
        left
    }
}

/// Uses up the words of a sentence if most of them are left; of a short sentence, all must be.
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

/// Hashes of the words, without case and punctuation, which differ between a sentence and its turn. In scripts without
/// blanks, each character counts as a word.
fn words(text: &str) -> Vec<u64> {
    let mut hashes = Vec::new();
    let mut word = String::new();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            hashes.push(hash(word).max(END + 1));
            word.clear();
        }
    };
    for c in text.chars() {
        if c.is_whitespace() || is_word(c) {
            end(&mut word);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        if is_word(c) {
            end(&mut word);
        }
    }
    end(&mut word);
    hashes
}

/// Whether the character belongs to a script without blanks between words: Thai, Lao, Tibetan, Burmese, Khmer, Chinese,
/// Japanese.
fn is_word(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9D}'
        | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost<'a>(turns: &[&str], sentences: &[&'a str]) -> Vec<&'a str> {
        let mut heard = Heard::default();
        for turn in turns {
            heard.add(turn);
        }
        let lost = heard.lost(sentences.iter().copied(), None);
        lost.sentences.into_iter().map(|n| sentences[n]).collect()
    }

    #[test]
    fn each_occurrence_of_a_sentence_counts_once() {
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

    /// Whether an interim sentence is lost, after these final ones.
    fn interim(turns: &[&str], sentences: &[&str], interim: &str) -> bool {
        let mut heard = Heard::default();
        turns.iter().for_each(|turn| heard.add(turn));
        heard.lost(sentences.iter().copied(), Some(interim)).interim
    }

    #[test]
    fn an_interim_sentence_that_became_a_turn_is_no_loss() {
        let turns = ["I would like Tuesday."];
        assert!(!interim(&turns, &[], "I would like Tues"));
        assert!(!interim(&turns, &[], "I wood like Tuesday"));
        assert!(interim(&turns, &[], "And please cancel"));
    }

    #[test]
    fn words_of_a_final_sentence_are_not_those_of_an_interim_one() {
        let turns = ["I would like to cancel Tuesday.", "Yes."];
        let sentences = ["I would like to cancel Tuesday.", "Yes."];
        assert!(interim(&turns, &sentences, "I would like to book Friday"));
        assert!(interim(&turns, &sentences, "Yes"));
    }

    #[test]
    fn sentences_without_blanks_are_compared_by_their_characters() {
        let turns = ["我想预约星期二。上午可以吗？", "はい、お願いします。"];
        let sentences = [
            "我想预约星期二",
            "上午可以吗",
            "はい",
            "お願いします",
            "再见",
        ];
        assert_eq!(lost(&turns, &sentences), ["再见"]);
        assert!(lost(&["สวัสดีครับ ขอนัดวันอังคาร"], &["สวัสดีครับ", "ขอนัดวันอังคาร"]).is_empty());
    }
}
