//! The requests whose token was refused, on the health page.

use maud::{Markup, html};

use super::marks;
use crate::http::{App, refused_tokens::RefusedTokens};

/// All of them since the start of this process; nothing without one.
pub(super) fn section(app: &App) -> Markup {
    let mut all = app.refused_tokens.all();
    // Those that name a key of ours are hardly strangers'.
    all.sort_by_key(|one| one.key.is_none());
    html! {
        @if !all.is_empty() {
            section.refused aria-labelledby="refused" {
                h2 #refused { "Requests with a token that was refused" }
                p.hint { "Nothing of them was stored. They are counted since this process started; anybody can send some." }
                div.scroll tabindex="0" role="region" aria-label="Table of refused requests" {
                    table.cards.refusals {
                        thead { tr {
                            th scope="col" { "What" } th scope="col" { "Why" } th scope="col" { "API key" }
                            th.number scope="col" { "Count" } th scope="col" { "Last (UTC)" }
                        } }
                        tbody { @for one in &all { (row(one)) } }
                    }
                }
            }
        }
    }
}

fn row(one: &RefusedTokens) -> Markup {
    html! {
        tr data-refused=(one.entrance.path()) {
            th scope="row" { (one.entrance.name()) }
            td.why { (one.reason) p.hint { "What to do: " (one.advice) "." } }
            td data-label="API key" { @match &one.key { Some(key) => code { (key) }, None => span.none { "–" } } }
            td.number data-label="Count" data-count-refused { (marks::count(i64::try_from(one.count).unwrap_or(i64::MAX))) }
            td.when data-label="Last" { (marks::time(Some(one.last_at))) }
        }
    }
}
