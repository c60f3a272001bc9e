//! Listens to an MP3 while it arrives. Nothing of it is kept but its loudness, so its length does not matter.

use nanomp3_core::{DecodeError, Decoder, FrameInfo, MAX_SAMPLES_PER_FRAME};

use super::meter::Meter;
use crate::domain::alignment::Levels;

/// The decoder recognises a frame by those that follow it.
const AHEAD: usize = 16 << 10;
/// Frames of 20 ms that are listened to: three hours.
const MOST_FRAMES: usize = 3 * 3_600 * 50;
/// Bytes that are listened to.
const MOST_BYTES: u64 = 512 << 20;
/// Bytes of the header of an ID3v2 tag.
const TAG_HEADER: usize = 10;

/// Whether a recording is to be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    On,
    /// The rest is not needed.
    Enough,
}

/// A decoder and what it has heard.
pub struct Listener {
    decoder: Box<Decoder>,
    pcm: Box<[f32]>,
    /// Arrived and not yet decoded.
    pending: Vec<u8>,
    /// Bytes of a tag that are still to be skipped; `None`: the beginning has not been seen.
    tag: Option<u64>,
    bytes: u64,
    /// Frames of 20 ms after which it has heard enough.
    most_frames: usize,
    meter: Meter,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            decoder: Box::default(),
            pcm: vec![0.0; MAX_SAMPLES_PER_FRAME].into(),
            pending: Vec::new(),
            tag: None,
            bytes: 0,
            most_frames: MOST_FRAMES,
            meter: Meter::default(),
        }
    }
}

impl Listener {
    /// Listens to the next bytes of the file.
    pub fn hear(&mut self, bytes: &[u8]) -> Listening {
        for piece in bytes.chunks(AHEAD) {
            self.bytes += piece.len() as u64;
            self.pending.extend_from_slice(piece);
            self.decode(AHEAD);
            if self.meter.frames() >= self.most_frames || self.bytes >= MOST_BYTES {
                return Listening::Enough;
            }
        }
        Listening::On
    }

    /// The loudness of everything that was heard.
    pub fn finish(mut self) -> Levels {
        self.decode(0);
        self.meter.levels()
    }

    /// Decodes as long as more than `ahead` bytes are pending.
    fn decode(&mut self, ahead: usize) {
        let mut at = self.skip_tag();
        while self.pending.len() - at > ahead {
            let (consumed, decoded) = self.decoder.decode(&self.pending[at..], &mut self.pcm);
            at += consumed;
            match decoded {
                Ok(info) => {
                    let channels = usize::from(info.channels.num());
                    let samples = &self.pcm[..info.samples_produced * channels];
                    self.meter.add(samples, channels, info.sample_rate);
                }
                // A frame that cannot be decoded takes its time, too.
                Err(error) => match lost(&error) {
                    Some(info) => self.meter.add_silence(samples(info), info.sample_rate),
                    None if consumed == 0 => break,
                    None => {}
                },
            }
        }
        self.pending.drain(..at);
    }

    /// A tag at the beginning may hold a picture, in which a decoder would look for sound. How many bytes are skipped.
    fn skip_tag(&mut self) -> usize {
        if self.tag.is_none() && self.pending.len() >= TAG_HEADER {
            self.tag = Some(tag_length(&self.pending));
        }
        let left = self.tag.unwrap_or_default();
        let skipped = self
            .pending
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        self.tag = self.tag.map(|left| left - skipped as u64);
        skipped
    }
}

/// The header of a frame that was found and not decoded.
fn lost(error: &DecodeError) -> Option<&FrameInfo> {
    error.frame_info().filter(|info| info.sample_rate > 0)
}

/// Samples of a frame per channel, by its layer and rate.
fn samples(info: &FrameInfo) -> usize {
    match (info.layer, info.sample_rate < 32_000) {
        (1, _) => 384,
        (3, true) => 576,
        _ => 1_152,
    }
}

/// The length of the ID3v2 tag at the beginning, with its header; 0 without one.
fn tag_length(bytes: &[u8]) -> u64 {
    match bytes {
        [b'I', b'D', b'3', _, _, _, size @ ..] if size.len() >= 4 => {
            let size = size[..4].iter();
            let size = size.fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
            size + TAG_HEADER as u64
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of silence as LiveKit's egress writes them: 128 kbit/s at 44.1 kHz, 417 bytes and 26.12 ms each.
    fn silence(frames: usize) -> Vec<u8> {
        let mut frame = vec![0; 417];
        frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        frame.repeat(frames)
    }

    fn frames(pieces: &[&[u8]]) -> usize {
        let mut listener = Listener::default();
        for piece in pieces {
            assert_eq!(listener.hear(piece), Listening::On);
        }
        let levels = listener.finish();
        levels.channels[0].len()
    }

    #[test]
    fn its_length_is_heard_however_it_arrives() {
        let file = silence(383);
        let whole = frames(&[&file]);
        assert!((499..=500).contains(&whole), "{whole}");
        for size in [1, 7, 1_000, 100_000] {
            let pieces: Vec<&[u8]> = file.chunks(size).collect();
            assert_eq!(frames(&pieces), whole, "{size}");
        }
        let mut tagged = b"ID3\x04\x00\x00\x00\x00\x02\x00".to_vec();
        tagged.extend(silence(1));
        tagged.resize(10 + 256, 0xff);
        assert_eq!(frames(&[&tagged, &file]), whole, "a tag is no sound");
    }

    #[test]
    fn junk_is_silence_or_nothing() {
        let mut seed = 1_u64;
        let mut junk = vec![0; 300_000];
        for byte in &mut junk {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (seed >> 56) as u8;
        }
        for file in [&[][..], b"ID3", &[0xff; 100_000], &junk] {
            frames(&[file]);
        }
    }

    #[test]
    fn the_rest_of_a_file_of_days_is_not_needed() {
        let mut listener = Listener {
            most_frames: 5_000,
            ..Listener::default()
        };
        let piece = silence(1_000);
        let heard = std::iter::from_fn(|| Some(listener.hear(&piece)));
        let pieces = heard.take_while(|heard| *heard == Listening::On).count();
        assert_eq!(pieces, 3, "of 26 s each");
    }
}
