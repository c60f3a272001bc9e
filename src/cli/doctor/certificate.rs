//! When a certificate expires: the one field of X.509 that is read here.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
/// The version, which stands before the serial number in all but the oldest certificates.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;

/// `notAfter` of a certificate in DER; `None`: it cannot be read.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, fields, _) = element(certificate)?;
    let (tag, _, after_first) = element(fields)?;
    // The serial number, then the algorithm, then the issuer.
    let fields = if tag == VERSION { after_first } else { fields };
    let rest = (0..3).try_fold(fields, |rest, _| Some(element(rest)?.2))?;
    let (_, validity, _) = element(rest)?;
    let (_, _, after_begin) = element(validity)?;
    let (tag, text, _) = element(after_begin)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The tag, the content and what follows of the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let add =
                |length: usize, byte: &u8| length.checked_mul(256)?.checked_add((*byte).into());
            (bytes.iter().try_fold(0, add)?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, or with four digits of the year.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let full = match tag {
        // Until 2049 (RFC 5280).
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => text.to_owned(),
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", full).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut der = vec![tag, 0x82];
        der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        [der, content.to_vec()].concat()
    }

    #[test]
    fn the_end_of_the_validity_is_read() {
        let validity = [
            nested(UTC_TIME, b"260101000000Z"),
            nested(UTC_TIME, b"261129120000Z"),
        ];
        let fields = [
            nested(VERSION, &[2, 1, 2]),
            nested(2, &[1]),
            nested(SEQUENCE, &[]),
            nested(SEQUENCE, &[]),
            nested(SEQUENCE, &validity.concat()),
        ];
        let certificate = nested(SEQUENCE, &nested(SEQUENCE, &fields.concat()));
        let expected = "2026-11-29T12:00:00Z".parse().ok();
        assert_eq!(not_after(&certificate), expected);
        assert_eq!(not_after(&certificate[..30]), None);
        assert_eq!(not_after(b""), None);
    }
}
