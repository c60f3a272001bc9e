//! Measures the loudness of samples.

use crate::domain::alignment::{FRAME_MS, Levels};

/// Frames per second.
const FRAMES: u32 = (1_000 / FRAME_MS) as u32;
/// Decibels of full scale that are measured as 0.
const QUIETEST: f32 = -90.0;

/// Loudness per frame, from samples of any rate, in one or two channels.
#[derive(Default)]
pub(super) struct Meter {
    /// The sum of the squares of the frame at hand, left and right.
    squares: [f32; 2],
    /// Samples in it.
    samples: u32,
    /// How much of it has passed, in parts of a sample rate.
    passed: u32,
    left: Vec<u8>,
    right: Vec<u8>,
}

impl Meter {
    /// Adds interleaved samples from -1 to 1.
    pub(super) fn add(&mut self, samples: &[f32], channels: usize, rate: u32) {
        let mut rest = samples;
        while !rest.is_empty() {
            let until = self.until_frame(rate).min(rest.len() / channels).max(1);
            let (frame, later) = rest.split_at((until * channels).min(rest.len()));
            rest = later;
            let sum = |channel: usize| frame.iter().skip(channel).step_by(channels);
            let sum = |channel: usize| sum(channel).map(|sample| sample * sample).sum::<f32>();
            let left = sum(0);
            let right = if channels == 2 { sum(1) } else { left };
            self.squares = [self.squares[0] + left, self.squares[1] + right];
            self.pass(until as u32, rate);
        }
    }

    /// Adds silence.
    pub(super) fn add_silence(&mut self, samples: usize, rate: u32) {
        let mut rest = samples;
        while rest > 0 {
            let until = self.until_frame(rate).clamp(1, rest);
            self.pass(until as u32, rate);
            rest -= until;
        }
    }

    /// Complete frames.
    pub(super) fn frames(&self) -> usize {
        self.left.len()
    }

    /// One channel if both are equal.
    pub(super) fn levels(self) -> Levels {
        let channels = match self.left == self.right {
            true => vec![self.left],
            false => vec![self.left, self.right],
        };
        Levels { channels }
    }

    /// Samples until the end of the frame at hand. A rate need not be a multiple of the frames.
    fn until_frame(&self, rate: u32) -> usize {
        rate.saturating_sub(self.passed).div_ceil(FRAMES) as usize
    }

    fn pass(&mut self, samples: u32, rate: u32) {
        self.samples += samples;
        self.passed += samples * FRAMES;
        if self.passed < rate {
            return;
        }
        self.passed -= rate;
        let count = self.samples as f32;
        self.left.push(level(self.squares[0] / count));
        self.right.push(level(self.squares[1] / count));
        (self.squares, self.samples) = ([0.0; 2], 0);
    }
}

/// Half decibels above the quietest, from a mean square.
fn level(square: f32) -> u8 {
    let decibels = 10.0 * square.max(1e-12).log10();
    // A cast of what is out of range, or no number, takes the nearest value, or 0.
    ((decibels - QUIETEST) * 2.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_fifty_frames_at_every_rate() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let mut meter = Meter::default();
            let samples = vec![0.5; rate as usize * 2];
            for piece in samples.chunks(1_152) {
                meter.add(piece, 2, rate);
            }
            meter.add_silence(rate as usize * 60, rate);
            let levels = meter.levels();
            let [level] = levels.channels.as_slice() else {
                panic!("both channels are equal");
            };
            assert_eq!(level.len(), 61 * 50, "{rate}");
            assert_eq!((level[25], level[2_000]), (167, 0), "-6 dB, and silence");
        }
    }

    #[test]
    fn channels_are_measured_apart() {
        let mut meter = Meter::default();
        meter.add(&[0.5, 0.0].repeat(44_100), 2, 44_100);
        let levels = meter.levels();
        assert_eq!(levels.channels, [vec![167; 50], vec![0; 50]]);
    }

    #[test]
    fn samples_that_are_no_numbers_are_silence() {
        let mut meter = Meter::default();
        meter.add(&[f32::NAN; 882], 1, 44_100);
        meter.add(&[f32::INFINITY; 882], 1, 44_100);
        assert_eq!(meter.levels().channels, [[0, 255]]);
    }
}
