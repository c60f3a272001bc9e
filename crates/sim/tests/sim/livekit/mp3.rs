//! The silent MP3 is one, and has the length asked for.

use std::time::Duration;

use livekit_airtable_sim::mp3::{Channels, generate};

/// Walks from header to header as a player does; a wrong length of any frame loses the next one.
#[test]
fn every_frame_is_followed_by_the_next() {
    for channels in [Channels::Stereo, Channels::Mono] {
        let file = generate(Duration::from_secs(60), channels);
        let (mut at, mut frames) = (0, 0);
        while at < file.len() {
            assert_eq!(file[at..at + 2], [0xFF, 0xFB], "frame {frames} at {at}");
            at += if file[at + 2] & 2 == 0 { 417 } else { 418 };
            frames += 1;
        }
        assert_eq!(at, file.len());
        let seconds = f64::from(frames) * 1152.0 / 44_100.0;
        assert!((seconds - 60.0).abs() < 0.014, "{seconds}");
        // 128 kbit/s, as LiveKit's.
        assert_eq!(file.len() / 1000, 960);
    }
}

#[test]
fn the_shortest_is_one_frame() {
    assert_eq!(generate(Duration::ZERO, Channels::Mono).len(), 417);
}
