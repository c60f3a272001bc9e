//! Repairs JSON that only some libraries accept.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The maximum depth. Deeper values are not words.
const DEEPEST: usize = 64;
/// Shorter numbers without an exponent are never out of range.
const LONG_NUMBER: usize = 300;

/// The text if it is JSON, or can be repaired: `NaN`, `Infinity`, numbers out of range and values that are nested very deep
/// become `null`, unpaired surrogates become U+FFFD, and control characters in strings are escaped. JSON values one after
/// the other, such as lines, become a list.
pub(super) fn json(text: &str) -> Option<Cow<'_, str>> {
    // The parser does not check escaped surrogates until the text is read, and skipped numbers not at all.
    let surrogates = text.contains("\\ud") || text.contains("\\uD");
    if !surrogates && is_json(text) && !is_extreme(text) {
        return Some(text.into());
    }
    let repaired = Repair::default().repaired(text);
    match is_json(&repaired) {
        true => Some(repaired.into()),
        false => listed(&repaired).map(Cow::from),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The list of several values; the last one may be incomplete.
fn listed(text: &str) -> Option<String> {
    let mut list = String::with_capacity(text.len() + 16);
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut count = 0;
    while let Some(Ok(value)) = values.next() {
        if !value.get().starts_with(['{', '[']) {
            return None;
        }
        list.push(if count == 0 { '[' } else { ',' });
        list.push_str(value.get());
        count += 1;
    }
    let rest = text[values.byte_offset()..].trim_start();
    let is_cut = rest.is_empty() || rest.starts_with(['{', '[']) && !rest.contains('\n');
    list.push(']');
    (count > 1 && is_cut || count == 1 && is_cut && !rest.is_empty()).then_some(list)
}

/// Whether valid JSON may have a number out of range or is nested very deep.
fn is_extreme(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped, mut number) = (0_usize, false, false, 0);
    for byte in text.bytes() {
        if in_string {
            match (escaped, byte) {
                (true, _) => escaped = false,
                (false, b'\\') => escaped = true,
                (false, b'"') => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        number = match byte {
            b'0'..=b'9' | b'.' => number + 1,
            b'e' | b'E' if number > 0 => return true,
            _ => 0,
        };
        if depth > DEEPEST || number > LONG_NUMBER {
            return true;
        }
    }
    false
}

/// The repaired text so far.
#[derive(Default)]
struct Repair {
    text: String,
    depth: usize,
}

impl Repair {
    fn repaired(mut self, text: &str) -> String {
        self.text.reserve(text.len());
        let (mut rest, mut in_string) = (text, false);
        while !rest.is_empty() {
            let stop = |c: char| match in_string {
                true => c == '"' || c == '\\' || c < ' ',
                false => matches!(c, '"' | 'N' | 'I' | '-' | '[' | ']' | '{' | '}' | '0'..='9'),
            };
            let at = rest.find(stop).unwrap_or(rest.len());
            self.push(&rest[..at]);
            rest = &rest[at..];
            let Some(first) = rest.chars().next() else {
                break;
            };
            let length = match first {
                '"' => {
                    in_string = !in_string;
                    self.push("\"");
                    1
                }
                '\\' => self.escape(rest),
                c if in_string => {
                    self.push(&format!("\\u{:04x}", u32::from(c)));
                    1
                }
                c => self.token(c, rest),
            };
            rest = &rest[length..];
        }
        self.text
    }

    fn push(&mut self, text: &str) {
        if self.depth <= DEEPEST {
            self.text.push_str(text);
        }
    }

    /// Copies the bracket, the number or the name at the beginning of `rest`. Returns its length in bytes.
    fn token(&mut self, first: char, rest: &str) -> usize {
        let mut names = ["NaN", "Infinity", "-Infinity", "-NaN"].iter();
        if let Some(name) = names.find(|name| rest.starts_with(**name)) {
            self.push("null");
            return name.len();
        }
        match first {
            '[' | '{' => {
                // The list in which the deeper values would be.
                if self.depth == DEEPEST {
                    self.push("null");
                }
                self.depth += 1;
                self.push(&rest[..1]);
                1
            }
            ']' | '}' => {
                self.push(&rest[..1]);
                self.depth = self.depth.saturating_sub(1);
                1
            }
            '-' | '0'..='9' => self.number(rest),
            _ => {
                self.push(&rest[..1]);
                1
            }
        }
    }

    fn number(&mut self, rest: &str) -> usize {
        let part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let number = &rest[..length];
        match number.parse::<f64>() {
            Ok(value) if value.is_infinite() => self.push("null"),
            _ => self.push(number),
        }
        length
    }

    /// Copies the escape at the beginning of `rest`. Returns its length in bytes.
    fn escape(&mut self, rest: &str) -> usize {
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
            let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| hex)
        };
        let length = match unit(0) {
            Some(0xD800..=0xDBFF) if matches!(unit(6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                self.push("\u{FFFD}");
                return 6;
            }
            Some(_) => 6,
            None => match rest[1..].chars().next() {
                Some(c) if "\"\\/bfnrtu".contains(c) => 2,
                // Not a valid escape: the backslash is literal.
                _ => {
                    self.push("\\\\");
                    return 1;
                }
            },
        };
        self.push(&rest[..length]);
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_lenient_libraries_is_read() {
        let cases = [
            (
                r#"{"a":"x\ud800y\udc00"}"#,
                "{\"a\":\"x\u{FFFD}y\u{FFFD}\"}",
            ),
            (
                r#"{"a":"\ud83d\ude00\uD83D"}"#,
                "{\"a\":\"\\ud83d\\ude00\u{FFFD}\"}",
            ),
            (
                r#"[NaN,Infinity,-Infinity,-1,"NaN \" -Infinity"]"#,
                r#"[null,null,null,-1,"NaN \" -Infinity"]"#,
            ),
            ("[\"a\nb\tc\"]", "[\"a\\u000ab\\u0009c\"]"),
            (r#"["it\'s C:\x"]"#, r#"["it\\'s C:\\x"]"#),
            (r#"["\\ud800"]"#, r#"["\\ud800"]"#),
        ];
        for (text, wanted) in cases {
            assert_eq!(json(text).as_deref(), Some(wanted), "{text}");
            assert!(
                serde_json::from_str::<serde_json::Value>(wanted).is_ok(),
                "{wanted}"
            );
        }
        for text in ["", "hello", "{\"a\":oops}", "[\"\\ud8", "\"\\"] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_very_deep_values_become_null() {
        let wide = "9".repeat(400);
        for (text, wanted) in [
            (
                r#"{"a":1e999,"b":[-2E400,1e3]}"#.to_owned(),
                r#"{"a":null,"b":[null,1e3]}"#,
            ),
            (format!("[{wide},-{wide}.5]"), "[null,null]"),
            (r#"["1e999",1.5]"#.to_owned(), r#"["1e999",1.5]"#),
        ] {
            assert_eq!(json(&text).as_deref(), Some(wanted), "{text}");
        }
        let deep = format!(
            "{{\"a\":{}\"]\"{},\"b\":1}}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        let flat = format!("{{\"a\":{}null{},\"b\":1}}", "[".repeat(63), "]".repeat(63));
        assert_eq!(json(&deep).as_deref(), Some(flat.as_str()));
    }

    #[test]
    fn values_one_after_the_other_are_a_list() {
        for (text, wanted) in [
            ("{\"a\":1}\n{\"b\":NaN}\n", r#"[{"a":1},{"b":null}]"#),
            ("{\"a\":1}\r\n\r\n{\"b\":2}", r#"[{"a":1},{"b":2}]"#),
            ("{\"a\":1}{\"b\":2}", r#"[{"a":1},{"b":2}]"#),
            ("{\"a\":1}\n{\"b\":2}\n{\"c\":\"x", r#"[{"a":1},{"b":2}]"#),
        ] {
            assert_eq!(json(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["1 2", "{\"a\":1} x", "[\n{\"a\":1},\n{\"b\""] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_repaired_or_refused(parts in proptest::collection::vec(proptest::sample::select(vec![
            "\"", "\\", "\\u", "d83d", "\\ud83d", "\\ude00", "NaN", "-Inf", "Infinity", "é", "[", "]", "{", "}", ":", ",", "\n", "1",
        ]), 0..20)) {
            let text = parts.concat();
            if let Some(json) = json(&text) {
                serde_json::from_str::<serde_json::Value>(&json).unwrap();
            }
        }
    }
}
