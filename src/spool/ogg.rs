//! What an Ogg Opus file says of itself: its codec in its first page, its length in its last one (RFC 3533, RFC 7845).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use jiff::SignedDuration;

/// Bytes of the longest page: its header with 255 segments of 255 bytes.
const LONGEST_PAGE: u64 = 27 + 255 + 255 * 255;
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
/// The position in that packet of the pre-skip: how many samples at the beginning are not played.
const PRE_SKIP_AT: usize = OPUS.len() + 2;

/// Bytes from the beginning of a file that say whether it is Ogg Opus, and its pre-skip: a page's header with the most segments,
/// and the beginning of its packet.
pub const HEAD_BYTES: usize = SEGMENTS_AT + 1 + 255 + PRE_SKIP_AT + 2;

/// Whether a file that begins like this is Ogg Opus.
pub fn is_opus(head: &[u8]) -> bool {
    let packet = first_packet(head);
    head.starts_with(PAGE) && packet.is_some_and(|packet| packet.starts_with(OPUS))
}

fn first_packet(head: &[u8]) -> Option<&[u8]> {
    let segments = usize::from(*head.get(SEGMENTS_AT)?);
    head.get(SEGMENTS_AT + 1 + segments..)
}

/// The length of the audio that can be played; `None` if the file has none. A last page that is cut off does not count.
pub(super) fn duration(file: &mut File) -> io::Result<Option<SignedDuration>> {
    let length = file.metadata()?.len();
    let head = read_at(file, 0, HEAD_BYTES as u64)?;
    // A complete page, and one that may be cut off.
    let last = 2 * LONGEST_PAGE;
    let end = read_at(file, length.saturating_sub(last), last)?;
    let samples = last_granule(&end).map(|granule| granule - pre_skip(&head));
    let samples = samples.filter(|samples| *samples > 0);
    Ok(samples.map(|samples| {
        SignedDuration::from_millis((samples + PER_MILLISECOND / 2) / PER_MILLISECOND)
    }))
}

fn read_at(file: &mut File, from: u64, at_most: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(at_most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn pre_skip(head: &[u8]) -> i64 {
    let packet = first_packet(head).unwrap_or_default();
    match packet.get(PRE_SKIP_AT..PRE_SKIP_AT + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]).into(),
        _ => 0,
    }
}

/// The granule position of the last page that is complete and in which a packet ends.
fn last_granule(end: &[u8]) -> Option<i64> {
    let mut rest = end;
    while let Some(at) = rest.windows(PAGE.len()).rposition(|bytes| bytes == PAGE) {
        if let Some(granule) = granule(&end[at..]) {
            return Some(granule);
        }
        rest = &end[..at];
    }
    None
}

/// The granule position of the page that begins here; `None` if it is cut off, or no packet ends in it.
fn granule(page: &[u8]) -> Option<i64> {
    let granule = page.get(GRANULE_AT..GRANULE_AT + 8)?;
    let granule = i64::from_le_bytes(granule.try_into().ok()?);
    let body = SEGMENTS_AT + 1 + usize::from(*page.get(SEGMENTS_AT)?);
    let segments = page.get(SEGMENTS_AT + 1..body)?;
    let bytes: usize = segments.iter().copied().map(usize::from).sum();
    let is_complete = page.len() >= body + bytes;
    (is_complete && granule >= 0).then_some(granule)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with one packet.
    fn page(granule: i64, packet: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0\0".to_vec();
        page.extend(granule.to_le_bytes());
        page.extend([0; 12]);
        page.extend([1, u8::try_from(packet.len()).unwrap()]);
        page.extend(packet);
        page
    }

    #[test]
    fn the_last_complete_page_says_how_long_it_is_wherever_the_file_is_cut_off() {
        let head = page(0, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0");
        let pages = [
            head.clone(),
            page(0, b"OpusTags"),
            page(312 + 48_000, &[7; 200]),
            page(-1, &[7; 9]),
            page(312 + 96_024, &[7; 100]),
        ];
        let ends: Vec<usize> = pages
            .iter()
            .scan(0, |end, page| {
                *end += page.len();
                Some(*end)
            })
            .collect();
        let whole = pages.concat();
        for cut in 0..=whole.len() {
            let mut file = tempfile::tempfile().unwrap();
            io::Write::write_all(&mut file, &whole[..cut]).unwrap();
            let expected = match cut {
                _ if cut >= ends[4] => Some(2001),
                _ if cut >= ends[2] => Some(1000),
                _ => None,
            };
            let length = duration(&mut file).unwrap().map(|it| it.as_millis());
            assert_eq!(length, expected, "cut off at {cut}");
        }
        assert_eq!(pre_skip(&head), 312);
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
        assert_eq!(
            first(&[255; 255], b"OpusHead\x01\x02\x38\x01").len(),
            HEAD_BYTES
        );
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
