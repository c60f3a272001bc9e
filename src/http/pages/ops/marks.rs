//! Small parts of pages: statuses, times, numbers that are hidden until somebody asks.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    domain::{Sink, Status},
    store::DeliveryState,
    view::utc_seconds,
};

/// Digits in a row that may be a phone number.
const MANY: usize = 5;

/// A call's status.
pub(super) fn status(status: Status) -> Markup {
    let tone = match status {
        Status::Live => "busy",
        Status::Processing => "warn",
        Status::Complete => "good",
        Status::NoRecording => "calm",
        Status::Failed => "bad",
    };
    html! { span class={ "pill " (tone) } data-status=(status.as_str()) { (status.label()) } }
}

/// A delivery's state.
pub(super) fn delivery_state(state: DeliveryState) -> Markup {
    html! { span class={ "pill " (delivery_tone(state.as_str())) } data-delivery=(state.as_str()) { (state.as_str()) } }
}

/// The class of a delivery's state.
pub(super) fn delivery_tone(state: &str) -> &'static str {
    match state {
        "done" => "good",
        "parked" => "warn",
        "dead" => "bad",
        _ => "calm",
    }
}

/// A sink as people call it.
pub(super) fn sink_name(sink: Sink) -> &'static str {
    match sink {
        Sink::Egress => "LiveKit",
        Sink::Storage => "Bucket",
        Sink::Airtable => "Airtable",
        Sink::Mirror => "Mirror",
    }
}

/// A text in which names of settings and commands stand between backticks.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (n, part) in text.split('`').enumerate() {
            @if n % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A time in UTC, to the second.
pub(super) fn time(at: Option<Timestamp>) -> Markup {
    html! {
        @match at {
            Some(at) => time datetime=(at) { (utc_seconds(at)) },
            None => span.none { "–" },
        }
    }
}

/// A name or number that is hidden until somebody asks for it.
pub(super) fn private(text: &str) -> Markup {
    html! { span.private.veiled tabindex="0" role="button" title="Hidden: click to show" data-private { (text) } }
}

/// The name of a room where it may be asked for: hidden if it has a number in it that [`room_name`] does not show.
pub(super) fn room(name: &str) -> Markup {
    match room_name(name) == name {
        true => html! { (name) },
        false => private(name),
    }
}

/// The name of a room without the number of a caller: five digits or more in a row, but for the last two, become dots.
pub(super) fn room_name(name: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for c in name.chars().chain(['\0']) {
        if c.is_numeric() {
            digits.push(c);
            continue;
        }
        let count = digits.chars().count();
        match count {
            MANY.. => {
                shown.push_str("•••");
                shown.extend(digits.chars().skip(count - 2));
            }
            _ => shown.push_str(&digits),
        }
        digits.clear();
        shown.push(c);
    }
    // The end that was added.
    shown.pop();
    shown
}

/// A length like `1:02:03`; without hours `2:03`.
pub(super) fn length(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else {
        return "–".to_owned();
    };
    let seconds = seconds.round() as i64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        hours => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

/// A count with thousands set apart: `12 345`.
pub(super) fn count(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digit.is_ascii_digit() && (digits.len() - at).is_multiple_of(3) && text != "-"
        {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_that_are_named_after_a_number_do_not_show_it() {
        for (name, shown) in [
            ("call-+15551234567", "call-+•••67"),
            ("call-1234_x", "call-1234_x"),
            ("12345", "•••45"),
            ("desk", "desk"),
            ("", ""),
        ] {
            assert_eq!(room_name(name), shown);
        }
    }

    #[test]
    fn lengths_and_counts_are_short() {
        assert_eq!(length(None), "–");
        assert_eq!(length(Some(61.4)), "1:01");
        assert_eq!(length(Some(3723.0)), "1:02:03");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(-123_456), "-123\u{202f}456");
    }
}
