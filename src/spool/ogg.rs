//! What an Ogg Opus file says of itself: its codec in its first page, its length in its last one (RFC 3533, RFC 7845).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use jiff::SignedDuration;

/// Bytes at the end of a file that contain the beginning of its last page.
const LAST_PAGE: u64 = 64 << 10;
/// The position of an Ogg page's granule position, which counts samples.
const GRANULE_AT: usize = 6;
/// The position of the number of an Ogg page's segments, whose lengths follow it.
const SEGMENTS_AT: usize = 26;
/// Samples of Opus per millisecond, whatever the rate of the sound was.
const PER_MILLISECOND: i64 = 48;
/// Begins every page.
const PAGE: &[u8] = b"OggS";
/// Begins the first packet of Opus.
const OPUS: &[u8] = b"OpusHead";

/// Bytes from the beginning of a file that say whether it is Ogg Opus: a page's header with the most segments, and the
/// beginning of its packet.
pub const HEAD_BYTES: usize = SEGMENTS_AT + 1 + 255 + OPUS.len();

/// Whether a file that begins like this is Ogg Opus.
pub fn is_opus(head: &[u8]) -> bool {
    let segments = head.get(SEGMENTS_AT).copied().map(usize::from);
    let packet = segments.and_then(|count| head.get(SEGMENTS_AT + 1 + count..));
    head.starts_with(PAGE) && packet.is_some_and(|packet| packet.starts_with(OPUS))
}

/// The length of the audio; `None` if the file has none.
pub(super) fn duration(file: &mut File) -> io::Result<Option<SignedDuration>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_PAGE)))?;
    let mut end = Vec::new();
    file.take(LAST_PAGE).read_to_end(&mut end)?;
    Ok(last_granule(&end).map(|samples| SignedDuration::from_millis(samples / PER_MILLISECOND)))
}

fn last_granule(end: &[u8]) -> Option<i64> {
    let page = end.windows(PAGE.len()).rposition(|bytes| bytes == PAGE)?;
    let at = page + GRANULE_AT;
    let granule = end.get(at..at + 8)?;
    let granule = i64::from_le_bytes(granule.try_into().ok()?);
    (granule > 0).then_some(granule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_says_how_long_it_is() {
        let page = |granule: i64| {
            let mut page = b"OggS\0\x04".to_vec();
            page.extend(granule.to_le_bytes());
            page
        };
        let file = [page(0), page(48_000), b"opus".to_vec(), page(96_480)].concat();
        assert_eq!(last_granule(&file), Some(96_480));
        assert_eq!(last_granule(&file[..file.len() - 1]), None);
        assert_eq!(last_granule(b"no audio"), None);
    }

    #[test]
    fn the_first_page_says_what_it_is() {
        let first = |segments: &[u8], packet: &[u8]| {
            let header = [b"OggS\0\x02".as_slice(), &[0; 20]].concat();
            let count = u8::try_from(segments.len()).unwrap();
            [&header, [count].as_slice(), segments, packet].concat()
        };
        assert!(is_opus(&first(&[19], b"OpusHead\x01")));
        assert!(is_opus(&first(&[255; 255], b"OpusHead")));
        assert_eq!(first(&[255; 255], b"OpusHead").len(), HEAD_BYTES);
        for other in [
            b"".as_slice(),
            b"OggS",
            b"<html>",
            b"RIFF",
            &first(&[30], b"\x01vorbis"),
        ] {
            assert!(!is_opus(other), "{other:?}");
        }
    }
}
