//! `/ops`: the list of calls.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{RawQuery, State},
    response::Response,
};
use maud::{Markup, html};

use super::{
    counts::StatusCounts,
    first_run,
    list_query::ListQuery,
    marks,
    row::{Row, Selection},
    search::{self, Found, Unfinished},
    shell::{OpsPage, Section},
};
use crate::{
    domain::{Scope, Status},
    http::{App, error::Problem, visitor::Visitor},
    store::{self, CallSelection, DeliveryState, ListedCall, Outstanding, StateSelection, Store},
};

/// Calls of a page.
const PAGE: usize = 50;
const ROOT: &str = "./";

/// The page.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let query = ListQuery::parse(query.as_deref().unwrap_or_default())?;
    let (counts, found) = tokio::join!(
        app.ops.counts.now(&app.store),
        search::search(&app, &visitor, &query, PAGE)
    );
    let (counts, found) = (counts?, found?);
    let outstanding = outstanding_by_call(&app.store, &found.calls).await?;
    let is_new = counts.of(None) == 0;
    let has_outstanding = !outstanding.is_empty() || app.store.has_outstanding().await?;
    let first_run = match is_new {
        true => Some(first_run::steps(&app).await?),
        false => None,
    };
    let list = List {
        query: &query,
        visitor: &visitor,
        counts,
        found: &found,
        outstanding,
        has_outstanding,
        first_run,
    };
    let page = OpsPage {
        title: "Calls",
        root: ROOT,
        section: Section::Calls,
        scripts: &[],
        media: None,
        main: list.markup(),
    };
    Ok(page.response(&visitor))
}

/// The deliveries of these calls that are not done, by call.
pub(super) async fn outstanding_by_call(
    store: &Store,
    calls: &[ListedCall],
) -> Result<BTreeMap<String, Vec<Outstanding>>, store::Error> {
    let ids = calls.iter().map(|listed| listed.place.id.clone());
    let selection = store::Selection {
        sink: None,
        states: StateSelection::Only(&DeliveryState::OUTSTANDING),
        calls: CallSelection::Only(ids.collect()),
    };
    let mut by_call: BTreeMap<String, Vec<Outstanding>> = BTreeMap::new();
    for one in store.outstanding(&selection).await? {
        by_call
            .entry(one.key.call_id.clone())
            .or_default()
            .push(one);
    }
    Ok(by_call)
}

struct List<'a> {
    query: &'a ListQuery,
    visitor: &'a Visitor,
    counts: StatusCounts,
    found: &'a Found,
    /// Of these calls.
    outstanding: BTreeMap<String, Vec<Outstanding>>,
    /// Whether any delivery of any call is not done.
    has_outstanding: bool,
    /// Before the first call.
    first_run: Option<Markup>,
}

