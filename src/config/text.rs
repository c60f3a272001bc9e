//! The text of files that people wrote with any editor, on any system.

/// The text of a file: UTF-8 or UTF-16, with or without a byte order mark, and with `\n` at the ends of its lines.
///
/// # Errors
/// The reason why it is not a text, without anything of it.
pub(super) fn decode(bytes: &[u8]) -> Result<String, &'static str> {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?,
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        // A name in ASCII begins the file, so one of its first two bytes is zero in UTF-16.
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes)?,
        [0, _, ..] => utf16(bytes, u16::from_be_bytes)?,
        _ => utf8(bytes)?,
    };
    match text.contains('\0') {
        true => Err("contains NUL characters: save it as UTF-8"),
        false => Ok(text.replace("\r\n", "\n").replace('\r', "\n")),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|_| "is not UTF-8: save it as UTF-8")
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, &'static str> {
    const BROKEN: &str = "is not valid UTF-16: save it as UTF-8";
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(BROKEN);
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).map_err(|_| BROKEN)
}

#[cfg(test)]
mod tests {
    use super::decode;

    /// `text` in UTF-16, with a byte order mark in front.
    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_of_editors_is_read() {
        let (text, expected) = ("A=ü\r\nB=2\rC=3\n", Ok("A=ü\nB=2\nC=3\n".to_owned()));
        assert_eq!(decode(text.as_bytes()), expected);
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes()), expected);
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes = utf16(text, bytes);
            assert_eq!(decode(&bytes), expected);
            assert_eq!(decode(&bytes[2..]), expected, "without a mark");
        }
        assert_eq!(decode(b""), Ok(String::new()));
    }

    #[test]
    fn anything_else_is_refused() {
        let wrong: [&[u8]; 5] = [
            b"A=\xfc\n",
            b"A=1\0",
            b"\xff\xfeA",
            b"\xff\xfe\x00\xd8",
            b"\xff\xfe\0\0A\0\0\0",
        ];
        for bytes in wrong {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
