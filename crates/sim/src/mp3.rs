//! A silent MP3 of any length, without an encoder: MPEG-1 layer III at 44.1 kHz and a constant 128 kbit/s, as LiveKit's egress
//! writes it.

use std::time::Duration;

const SAMPLES_PER_FRAME: u64 = 1152;
const SAMPLES_PER_SECOND: u64 = 44_100;
/// 144 x 128,000 / 44,100 is 417.96 bytes; a padding byte in most frames keeps the bit rate.
const BYTES_PER_FRAME: u64 = 144 * 128_000;

/// The channel mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Mono,
    Stereo,
}

/// The bytes of a silent MP3 of this duration, rounded to frames of 26 ms, at least one frame.
#[must_use]
pub fn generate(duration: Duration, channels: Channels) -> Vec<u8> {
    let samples = duration
        .as_millis()
        .saturating_mul(u128::from(SAMPLES_PER_SECOND))
        / 1000;
    let frames =
        (u64::try_from(samples).unwrap_or(u64::MAX) + SAMPLES_PER_FRAME / 2) / SAMPLES_PER_FRAME;
    let frames = frames.max(1);
    let mut file = Vec::with_capacity(usize::try_from(frames * 418).unwrap_or_default());
    let mut end = 0;
    for frame in 0..frames {
        let start = end;
        end = (frame + 1) * BYTES_PER_FRAME / SAMPLES_PER_SECOND;
        let padded = end - start == 418;
        file.extend(header(channels, padded));
        file.resize(usize::try_from(end).unwrap_or_default(), 0);
    }
    file
}

/// Sync word, MPEG-1 layer III without checksum; 128 kbit/s, 44.1 kHz, padding; channel mode. The rest of the frame is zeros: side
/// information without audio bits, which decodes to silence.
fn header(channels: Channels, padded: bool) -> [u8; 4] {
    let mode = match channels {
        Channels::Stereo => 0x00,
        Channels::Mono => 0xC0,
    };
    [0xFF, 0xFB, 0x90 | (u8::from(padded) << 1), mode]
}
