//! When each turn was spoken, by the clock of its report.

use jiff::Timestamp;

use super::report::{Speaker, Turn};

/// How many words a person says in a second, where only the end of a turn is known.
const WORDS_PER_SECOND: f64 = 2.7;

/// When a turn was spoken, in seconds after the beginning of a file; negative before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spoken {
    pub start: f64,
    /// `None`: nobody reported when it ended.
    pub length: Option<f64>,
    /// How long it takes to say its words, where `length` is unknown.
    pub usual_length: f64,
    /// The report says only when the turn was created.
    pub is_estimated: bool,
}

/// Seconds by which two machines' clocks usually differ.
const CLOCKS_DIFFER: f64 = 0.3;

impl Spoken {
    /// Whether a file that begins then begins with these words: it begins with the first sound, by another clock.
    pub fn begins_with(&self, file: f64) -> bool {
        let end = self.start + self.length.unwrap_or_default();
        (file - CLOCKS_DIFFER..file).contains(&self.start) && end > file + CLOCKS_DIFFER
    }
}

/// When each of the turns was spoken, in their order; `zero`: when the file begins. `None` for turns without a time.
pub fn spoken(
    turns: &[Turn],
    zero: Option<Timestamp>,
) -> impl Iterator<Item = Option<Spoken>> + '_ {
    let mut previous_end = f64::NEG_INFINITY;
    turns.iter().map(move |turn| {
        let spoken = of_turn(turn, zero, previous_end)?;
        previous_end = spoken.start + spoken.length.unwrap_or(spoken.usual_length);
        Some(spoken)
    })
}

fn of_turn(turn: &Turn, zero: Option<Timestamp>, previous_end: f64) -> Option<Spoken> {
    let at = match (turn.at, turn.offset_ms) {
        (None, Some(offset)) => offset as f64 / 1e3,
        _ => turn.at?.duration_since(zero?).as_secs_f64(),
    };
    let usual_length = turn.text.split_whitespace().count() as f64 / WORDS_PER_SECOND;
    let start = match (turn.at_creation, turn.speaker) {
        // Created when it had been said.
        (true, Speaker::Caller) => (at - usual_length).max(previous_end).min(at),
        _ => at,
    };
    Some(Spoken {
        start,
        length: turn.length_ms.map(|length| length as f64 / 1e3),
        usual_length,
        is_estimated: turn.at_creation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(speaker: Speaker, words: usize, second: i64) -> Turn {
        Turn {
            at: Timestamp::from_second(1_763_884_800 + second).ok(),
            at_creation: true,
            ..Turn::new(speaker, vec!["word"; words].join(" "))
        }
    }

    fn starts(turns: &[Turn]) -> Vec<f64> {
        let zero = Timestamp::from_second(1_763_884_800).ok();
        let starts = spoken(turns, zero).map(|it| it.unwrap().start);
        starts.map(|start| (start * 10.0).round() / 10.0).collect()
    }

    #[test]
    fn a_caller_spoke_before_the_turn_was_created() {
        let long = [
            created(Speaker::Agent, 5, 10),
            created(Speaker::Caller, 27, 30),
        ];
        assert_eq!(starts(&long), [10.0, 20.0]);
    }

    #[test]
    fn a_caller_did_not_speak_before_the_previous_line_ended() {
        let mut turns = [
            created(Speaker::Agent, 5, 10),
            created(Speaker::Caller, 27, 18),
            created(Speaker::Caller, 27, 19),
        ];
        assert_eq!(starts(&turns), [10.0, 11.9, 19.0]);
        turns[0].length_ms = Some(4_500);
        assert_eq!(starts(&turns), [10.0, 14.5, 19.0]);
    }

    #[test]
    fn a_reported_beginning_is_taken_as_it_is() {
        let reported = Turn {
            at_creation: false,
            ..created(Speaker::Caller, 27, 30)
        };
        assert_eq!(starts(&[reported]), [30.0]);
    }
}
