//! The line that somebody types. Before its end, only the beginning that a value must have is shown: a secret that was
//! pasted at the wrong question never appears on the screen.

const BACKSPACE: u8 = 0x08;
const END: u8 = 0x04;
const ERASE_LINE: u8 = 0x15;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;
/// Moves back, overwrites, and moves back again.
const ERASE: &str = "\x08 \x08";
const DOT: char = '•';

/// What happened to the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// It goes on; the text is to be printed.
    More(String),
    /// It is complete.
    Entered,
    /// The input has ended.
    Ended,
}

/// The keys that send several bytes: arrows and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Plain,
    Escaped,
    Sequence,
}

/// A line with its bytes so far.
#[derive(Debug)]
pub(super) struct Line {
    bytes: Vec<u8>,
    key: Key,
    /// How a value begins that is shown while it is typed; of any other, each character is a dot.
    starts: &'static [&'static str],
}

impl Line {
    pub(super) fn new(starts: &'static [&'static str]) -> Line {
        Line {
            bytes: Vec::new(),
            key: Key::Plain,
            starts,
        }
    }

    /// Takes one byte of the input.
    pub(super) fn push(&mut self, byte: u8) -> Typed {
        if self.is_of_key(byte) {
            return Typed::More(String::new());
        }
        let before = self.shown();
        match byte {
            b'\n' | b'\r' => return Typed::Entered,
            END if self.bytes.is_empty() => return Typed::Ended,
            BACKSPACE | DELETE => self.erase_last(),
            ERASE_LINE => self.bytes.clear(),
            ESCAPE => self.key = Key::Escaped,
            ..0x20 => {}
            _ => self.bytes.push(byte),
        }
        let after = self.shown();
        Typed::More(match after.strip_prefix(&before) {
            Some(added) => added.to_owned(),
            None => ERASE.repeat(before.chars().count()) + &after,
        })
    }

    /// What was typed, without blanks around it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }

    /// Whether the byte belongs to a key such as an arrow, which changes nothing.
    fn is_of_key(&mut self, byte: u8) -> bool {
        let is_first = matches!(byte, b'[' | b'O');
        let is_last = (0x40..=0x7e).contains(&byte);
        let (is_of_key, next) = match self.key {
            Key::Plain => (false, Key::Plain),
            Key::Escaped if is_first => (true, Key::Sequence),
            Key::Sequence if !is_last => (true, Key::Sequence),
            Key::Escaped | Key::Sequence => (true, Key::Plain),
        };
        self.key = next;
        is_of_key
    }

    /// Removes the last character with all of its bytes.
    fn erase_last(&mut self) {
        while let Some(byte) = self.bytes.pop() {
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
    }

    /// What of it is on the screen.
    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut starts = self.starts.iter();
        match starts.any(|start| text.starts_with(start) || start.starts_with(&*text)) {
            true => text.into_owned(),
            false => text.chars().map(|_| DOT).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that is printed while this is typed, and the line's text.
    fn typed(starts: &'static [&'static str], input: &str) -> (String, String) {
        let mut line = Line::new(starts);
        let mut printed = String::new();
        for byte in input.bytes() {
            match line.push(byte) {
                Typed::More(text) => printed += &text,
                other => panic!("{other:?}"),
            }
        }
        (printed, line.text())
    }

    #[test]
    fn only_values_with_the_right_beginning_are_shown() {
        let (printed, text) = typed(&["wss://", "ws://"], " wss://a.example ".trim());
        assert_eq!(
            (printed.as_str(), text.as_str()),
            ("wss://a.example", "wss://a.example")
        );
        let (printed, text) = typed(&["wss://"], "w5ecret");
        assert_eq!(printed, format!("w{ERASE}••{}", "•".repeat(5)));
        assert_eq!(text, "w5ecret");
        let (printed, text) = typed(&[], " é9 ");
        assert!(!printed.contains(['é', '9']), "{printed}");
        assert_eq!(text, "é9");
    }

    #[test]
    fn corrections_and_other_keys_work() {
        let (printed, text) = typed(&["wss://"], "wsx\x7fs\x1b[D\x1bOC\x1b[3~\t");
        assert_eq!(text, "wss");
        assert!(
            printed.ends_with("wss") || printed.ends_with('s'),
            "{printed:?}"
        );
        assert_eq!(typed(&[], "aé\x7f\x7f\x7fb").1, "b");
        assert_eq!(typed(&[], "abc\x15d").1, "d");
        let mut line = Line::new(&[]);
        assert_eq!(line.push(END), Typed::Ended);
        line.push(b'a');
        assert_eq!(line.push(END), Typed::More(String::new()));
        assert_eq!(line.push(b'\n'), Typed::Entered);
    }
}
