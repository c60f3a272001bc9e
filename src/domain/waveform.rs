//! How loud a recording is over its length, for people's eyes.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::alignment::Levels;

/// Points of a channel: more than a page has pixels for bars, and 1.6 kB of two channels.
const POINTS: usize = 800;
/// Half decibels of a level per decade of amplitude.
const DECADE: f32 = 40.0;

/// The loudness of each channel, from 0 to 255, in points of equal length: one channel, or left and right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waveform {
    channels: Vec<Vec<u8>>,
}

/// A text that is no waveform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is no waveform")]
pub struct NoWaveform;

impl Waveform {
    /// The loudest of each piece of the recording, in proportion to the loudest of all.
    pub fn of(levels: &Levels) -> Waveform {
        let loudest = levels.channels.iter().flatten().copied().max();
        let loudest = loudest.unwrap_or_default();
        let channels = levels.channels.iter().map(|levels| points(levels, loudest));
        Waveform {
            channels: channels.collect(),
        }
    }

    /// One, or left and right.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }
}

fn points(levels: &[u8], loudest: u8) -> Vec<u8> {
    let count = levels.len().min(POINTS);
    let from = |point: usize| point * levels.len() / count;
    let pieces = (0..count).map(|point| &levels[from(point)..from(point + 1)]);
    let level = |piece: &[u8]| piece.iter().copied().max().unwrap_or_default();
    pieces
        .map(|piece| amplitude(level(piece), loudest))
        .collect()
}

/// In proportion to the loudest; 0 for silence.
fn amplitude(level: u8, loudest: u8) -> u8 {
    if level == 0 {
        return 0;
    }
    let below = f32::from(level) - f32::from(loudest);
    (255.0 * 10_f32.powf(below / DECADE)).round() as u8
}

/// Base64, a channel after the other, with a dot between them.
impl fmt::Display for Waveform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = self.channels.iter();
        let texts: Vec<String> = channels.map(|it| BASE64_STANDARD.encode(it)).collect();
        f.write_str(&texts.join("."))
    }
}

impl FromStr for Waveform {
    type Err = NoWaveform;

    fn from_str(text: &str) -> Result<Waveform, NoWaveform> {
        let channels = text.split('.').map(|it| BASE64_STANDARD.decode(it));
        let channels: Result<Vec<Vec<u8>>, _> = channels.collect();
        let channels = channels.map_err(|_| NoWaveform)?;
        match channels.iter().all(|it| (1..=POINTS).contains(&it.len())) {
            true => Ok(Waveform { channels }),
            false => Err(NoWaveform),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_in_proportion_to_the_loudest() {
        let levels = Levels {
            channels: vec![vec![160, 120, 0, 80], vec![0, 0, 0, 160]],
        };
        let waveform = Waveform::of(&levels);
        assert_eq!(waveform.channels, [[255, 26, 0, 3], [0, 0, 0, 255]]);
    }

    #[test]
    fn an_hour_takes_two_kilobytes_and_keeps_what_is_loud() {
        let mut loud = vec![100; 180_000];
        loud[90_000] = 160;
        let levels = Levels {
            channels: vec![loud, vec![0; 180_000]],
        };
        let waveform = Waveform::of(&levels);
        assert_eq!(waveform.channels[0][400], 255);
        let text = waveform.to_string();
        assert!(text.len() < 2_200, "{}", text.len());
        assert_eq!(text.parse(), Ok(waveform));
    }

    #[test]
    fn what_is_no_waveform_is_refused() {
        for text in ["", ".", "AA==.", "!", &"A".repeat(4_000)] {
            assert_eq!(text.parse::<Waveform>(), Err(NoWaveform), "{text}");
        }
        let nothing = Waveform::of(&Levels::default());
        assert_eq!(
            (nothing.channels(), nothing.to_string()),
            (0, String::new())
        );
    }
}
