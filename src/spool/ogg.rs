//! The length of an Ogg Opus file, which is in its last page (RFC 3533, RFC 7845).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use jiff::SignedDuration;

/// Bytes at the end of a file that contain the beginning of its last page.
const LAST_PAGE: u64 = 64 << 10;
/// The position of an Ogg page's granule position, which counts samples.
const GRANULE_AT: usize = 6;
/// Samples of Opus per millisecond, whatever the rate of the sound was.
const PER_MILLISECOND: i64 = 48;

/// The length of the audio; `None` if the file does not say it.
pub(super) fn duration(file: &mut File) -> io::Result<Option<SignedDuration>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_PAGE)))?;
    let mut end = Vec::new();
    file.take(LAST_PAGE).read_to_end(&mut end)?;
    Ok(last_granule(&end).map(|samples| SignedDuration::from_millis(samples / PER_MILLISECOND)))
}

fn last_granule(end: &[u8]) -> Option<i64> {
    let page = end.windows(4).rposition(|bytes| bytes == b"OggS")?;
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
}
