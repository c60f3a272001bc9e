//! The deliveries of a call, as `calls show` prints them, with a button to retry each.

use maud::{Markup, html};

use super::marks;
use crate::{
    domain::CallId,
    view::{AttemptView, CallDetailView, DeliveryView},
};

/// All of them; `retry`: the call, if the visitor may retry; `has_row`: whether it has a row in Airtable.
pub(super) fn markup(
    view: &CallDetailView<'_>,
    root: &str,
    retry: Option<&CallId>,
    has_row: bool,
) -> Markup {
    let is_outstanding = view.deliveries.iter().any(is_open);
    html! {
        @if view.deliveries.is_empty() { p.empty { "Nothing has to be delivered yet." } }
        @for delivery in &view.deliveries {
            (one(delivery, root, retry))
        }
        @if is_outstanding || has_row {
            p.actions {
                @if let Some(call) = retry {
                    @if is_outstanding { a.button href={ (root) "ops/redrive?call=" (call) } data-confirm { "Retry what is not delivered…" } }
                    @if has_row { a.button href={ (root) "ops/redrive?call=" (call) "&whole=1" } data-confirm { "Rewrite the row completely…" } }
                }
                @if has_row { a.button href={ (root) "ops/rows/" (view.call.call_id) } { "Compare the row with Airtable…" } }
            }
        }
    }
}

fn is_open(delivery: &DeliveryView<'_>) -> bool {
    delivery.state != "done"
}

fn one(delivery: &DeliveryView<'_>, root: &str, retry: Option<&CallId>) -> Markup {
    let part = delivery.part.unwrap_or_default();
    let sink = delivery
        .sink
        .parse()
        .map_or(delivery.sink, marks::sink_name);
    html! {
        div.card.delivery data-sink=(delivery.sink) {
            header {
                h3 { (sink) @if !part.is_empty() { " " code { (part) } } }
                span class={ "pill " (marks::delivery_tone(delivery.state)) } { (delivery.state) }
                p.next.waits[is_open(delivery)] { (marks::prose(&delivery.next)) }
                @if let Some(call) = retry.filter(|_| is_open(delivery)) {
                    a.button.plain href={ (root) "ops/redrive?call=" (call) "&sink=" (delivery.sink) "&part=" (part) } data-confirm { "Retry…" }
                }
            }
            @if let Some(error) = delivery.last_error.filter(|_| delivery.history.is_empty()) { p.answer { (error) } }
            @if !delivery.history.is_empty() { (attempts(delivery, sink)) }
        }
    }
}

fn attempts(delivery: &DeliveryView<'_>, sink: &str) -> Markup {
    let has_next = delivery.history.iter().any(|it| it.next_at.is_some());
    html! {
        table.cards.attempts {
            caption.unseen { "Attempts to deliver to " (sink) }
            thead { tr {
                th scope="col" { "Attempt (UTC)" }
                th scope="col" { "State" }
                th scope="col" { "What it did" }
                th.number scope="col" { "Took" }
                @if has_next { th scope="col" { "Next" } }
            } }
            tbody { @for attempt in &delivery.history { (line(attempt, has_next)) } }
        }
    }
}

fn line(attempt: &AttemptView<'_>, has_next: bool) -> Markup {
    html! {
        tr {
            td.when { (marks::time(Some(attempt.at))) }
            td { span class={ "pill " (marks::delivery_tone(attempt.state)) } { (attempt.state) } }
            td.answer { (attempt.result()) @if let Some(status) = attempt.http_status { span.status { " · HTTP " (status) } } }
            td.number.took { @if let Some(took) = attempt.took() { (took) } }
            @if has_next { td.when data-label="Next" { @if let Some(next) = attempt.next_at { (marks::time(Some(next))) } } }
        }
    }
}
