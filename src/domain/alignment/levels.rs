//! How loud a recording is.

/// Milliseconds of a frame.
pub const FRAME_MS: i64 = 20;

/// The loudness of each frame of a recording, in half decibels above the quietest that counts (-90 dB of full scale), by
/// channel: one, or left and right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Levels {
    pub channels: Vec<Vec<u8>>,
}

impl Levels {
    /// Every channel together.
    pub(super) fn mixed(&self) -> Vec<u8> {
        match self.channels.as_slice() {
            [left, right] => left.iter().zip(right).map(|(l, r)| *l.max(r)).collect(),
            channels => channels.first().cloned().unwrap_or_default(),
        }
    }
}
