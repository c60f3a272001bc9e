//! Delays and other samples: their median, their 95th percentile, their largest.

use std::collections::BTreeSet;

use crate::domain::transcript::Delay;

/// The delays of all reports, the shortest first, in milliseconds. A job may repeat the items of another; each counts once.
pub(super) fn sorted<'a>(delays: impl Iterator<Item = &'a Delay>) -> Vec<u32> {
    let once: BTreeSet<Delay> = delays.copied().collect();
    let mut sorted: Vec<u32> = once.iter().map(|delay| delay.milliseconds).collect();
    sorted.sort_unstable();
    sorted
}

/// The median: of an even number the mean of the two in the middle.
pub(super) fn median(sorted: &[u32]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = f64::from(*sorted.get(middle)?);
    match sorted.len() % 2 {
        0 => Some((f64::from(*sorted.get(middle.checked_sub(1)?)?) + upper) / 2.0),
        _ => Some(upper),
    }
}

/// The smallest that is not smaller than 95 % of all.
pub(super) fn percentile_95(sorted: &[u32]) -> Option<f64> {
    let rank = (sorted.len() * 95).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied().map(f64::from)
}

/// The mean.
pub(super) fn mean(samples: &[u32]) -> Option<f64> {
    let sum: f64 = samples.iter().copied().map(f64::from).sum();
    (!samples.is_empty()).then(|| sum / samples.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let all: Vec<u32> = (1..=20).collect();
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7]), Some(7.0));
        assert_eq!(median(&[1, 2, 9]), Some(2.0));
        assert_eq!(median(&all), Some(10.5));
        assert_eq!(percentile_95(&[]), None);
        assert_eq!(percentile_95(&[7]), Some(7.0));
        assert_eq!(percentile_95(&all), Some(19.0));
        assert_eq!(mean(&[1, 2]), Some(1.5));
    }

    #[test]
    fn an_item_that_two_reports_have_counts_once() {
        let delay = |item| Delay {
            item,
            milliseconds: 5,
        };
        assert_eq!(sorted([delay(1), delay(1), delay(2)].iter()), [5, 5]);
    }
}
