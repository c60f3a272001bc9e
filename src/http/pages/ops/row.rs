//! A call as a row of the list.

use maud::{Markup, html};

use super::marks;
use crate::{
    domain::{Call, nanoseconds::seconds, people},
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
                    td.select { input type="checkbox" name="call" value=(call.id) form="selection" aria-label={ "Select " (name(call)) }; }
                }
                td.when { (marks::time(call.started_at())) }
                td.status { (marks::status(call.status())) }
                th.room scope="row" { a href=(address) { (name(call)) } }
                td.caller { @if let Some(caller) = people::caller(call) { (marks::private(&caller)) } }
                td.agent { (people::agent(call).unwrap_or_default()) }
                td.number { (marks::length(call.duration().map(seconds))) }
                td.deliveries { (self.deliveries()) }
                td.reason { (self.reason()) }
            }
        }
    }

    /// Those that need somebody, or wait.
    fn deliveries(&self) -> Markup {
        html! {
            @for one in self.outstanding {
                span class={ "pill " (marks::delivery_tone(one.state.as_str())) } data-delivery=(one.state.as_str()) title=(one.last_error.as_deref().unwrap_or_default()) {
                    (marks::sink_name(one.key.sink)) " " (one.state.as_str())
                }
            }
        }
    }

    fn reason(&self) -> String {
        reason(self.call, self.outstanding)
    }
}

/// The room's name without a number in it; what is unnamed has its ID.
pub(super) fn name(call: &Call) -> String {
    match call.room_name.is_empty() {
        true => call.id.to_string(),
        false => marks::room_name(&call.room_name),
    }
}

/// What is wrong with a call, in one line: what the row says, or why somebody is needed.
fn reason(call: &Call, outstanding: &[Outstanding]) -> String {
    let error = call.error();
    let needs_somebody = |one: &&Outstanding| one.state != DeliveryState::Pending;
    let mut waiting = outstanding.iter().filter(needs_somebody);
    let mut delivery = || waiting.find_map(|one| one.last_error.clone());
    let text = match error.is_empty() {
        true => delivery().unwrap_or_default(),
        false => error,
    };
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
