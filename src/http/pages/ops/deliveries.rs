//! The deliveries of a call, as `calls show` prints them, with a button to retry each.

use maud::{Markup, html};

use super::marks;
use crate::{
    domain::CallId,
    view::{CallDetailView, DeliveryView},
};

/// All of them; `retry`: the call, if the visitor may retry.
pub(super) fn markup(view: &CallDetailView<'_>, root: &str, retry: Option<&CallId>) -> Markup {
    html! {
        @if view.deliveries.is_empty() { p.empty { "Nothing has to be delivered yet." } }
        @for delivery in &view.deliveries {
            (one(delivery, root, retry))
        }
        @if let Some(call) = retry {
            p.actions {
                a.button href={ (root) "ops/redrive?call=" (call) } data-confirm { "Retry what is not delivered…" }
                a.button.plain href={ (root) "ops/redrive?call=" (call) "&whole=1" } data-confirm { "Rewrite the row completely…" }
            }
        }
    }
}

fn one(delivery: &DeliveryView<'_>, root: &str, retry: Option<&CallId>) -> Markup {
    let part = delivery.part.unwrap_or_default();
    let is_open = delivery.state != "done";
    let sink = delivery
        .sink
        .parse()
        .map_or(delivery.sink, marks::sink_name);
    let has_next = delivery.history.iter().any(|it| it.next_at.is_some());
    html! {
        div.card.delivery data-sink=(delivery.sink) {
            header {
                h3 { (sink) @if !part.is_empty() { " " code { (part) } } }
                span class={ "pill " (marks::delivery_tone(delivery.state)) } { (delivery.state) }
                p.next { (delivery.next) }
                @if let Some(call) = retry.filter(|_| is_open) {
                    a.button.plain href={ (root) "ops/redrive?call=" (call) "&sink=" (delivery.sink) "&part=" (part) } data-confirm { "Retry…" }
                }
            }
            @if let Some(error) = delivery.last_error.filter(|_| delivery.history.is_empty()) { p.answer { (error) } }
            @if !delivery.history.is_empty() {
                table.cards.attempts {
                    caption.unseen { "Attempts to deliver to " (sink) }
                    thead { tr { th scope="col" { "Attempt (UTC)" } th scope="col" { "State" } th scope="col" { "Answer" } @if has_next { th scope="col" { "Next" } } } }
                    tbody {
                        @for attempt in &delivery.history {
                            tr {
                                td.when { (marks::time(Some(attempt.at))) }
                                td { span class={ "pill " (marks::delivery_tone(attempt.state)) } { (attempt.state) } }
                                td.answer { (attempt.answer) }
                                @if has_next { td.when data-label="Next" { @if let Some(next) = attempt.next_at { (marks::time(Some(next))) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
