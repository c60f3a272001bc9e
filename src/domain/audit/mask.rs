//! Keeps phone numbers, and whatever else a text from outside may hold, out of the audit trail.

use crate::domain::{is_id, recording::FOUND};

/// Characters of the longest identity that is shown.
const LONGEST: usize = 64;
/// So many digits, perhaps with separators between them, may be a phone number.
const DIGITS: usize = 5;

/// An identity without its phone numbers: five digits or more in a row become `***`. Characters that could forge a field
/// or a line become `_`.
pub fn masked(identity: &str) -> String {
    let mut shown = String::new();
    let mut number = String::new();
    for c in identity.chars().take(LONGEST) {
        // A separator belongs to the number before it.
        let is_separator = matches!(c, ' ' | '-' | '.' | '(' | ')' | '/') && !number.is_empty();
        if c.is_numeric() || c == '+' || is_separator {
            number.push(c);
            continue;
        }
        flush(&mut number, &mut shown);
        shown.push(plain(c));
    }
    flush(&mut number, &mut shown);
    shown
}

fn flush(number: &mut String, shown: &mut String) {
    match number.chars().filter(|c| c.is_numeric()).count() {
        DIGITS.. => shown.push_str("***"),
        _ => shown.extend(number.chars().map(plain)),
    }
    number.clear();
}

fn plain(c: char) -> char {
    match c.is_alphanumeric() || "_-.@:+".contains(c) {
        true => c,
        false => '_',
    }
}

/// The ID of a call or recording from a request that was not let in, if it looks like one. Anything else may be a name or a number.
pub fn shown_id(text: &str) -> Option<&str> {
    let prefixes = ["RM_", "EG_", FOUND];
    let is_known = prefixes.iter().any(|prefix| text.starts_with(prefix));
    (is_known && is_id(text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_words_stay() {
        for (identity, shown) in [
            ("sip_+4915112345678", "sip_***"),
            ("sip_+49 (151) 123-456", "sip_***"),
            ("15551234567", "***"),
            ("caller-1555-123-4567-x", "caller-***x"),
            ("agent-AJ_x7k2", "agent-AJ_x7k2"),
            ("desk-2", "desk-2"),
            ("ava@example.com", "ava@example.com"),
            ("a\nb \"c\"", "a_b__c_"),
            ("٠١٢٣٤٥٦", "***"),
        ] {
            assert_eq!(masked(identity), shown, "{identity}");
        }
    }

    #[test]
    fn only_what_looks_like_an_id_is_shown() {
        assert_eq!(shown_id("RM_aB3"), Some("RM_aB3"));
        for other in [
            "desk",
            "+4915112345678",
            "RM_+49",
            "sip_4915112345678",
            "EG_a\n",
        ] {
            assert_eq!(shown_id(other), None, "{other}");
        }
    }
}
