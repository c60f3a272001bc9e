//! The name of a room as a sender may have meant it: in a query `+` means a blank, and senders who do not know that write
//! the `+` of a telephone number.

use url::form_urlencoded;

/// How many digits follow the `+` of a telephone number at least.
const SHORTEST_NUMBER: usize = 7;

/// What a name with blanks may mean besides itself; `query`: as it was sent.
pub(super) fn readings(name: &str, query: Option<&str>) -> Vec<String> {
    if !name.contains(' ') {
        return Vec::new();
    }
    let literal = query
        .map(|query| query.replace('+', "%2B"))
        .unwrap_or_default();
    let literal = form_urlencoded::parse(literal.as_bytes());
    let literal = literal.filter(|(key, value)| {
        let is_room = ["room", "room_name", "room_id"].contains(&key.as_ref());
        is_room && value.replace('+', " ") == name
    });
    let mut readings: Vec<String> = literal.map(|(_, value)| value.into_owned()).collect();
    readings.extend([before_digits(name), name.replace(' ', "+")]);
    readings.retain(|reading| reading != name);
    readings
}

/// A name whose blank must have been the `+` of a telephone number.
pub(super) fn with_number(name: &str) -> Option<String> {
    let mut blanks = name.match_indices(' ');
    blanks
        .any(|(at, _)| {
            let digits = name[at + 1..].bytes().take_while(u8::is_ascii_digit);
            digits.count() >= SHORTEST_NUMBER
        })
        .then(|| before_digits(name))
}

/// With `+` for each blank before a digit.
fn before_digits(name: &str) -> String {
    let mut after = name.chars().skip(1);
    let meant = name.chars().map(|c| match after.next() {
        Some(next) if c == ' ' && next.is_ascii_digit() => '+',
        _ => c,
    });
    meant.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_may_have_been_a_plus() {
        assert_eq!(readings("desk", None), Vec::<String>::new());
        assert_eq!(readings("call- 1555", None), ["call-+1555", "call-+1555"]);
        let query = Some("room=my%20desk+1555&x=1");
        assert_eq!(readings("my desk 1555", query)[0], "my desk+1555");
        assert_eq!(with_number("call- 15550100"), Some("call-+15550100".into()));
        assert_eq!(with_number("desk 12"), None);
    }
}
