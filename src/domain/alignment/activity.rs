//! Where somebody speaks in a channel, from its loudness.

/// Half decibels under the loudest frames below which everything is silence.
const RANGE: usize = 80;
/// The share of frames that are louder than the "loudest".
const PEAKS: usize = 50;
/// Half decibels between silence and speech; with less, the channel has no speech, or nothing but noise.
const CONTRAST: f64 = 14.0;
/// Half decibels below and above the threshold within which a frame is partly speech.
const SOFT: i32 = 8;
/// Frames before and after that close a gap between words.
const GAP: usize = 10;

/// How much each frame is speech, from 0 to 255. `None`: loud and quiet frames cannot be distinguished.
pub(super) fn activity(levels: &[u8]) -> Option<Vec<u8>> {
    let threshold = i32::from(threshold(levels)?);
    let soft = |level: &u8| {
        let above = i32::from(*level) - threshold + SOFT;
        (above * 255 / (2 * SOFT)).clamp(0, 255) as u8
    };
    let speech: Vec<u8> = levels.iter().map(soft).collect();
    let widened = extreme(&speech, |a, b| a.max(b));
    Some(extreme(&widened, |a, b| a.min(b)))
}

/// The level that divides silence from speech best (Otsu's method: the largest variance between both).
fn threshold(levels: &[u8]) -> Option<u8> {
    let mut histogram = [0_u64; 256];
    for level in levels {
        histogram[usize::from(*level)] += 1;
    }
    let loudest = loudest(&histogram, levels.len())?;
    let quietest = loudest.saturating_sub(RANGE);
    // What is quieter or louder counts as the quietest or loudest.
    let below: u64 = histogram[..quietest].iter().sum();
    histogram[quietest] += below;
    let above: u64 = histogram[loudest + 1..].iter().sum();
    histogram[loudest] += above;
    let bins = quietest..=loudest;
    let total = levels.len() as f64;
    let sum: f64 = bins
        .clone()
        .map(|bin| bin as f64 * histogram[bin] as f64)
        .sum();
    let (mut count, mut quiet, mut best) = (0.0, 0.0, (0.0, None));
    for bin in bins {
        count += histogram[bin] as f64;
        quiet += bin as f64 * histogram[bin] as f64;
        if count == 0.0 || count >= total {
            continue;
        }
        let (low, high) = (quiet / count, (sum - quiet) / (total - count));
        let variance = count * (total - count) * (high - low).powi(2);
        if variance > best.0 && high - low >= CONTRAST {
            best = (variance, u8::try_from(bin + 1).ok());
        }
    }
    best.1
}

/// The level that only a few frames exceed.
fn loudest(histogram: &[u64; 256], frames: usize) -> Option<usize> {
    let few = (frames / PEAKS) as u64;
    let mut count = 0;
    (0..256).rev().find(|level| {
        count += histogram[*level];
        count > few
    })
}

/// The largest or smallest of each frame's neighbours.
fn extreme(frames: &[u8], of: fn(u8, u8) -> u8) -> Vec<u8> {
    let near = |at: usize| &frames[at.saturating_sub(GAP)..frames.len().min(at + GAP + 1)];
    let frames = (0..frames.len()).map(|at| near(at).iter().copied().reduce(of));
    frames.map(Option::unwrap_or_default).collect()
}
