//! Everything that was received of a call and every attempt to deliver it, in one order of time.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{marks, message};
use crate::{
    domain::Sink,
    store::{CallMessage, Delivery, DeliveryState, MessageOutcome},
    view::AttemptView,
};

/// Messages of one page of the timeline.
pub(super) const PAGE: i64 = 500;

/// Something that happened.
struct Moment<'a> {
    at: Timestamp,
    what: What<'a>,
}

enum What<'a> {
    Received(&'a CallMessage),
    Attempt {
        sink: Sink,
        item: &'a str,
        state: DeliveryState,
        attempt: AttemptView<'a>,
    },
}

/// The messages of a page, and all attempts; those between its messages are shown.
pub(super) struct Timeline<'a> {
    moments: Vec<Moment<'a>>,
    /// After which message the next page begins.
    next: Option<&'a str>,
}

impl<'a> Timeline<'a> {
    /// `messages`: at most a page of them, after those of the pages before.
    pub(super) fn new(
        messages: &'a [CallMessage],
        deliveries: &'a [Delivery],
        after: &str,
    ) -> Timeline<'a> {
        let is_full = messages.len() as i64 == PAGE;
        let next = messages.last().filter(|_| is_full);
        let from = messages.first().filter(|_| !after.is_empty());
        let received = messages.iter().map(|message| Moment {
            at: message.received_at,
            what: What::Received(message),
        });
        let attempts = deliveries.iter().flat_map(attempts).filter(|moment| {
            from.is_none_or(|from| moment.at >= from.received_at)
                && next.is_none_or(|next| moment.at < next.received_at)
        });
        let mut moments: Vec<Moment<'a>> = received.chain(attempts).collect();
        moments.sort_by_key(|moment| moment.at);
        Timeline {
            moments,
            next: next.map(|message| message.id.as_str()),
        }
    }

    /// As a table; `address`: of the call's page.
    pub(super) fn markup(&self, address: &str) -> Markup {
        let befores = [None]
            .into_iter()
            .chain(self.moments.iter().map(|it| Some(it.at)));
        html! {
            div.scroll tabindex="0" role="region" aria-label="Messages and attempts" {
                table.cards.moments {
                    thead { tr {
                        th scope="col" { "Time (UTC)" }
                        th.number scope="col" { "Gap" }
                        th scope="col" { "From or to" }
                        th scope="col" { "What" }
                        th scope="col" { "Result" }
                    } }
                    tbody {
                        @for (moment, before) in self.moments.iter().zip(befores) {
                            (moment.row(before))
                        }
                    }
                }
            }
            @if let Some(next) = self.next {
                p { a.button href={ (address) "?after=" (next) "#timeline" } { "Later messages" } }
            }
        }
    }
}

fn attempts(delivery: &Delivery) -> impl Iterator<Item = Moment<'_>> {
    delivery.history.iter().map(|attempt| Moment {
        at: attempt.at,
        what: What::Attempt {
            sink: delivery.key.sink,
            item: &delivery.key.item,
            state: attempt.state,
            attempt: AttemptView::new(delivery, attempt),
        },
    })
}

impl Moment<'_> {
    fn row(&self, before: Option<Timestamp>) -> Markup {
        let gap = before.map(|before| self.at.duration_since(before).as_millis());
        let clock = self.at.strftime("%H:%M:%S.%3f").to_string();
        html! {
            tr class=(self.class()) {
                td.when { time datetime=(self.at) title=(self.at.strftime("%Y-%m-%d")) { (clock) } }
                td.number.gap { @if let Some(gap) = gap { (gap_text(gap)) } }
                @match &self.what {
                    What::Received(message) => (received(message)),
                    What::Attempt { sink, item, state, attempt } => {
                        td { "→ " (marks::sink_name(*sink)) }
                        td { "Attempt" @if !item.is_empty() { " " code { (item) } } @if let Some(took) = attempt.took() { span.hint { " · " (took) } } }
                        td {
                            (marks::delivery_state(*state)) " "
                            span.answer { (attempt.result()) }
                            @if let Some(status) = attempt.http_status { span.hint { " · HTTP " (status) } }
                            @if let Some(next) = attempt.next_at.filter(|_| *state == DeliveryState::Pending) {
                                " " span.hint { "next try " (marks::time(Some(next))) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn class(&self) -> &'static str {
        match &self.what {
            What::Received(_) => "received",
            What::Attempt {
                state: DeliveryState::Done,
                ..
            } => "attempt",
            What::Attempt { .. } => "attempt failed",
        }
    }
}

fn received(message: &CallMessage) -> Markup {
    let described = message::describe(message);
    html! {
        td { (described.from) }
        td {
            (described.what)
            @for detail in &described.details { " " code { (detail) } }
            @if let Some(person) = &described.person { " " (marks::private(person)) }
            @if let Some(error) = &described.error { " " span.answer { (error) } }
        }
        td {
            @match (message.processed_at, message.outcome) {
                (None, _) => span.pill.busy { "waits" },
                (_, Some(MessageOutcome::Applied) | None) => @if message.error.is_none() { span.hint { "applied" } },
                (_, Some(outcome)) => span.pill { (outcome.as_str().replace('_', " ")) },
            }
            @if let Some(error) = &message.error { " " span.answer { (error) } }
        }
    }
}

/// `+35 ms`; from a minute on in minutes and seconds too.
fn gap_text(millis: i128) -> String {
    match millis {
        ..60_000 => format!("+{millis} ms"),
        _ => format!(
            "+{millis} ms ({})",
            marks::length(Some(millis as f64 / 1e3))
        ),
    }
}
