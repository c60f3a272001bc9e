//! A call as a row of the list.

use maud::{Markup, html};

use super::{explained::explained, marks};
use crate::{
    domain::{Call, Sink, nanoseconds::seconds, people},
    store::{DeliveryState, Outstanding},
};

/// Characters of a reason that are shown in the list; its page has all of it.
const REASON: usize = 160;

/// What the list shows of a call.
pub(super) struct Row<'a> {
    pub(super) call: &'a Call,
    /// Its deliveries that are not done.
    pub(super) outstanding: &'a [Outstanding],
    pub(super) selection: Selection,
}

/// Whether calls can be selected for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    Offered,
    None,
}

impl Row<'_> {
    /// The row; `root`: the way to the root of the service.
    pub(super) fn markup(&self, root: &str) -> Markup {
        let call = self.call;
        let address = format!("{root}ops/calls/{}", call.id);
        html! {
            tr data-call=(call.id) id={ "call-" (call.id) } {
                @if self.selection == Selection::Offered {
                    td.select { input type="checkbox" name="call" value=(call.id) form="selection" disabled[self.outstanding.is_empty()] aria-label={ "Select " (name(call)) }; }
                }
                td.when { (marks::time(call.started_at())) }
                td.status { (marks::status(call.status())) }
                th.room scope="row" { a href=(address) { (name(call)) } }
                td.caller { @if let Some(caller) = people::caller(call) { (marks::private(&caller)) } }
                td.agent { (people::agent(call).unwrap_or_default()) }
                td.number { (marks::length(call.duration().map(seconds))) }
                td.deliveries { (self.deliveries()) }
                (self.reason())
            }
        }
    }

    /// Those that need somebody, or wait; several of one kind as one, because a call may have many recordings.
    fn deliveries(&self) -> Markup {
        let mut kinds: Vec<(&Outstanding, usize)> = Vec::new();
        for one in self.outstanding {
            let same = |other: &&mut (&Outstanding, usize)| {
                other.0.key.sink == one.key.sink && other.0.state == one.state
            };
            match kinds.iter_mut().find(same) {
                Some((_, count)) => *count += 1,
                None => kinds.push((one, 1)),
            }
        }
        html! {
            @for (one, count) in kinds {
                span class={ "pill " (marks::delivery_tone(one.state.as_str())) } data-delivery=(one.state.as_str()) title=(one.last_error.as_deref().unwrap_or("Queued: it is sent when it is its turn")) {
                    (marks::sink_name(one.key.sink)) " " (one.state.as_str()) @if count > 1 { " × " (count) }
                }
            }
        }
    }

    /// What is wrong with the call, else why it has its status; then which delivery waits, and why.
    fn reason(&self) -> Markup {
        let error = self.call.error();
        let wrong = shortened(&error);
        let waits = waits(self.outstanding, &error).map(|text| shortened(&text));
        html! {
            @match (wrong.as_str(), explained(self.call), waits) {
                ("", Some(why), None) => td.reason data-note { (why) },
                ("", Some(why), Some(waits)) => td.reason { (why) p.waits { (waits) } },
                ("", None, waits) => td.reason { (waits.unwrap_or_default()) },
                (wrong, _, Some(waits)) => td.reason { (wrong) p.waits { (waits) } },
                (wrong, _, None) => td.reason { (wrong) },
            }
        }
    }
}

/// The room's name without a number in it; what is unnamed has its ID.
pub(super) fn name(call: &Call) -> String {
    match call.room_name.is_empty() {
        true => call.id.to_string(),
        false => marks::room_name(&call.room_name),
    }
}

/// The first line; with the next one, if it only announces that.
fn first_sentence(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    match lines.next().filter(|_| first.ends_with(':')) {
        Some(second) => format!("{first} {second}"),
        None => first.to_owned(),
    }
}

/// Why a delivery is not done, unless that is `said`; those that need somebody come first.
fn waits(outstanding: &[Outstanding], said: &str) -> Option<String> {
    // What is wrong with the recording's object is wrong with the call.
    let repeats = |one: &Outstanding| one.key.sink == Sink::Storage && !said.is_empty();
    let mut failed: Vec<&Outstanding> = outstanding.iter().filter(|it| !repeats(it)).collect();
    failed.sort_by_key(|one| one.state == DeliveryState::Pending);
    failed.into_iter().find_map(|one| {
        let error = one.last_error.as_deref().filter(|it| !said.contains(it))?;
        Some(format!("{}: {error}", marks::sink_name(one.key.sink)))
    })
}

/// A text in one line of the list.
fn shortened(text: &str) -> String {
    let line = first_sentence(text);
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_announces_another_is_not_shown_alone() {
        assert_eq!(
            first_sentence("Others:\nEG_1: lost\nEG_2: lost"),
            "Others: EG_1: lost"
        );
        assert_eq!(first_sentence("It failed.\nMore."), "It failed.");
        assert_eq!(first_sentence("Others:"), "Others:");
        assert_eq!(first_sentence(""), "");
    }
}