impl List<'_> {
    fn markup(&self) -> Markup {
        let is_first = self.query.after.is_none();
        html! {
            h1.unseen { "Calls" }
            @if self.first_run.is_none() {
                (self.tabs())
                (self.filters())
            }
            p.news #news hidden { a href={ (ROOT) (self.query.after(None).href()) } data-news {} }
            @if self.found.calls.is_empty() { (self.nothing()) } @else { (self.table()) }
            (self.pager(is_first))
            (help())
        }
    }

    fn tabs(&self) -> Markup {
        let all = [None].into_iter().chain(Status::ALL.map(Some));
        html! {
            nav.tabs aria-label="Status" {
                @for status in all {
                    a href={ (ROOT) (self.query.with_status(status).href()) } aria-current=[(status == self.query.status).then_some("page")] {
                        (status.map_or("All", Status::label)) " "
                        span.count data-count=(status.map_or("all", Status::as_str)) { (marks::count(self.counts.of(status))) }
                    }
                }
            }
        }
    }

    fn filters(&self) -> Markup {
        let query = self.query;
        let hint = match self.visitor.may(Scope::Words) {
            true => "Room, caller, ID, words",
            false => "Room, caller, ID",
        };
        html! {
            form.fields.filters method="get" action={ (ROOT) "ops" } role="search" {
                @if let Some(status) = query.status { input type="hidden" name="status" value=(status.as_str()); }
                div.field.wide { label for="q" { "Search" } input #q type="search" name="q" value=(query.text) placeholder=(hint); }
                div.field { label for="delivery" { "Delivery" }
                    select #delivery name="delivery" {
                        option value="" { "Any" }
                        @for state in DeliveryState::OUTSTANDING {
                            option value=(state.as_str()) selected[Some(state) == query.delivery] { (state.as_str()) }
                        }
                    }
                }
                div.field { label for="agent" { "Agent" } input #agent name="agent" value=(query.agent); }
                div.field { label for="number" { "Number" } input #number name="number" value=(query.number) inputmode="tel"; }
                div.field { label for="from" { "From" } input #from name="from" value=(query.from) placeholder="7d"; }
                div.field { label for="to" { "To" } input #to name="to" value=(query.to) placeholder="2026-01-31"; }
                div.actions {
                    button type="submit" { "Filter" }
                    @if query.is_filtered() { a.button.plain href={ (ROOT) (ListQuery::default().with_status(query.status).href()) } { "Clear" } }
                }
            }
        }
    }

    fn selection(&self) -> Selection {
        match self.visitor.may(Scope::Redrive) && self.visitor.form_token().is_some() {
            true => Selection::Offered,
            false => Selection::None,
        }
    }

    fn table(&self) -> Markup {
        let selection = self.selection();
        html! {
            @if selection == Selection::Offered { (self.retries()) }
            div.scroll tabindex="0" role="region" aria-label="Calls" {
                table.cards.calls #calls {
                    thead { tr {
                        @if selection == Selection::Offered { th.select scope="col" { span.unseen { "Select" } } }
                        th scope="col" { "Started (UTC)" }
                        th scope="col" { "Status" }
                        th scope="col" { "Room" }
                        th scope="col" { "Caller" }
                        th scope="col" { "Agent" }
                        th.number scope="col" { "Length" }
                        th scope="col" { "Deliveries" }
                        th scope="col" { "Reason" }
                    } }
                    tbody {
                        @for listed in &self.found.calls {
                            (self.row(listed, selection))
                        }
                    }
                }
            }
        }
    }

    /// The script offers them when a delivery of these calls begins to wait.
    fn retries(&self) -> Markup {
        let is_here = !self.outstanding.is_empty();
        html! {
            form.actions #selection method="get" action={ (ROOT) "ops/redrive" } {
                button type="submit" name="these" value="selected" disabled[!is_here] { "Retry selected…" }
                a.button.plain data-all hidden[!self.has_outstanding] href={ (ROOT) "ops/redrive?all=1&" (self.query.after(None).to_query()) } { "Retry all matching…" }
                span.hint data-nothing hidden[is_here] {
                    @if self.has_outstanding { "Nothing to retry on this page." } @else { "Nothing to retry: every delivery is done." }
                }
            }
        }
    }

    fn row(&self, listed: &ListedCall, selection: Selection) -> Markup {
        let outstanding = self.outstanding.get(&listed.place.id);
        let row = Row {
            call: &listed.row.call,
            outstanding: outstanding.map_or(&[], Vec::as_slice),
            selection,
        };
        row.markup(ROOT)
    }

    fn nothing(&self) -> Markup {
        html! {
            @match &self.first_run {
                Some(steps) => (steps),
                None => p.empty { "No call matches." },
            }
        }
    }

    fn pager(&self, is_first: bool) -> Markup {
        let next = self.found.next.clone();
        let next = next.map(|place| self.query.after(Some(place)).href());
        let name = match self.found.is_unfinished {
            Unfinished::Yes => "Search older calls",
            Unfinished::No => "Older",
        };
        html! {
            nav.pager aria-label="Pages of the list" {
                @if !is_first { a.button.plain href={ (ROOT) (self.query.after(None).href()) } { "Newest" } }
                @if self.found.is_unfinished == Unfinished::Yes { span.hint { "Only a part of the calls was searched." } }
                @if let Some(next) = next { a.button href={ (ROOT) (next) } rel="next" data-next { (name) } }
            }
        }
    }
}

/// The keys, shown by `?`.
fn help() -> Markup {
    let keys = [
        ("j, k", "next, previous call"),
        ("Enter", "open the call"),
        ("e", "next call with an error"),
        ("/", "search"),
        ("Space", "play, pause"),
        (", .", "5 seconds back, forward"),
        ("?", "this help"),
    ];
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl.list { @for (key, meaning) in keys { dt { kbd { (key) } } dd { (meaning) } } }
            form method="dialog" { button type="submit" { "Close" } }
        }
    }
}
