//! Who spoke when: unions of the times of speech. In milliseconds.

use crate::domain::transcript::{Span, Speaker};

/// A longer silence is dead air.
const DEAD_AIR: i64 = 3_000;
/// Times before this, in the spring of 1973, count from the start of a recording.
const FIRST_CLOCK: i64 = 100_000_000_000;

/// The times of speech of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Speech {
    agent: Vec<(i64, i64)>,
    caller: Vec<(i64, i64)>,
    /// Between the first and the last word of either side.
    silences: Vec<i64>,
}

impl Speech {
    /// From the spans of all reports. If some count from the start of a recording and others do not, only the latter count.
    pub(super) fn of<'a>(spans: impl Iterator<Item = &'a Span>) -> Speech {
        let mut spans: Vec<Span> = spans.copied().collect();
        if spans.iter().any(|span| span.start >= FIRST_CLOCK) {
            spans.retain(|span| span.start >= FIRST_CLOCK);
        }
        let of = |speaker| {
            let of_side = spans.iter().filter(|span| span.speaker == speaker);
            union(of_side.map(|span| (span.start, span.end)).collect())
        };
        let all = union(spans.iter().map(|span| (span.start, span.end)).collect());
        let gaps = all.windows(2).filter_map(|pair| match pair {
            [(_, end), (start, _)] => Some(start - end),
            _ => None,
        });
        Speech {
            silences: gaps.collect(),
            agent: of(Speaker::Agent),
            caller: of(Speaker::Caller),
        }
    }

    /// Whether no time of speech is known.
    pub(super) fn is_empty(&self) -> bool {
        self.agent.is_empty() && self.caller.is_empty()
    }

    /// How long a side spoke.
    pub(super) fn talk_time(&self, speaker: Speaker) -> i64 {
        let spans = match speaker {
            Speaker::Agent => &self.agent,
            Speaker::Caller => &self.caller,
        };
        spans.iter().map(|(start, end)| end - start).sum()
    }

    /// The agent's share of the time that both sides spoke.
    pub(super) fn share(&self) -> Option<f64> {
        let agent = self.talk_time(Speaker::Agent) as f64;
        let both = agent + self.talk_time(Speaker::Caller) as f64;
        (both > 0.0).then(|| agent / both)
    }

    /// The longest time in which nobody spoke; `None` if fewer than two turns are known.
    pub(super) fn longest_silence(&self) -> Option<i64> {
        let known = self.agent.len() + self.caller.len();
        let longest = self.silences.iter().copied().max();
        longest.or((known > 1).then_some(0))
    }

    /// How long nobody spoke, all together.
    pub(super) fn silence(&self) -> i64 {
        self.silences.iter().sum()
    }

    /// The same of long silences alone.
    pub(super) fn dead_air(&self) -> i64 {
        let long = self.silences.iter().filter(|length| **length > DEAD_AIR);
        long.sum()
    }

    /// When the agent first spoke, in milliseconds since 1970.
    pub(super) fn first_word(&self) -> Option<i64> {
        let (start, _) = self.agent.first()?;
        Some(*start).filter(|start| *start >= FIRST_CLOCK)
    }
}

/// The spans without overlaps, by time.
fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut union: Vec<(i64, i64)> = Vec::new();
    for (start, end) in spans {
        match union.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => union.push((start, end)),
        }
    }
    union
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(turns: &[(Speaker, i64, i64)]) -> Speech {
        let at = |milliseconds| 1_763_884_800_000 + milliseconds;
        let spans: Vec<Span> = turns
            .iter()
            .map(|(speaker, start, end)| Span {
                speaker: *speaker,
                start: at(*start),
                end: at(*end),
            })
            .collect();
        Speech::of(spans.iter())
    }

    #[test]
    fn overlaps_count_once_for_each_side_and_are_no_silence() {
        let speech = spoken(&[
            (Speaker::Caller, 5_000, 7_000),
            (Speaker::Agent, 1_000, 3_000),
            (Speaker::Agent, 2_000, 4_000),
            (Speaker::Caller, 3_500, 4_500),
            (Speaker::Agent, 11_000, 12_000),
        ]);
        assert_eq!(speech.talk_time(Speaker::Agent), 4_000);
        assert_eq!(speech.talk_time(Speaker::Caller), 3_000);
        assert_eq!(speech.longest_silence(), Some(4_000));
        assert_eq!((speech.silence(), speech.dead_air()), (4_500, 4_000));
        assert_eq!(speech.share(), Some(4.0 / 7.0));
    }

    #[test]
    fn nothing_is_known_of_no_words() {
        let nothing = spoken(&[]);
        assert!(nothing.is_empty());
        assert_eq!((nothing.share(), nothing.longest_silence()), (None, None));
        let once = spoken(&[(Speaker::Agent, 0, 1_000)]);
        assert_eq!((once.share(), once.longest_silence()), (Some(1.0), None));
    }
}
