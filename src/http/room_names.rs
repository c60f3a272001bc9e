//! Possible spellings of a room's name. In a query, `+` means a blank, but some senders do not encode the `+` of a phone
//! number.

use url::form_urlencoded;

use super::App;
use crate::{
    domain::{Claim, with_blanks},
    store,
};

/// The minimum number of digits in a phone number.
const SHORTEST_NUMBER: usize = 7;

/// The name of a query, and the names that it may stand for if it has blanks; `query`: the raw query.
pub(super) fn names(name: &str, query: Option<&str>) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    if !name.contains(' ') {
        return names;
    }
    let literal = query
        .map(|query| query.replace('+', "%2B"))
        .unwrap_or_default();
    let literal = form_urlencoded::parse(literal.as_bytes());
    let literal = literal.filter(|(key, value)| {
        let is_room = ["room", "room_name"].contains(&key.as_ref());
        is_room && with_blanks(value) == name
    });
    let literal = literal.map(|(_, value)| value.into_owned());
    let guesses = [before_digits(name), name.replace(' ', "+")];
    for reading in literal.chain(guesses) {
        if !names.contains(&reading) {
            names.push(reading);
        }
    }
    names
}

/// The first of several names that a call has on which the sender may act.
pub(super) async fn known<'a>(
    app: &App,
    names: impl Iterator<Item = &'a str>,
    claim: &Claim,
) -> Result<Option<&'a str>, store::Error> {
    for name in names {
        if !app.store.calls_named(name, claim, 1).await?.is_empty() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The name with `+` for its blanks, if one of them was probably the `+` of a phone number.
pub(super) fn with_number(name: &str) -> Option<String> {
    let mut blanks = name.match_indices(' ');
    blanks
        .any(|(at, _)| {
            let digits = name[at + 1..].bytes().take_while(u8::is_ascii_digit);
            digits.count() >= SHORTEST_NUMBER
        })
        .then(|| before_digits(name))
}

/// The name with `+` for each blank before a digit.
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
        assert_eq!(names("desk", None), ["desk"]);
        assert_eq!(names("call- 1555", None), ["call- 1555", "call-+1555"]);
        let query = Some("room=my%20desk+1555&x=1");
        assert_eq!(names("my desk 1555", query)[1], "my desk+1555");
        assert_eq!(with_number("call- 15550100"), Some("call-+15550100".into()));
        assert_eq!(with_number("desk 12"), None);
    }
}
