//! Where the intervals of a report fit the speech in its recording best.

use super::{
    levels::FRAME_MS,
    slide::{Interval, Speech, joined},
};

/// Frames by which the clocks may differ: five seconds, and a little more so that the best place has two sides.
const FARTHEST: i64 = 5_200 / FRAME_MS;
/// In how many wrong places the intervals are tried, to know what chance does.
const CHANCES: i64 = 64;
/// The smallest standard deviation of chance.
const LEAST_DEVIATION: f64 = 0.01;
/// From this many intervals on, three parts of the call are compared instead of two.
const MANY: usize = 9;

/// A channel, and what is said in it according to the report.
#[derive(Clone, Copy)]
pub(super) struct Track<'a> {
    pub(super) speech: &'a Speech,
    pub(super) said: &'a [Interval],
}

/// The best place, and what speaks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// Frames by which the intervals are too early; negative: too late.
    pub(super) lag: f64,
    /// The correlation of intervals and speech in that place, from -1 to 1.
    pub(super) correlation: f64,
    /// By how many standard deviations that is more than chance.
    pub(super) significance: f64,
    /// Frames between that place and the one that a part of the call would choose, at most.
    pub(super) disagreement: f64,
}

/// The best place for these intervals.
pub(super) fn fit(tracks: &[Track<'_>]) -> Fit {
    let (lag, correlation) = best(tracks);
    let (mean, deviation) = chance(tracks);
    Fit {
        lag,
        correlation,
        significance: (correlation - mean) / deviation.max(LEAST_DEVIATION),
        disagreement: disagreement(tracks, lag),
    }
}

/// The lag with the largest correlation, between frames where the curve says so.
fn best(tracks: &[Track<'_>]) -> (f64, f64) {
    let lags = -FARTHEST..=FARTHEST;
    let curve: Vec<f64> = lags.map(|lag| correlation(tracks, lag)).collect();
    let at = (0..curve.len()).max_by(|a, b| curve[*a].total_cmp(&curve[*b]));
    let at = at.unwrap_or_default();
    let lag = at as f64 - FARTHEST as f64;
    let refined = match curve.get(at.saturating_sub(1)..=at + 1) {
        Some([before, peak, after]) => vertex(*before, *peak, *after),
        _ => 0.0,
    };
    (lag + refined, curve[at])
}

/// Where the parabola through three points has its peak, from the middle one.
fn vertex(before: f64, peak: f64, after: f64) -> f64 {
    let curvature = before - 2.0 * peak + after;
    match curvature < 0.0 {
        true => 0.5 * (before - after) / curvature,
        false => 0.0,
    }
}

/// Of the tracks in which something is said, the mean.
fn correlation(tracks: &[Track<'_>], lag: i64) -> f64 {
    let tracks = tracks.iter().filter(|track| !track.said.is_empty());
    let (count, sum) = tracks.fold((0.0, 0.0), |(count, sum), track| {
        (count + 1.0, sum + track.speech.correlation(track.said, lag))
    });
    sum / f64::max(count, 1.0)
}

/// Mean and standard deviation of the correlation with intervals that run backwards, begun anywhere in the file.
fn chance(tracks: &[Track<'_>]) -> (f64, f64) {
    let frames = tracks.first().map_or(0, |track| track.speech.frames());
    let at = |n: i64| {
        let shift = frames * n / CHANCES;
        correlation_of(tracks, |said| backwards(said, frames, shift))
    };
    let found: Vec<f64> = (0..CHANCES).map(at).collect();
    let mean = found.iter().sum::<f64>() / CHANCES as f64;
    let squares = found.iter().map(|it| (it - mean).powi(2));
    (mean, (squares.sum::<f64>() / CHANCES as f64).sqrt())
}

fn backwards(said: &[Interval], frames: i64, shift: i64) -> Vec<Interval> {
    let turned = said.iter().flat_map(|(from, to)| {
        let begin = (frames - to + shift).rem_euclid(frames.max(1));
        let end = begin + (to - from).min(frames);
        // What runs over the end goes on at the beginning.
        [(begin, end.min(frames)), (0, end - frames)]
    });
    joined(turned.collect())
}

/// The correlation if other intervals stand for those of each track.
fn correlation_of(tracks: &[Track<'_>], of: impl Fn(&[Interval]) -> Vec<Interval>) -> f64 {
    let others: Vec<Vec<Interval>> = tracks.iter().map(|track| of(track.said)).collect();
    correlation(&with(tracks, &others), 0)
}

fn with<'a>(tracks: &[Track<'a>], said: &'a [Vec<Interval>]) -> Vec<Track<'a>> {
    let tracks = tracks.iter().zip(said);
    let tracks = tracks.map(|(track, said)| Track { said, ..*track });
    tracks.collect()
}

/// How far the parts of the call are from the place that all of it has.
fn disagreement(tracks: &[Track<'_>], lag: f64) -> f64 {
    let mut starts: Vec<i64> = tracks
        .iter()
        .flat_map(|track| track.said.iter().map(|(from, _)| *from))
        .collect();
    starts.sort_unstable();
    let parts = if starts.len() < MANY { 2 } else { 3 };
    let start = |part: usize| starts.get(starts.len() * part / parts).copied();
    let of_part = |part: usize| {
        let time = start(part).unwrap_or(i64::MIN)..start(part + 1).unwrap_or(i64::MAX);
        let said = |track: &Track<'_>| {
            let said = track.said.iter().copied();
            said.filter(|(from, _)| time.contains(from)).collect()
        };
        let said: Vec<Vec<Interval>> = tracks.iter().map(said).collect();
        (best(&with(tracks, &said)).0 - lag).abs()
    };
    (0..parts).map(of_part).fold(0.0, f64::max)
}
