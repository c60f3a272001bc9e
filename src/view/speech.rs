//! When somebody spoke, and when nobody did.

/// A longer silence is shown, in seconds.
const LONG: f64 = 3.0;

/// When a side spoke, in seconds of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// When it began.
    pub start: f64,
    /// When it ended.
    pub end: f64,
    /// Nobody reported the end: it is as long as the words take.
    pub is_estimated: bool,
}

/// The silences of more than three seconds between reported words, as the figures count them; not where the end of words is
/// only estimated.
pub(super) fn silences(agent: &[Interval], caller: &[Interval]) -> Vec<(f64, f64)> {
    let mut all: Vec<Interval> = agent.iter().chain(caller).copied().collect();
    all.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut silences = Vec::new();
    let mut last: Option<Interval> = None;
    for interval in all {
        let Some(before) = last else {
            last = Some(interval);
            continue;
        };
        let is_known = !before.is_estimated && !interval.is_estimated;
        if is_known && interval.start - before.end > LONG {
            silences.push((before.end, interval.start));
        }
        if interval.end >= before.end {
            last = Some(interval);
        }
    }
    silences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(start: f64, end: f64) -> Interval {
        Interval {
            start,
            end,
            is_estimated: false,
        }
    }

    #[test]
    fn long_silences_are_between_the_words_of_both_sides() {
        let agent = [spoken(5.0, 9.0), spoken(20.0, 21.0)];
        let caller = [spoken(6.0, 7.0), spoken(12.5, 17.0)];
        assert_eq!(silences(&agent, &caller), [(9.0, 12.5)]);
        assert_eq!(silences(&agent, &[]), [(9.0, 20.0)]);
        assert_eq!(silences(&[], &[]), []);
    }

    #[test]
    fn an_estimated_end_makes_no_silence() {
        let estimated = Interval {
            is_estimated: true,
            ..spoken(0.0, 2.0)
        };
        assert_eq!(silences(&[estimated], &[spoken(30.0, 31.0)]), []);
    }
}
