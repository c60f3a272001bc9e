//! `/ops/redrive`: asks what a retry costs, and does it.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Extension,
    extract::{RawQuery, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{
    form::Form,
    marks,
    redrive_query::{RedriveQuery, Retried},
    shell::{self, OpsPage, Section},
};
use crate::{
    domain::{Scope, Sink, counted},
    http::{App, audit::AuditedAs, budget, error::Problem, visitor::Visitor},
    pipeline::requests,
    store::{self, Outstanding, Store},
};

/// Deliveries that one statement makes due, so that it never keeps the service from writing for long.
const BATCH: usize = 512;
/// Deliveries that the page lists.
const LISTED: usize = 20;
/// Calls with a line of their own in the audit trail; of more, one line counts them.
const AUDITED: usize = 100;
const ROOT: &str = "../";

/// What would be retried, what it costs, and a button.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    visitor.require(Scope::Redrive)?;
    let query = RedriveQuery::parse(query.as_deref().unwrap_or_default())?;
    let retried = query.deliveries(&app, &visitor).await?;
    let left = budget::requests_left(&app).await?;
    let page = OpsPage {
        title: if query.is_whole {
            "Rewrite the row"
        } else {
            "Retry deliveries"
        },
        root: ROOT,
        section: Section::Calls,
        scripts: &[],
        media: None,
        main: confirmation(&visitor, &query, &retried, left),
    };
    Ok(page.response(&visitor))
}

fn confirmation(
    visitor: &Visitor,
    query: &RedriveQuery,
    retried: &Retried,
    left: Option<u64>,
) -> Markup {
    let deliveries = &retried.deliveries;
    if deliveries.is_empty() {
        return nothing(query);
    }
    html! {
        div.narrow data-dialog {
            h1 { (title(query, deliveries)) "?" }
            (what(deliveries))
            p.cost { (cost(deliveries, left)) }
            @if retried.is_cut { p.hint { "There are more calls than are retried at once. These are the newest; repeat it for the others." } }
            form method="post" action={ (ROOT) "ops/redrive" } {
                (shell::form_token(visitor))
                @for (name, value) in query.pairs() { input type="hidden" name=(name) value=(value); }
                div.actions {
                    button.main type="submit" { @if query.is_whole { "Rewrite now" } @else { "Retry now" } }
                    a.button.plain href={ (ROOT) (query.back()) } data-close { "Cancel" }
                }
            }
        }
    }
}

fn nothing(query: &RedriveQuery) -> Markup {
    html! {
        div.narrow data-dialog {
            h1 { @if query.is_whole { "No row to rewrite" } @else { "Nothing to retry" } }
            p { @if query.is_whole { "No row was written of this call yet." } @else { "Nothing is outstanding: every delivery that was chosen is done." } }
            p { a.button href={ (ROOT) (query.back()) } data-close { "Back" } }
        }
    }
}

/// `Rewrite the row completely and retry 2 other deliveries`
fn title(query: &RedriveQuery, deliveries: &[Outstanding]) -> String {
    if !query.is_whole {
        return format!(
            "Retry {}",
            counted(deliveries.len(), "delivery", "deliveries")
        );
    }
    let is_row = |one: &&Outstanding| one.key.sink == Sink::Airtable;
    let rows = deliveries.iter().filter(is_row).count();
    let rewrite = match rows {
        1 => "Rewrite the row completely".to_owned(),
        n => format!("Rewrite {} completely", counted(n, "row", "rows")),
    };
    match deliveries.len() - rows {
        0 => rewrite,
        n => format!(
            "{rewrite} and retry {}",
            counted(n, "other delivery", "other deliveries")
        ),
    }
}

fn what(deliveries: &[Outstanding]) -> Markup {
    let more = deliveries.len().saturating_sub(LISTED);
    html! {
        ul.outstanding {
            @for one in deliveries.iter().take(LISTED) {
                li {
                    (marks::delivery_state(one.state)) " " (marks::sink_name(one.key.sink)) " · " (marks::room_name(&one.room_name))
                    @if let Some(error) = &one.last_error { span.answer { (error) } }
                }
            }
        }
        @if more > 0 { p.hint { "and " (marks::count(more as i64)) " more" } }
    }
}

/// Rows are written ten at a time.
fn cost(deliveries: &[Outstanding], left: Option<u64>) -> String {
    let to = |sink: Sink| {
        deliveries
            .iter()
            .filter(move |one| one.key.sink == sink)
            .count()
    };
    let requests = to(Sink::Airtable).div_ceil(10);
    let others = [
        (Sink::Egress, "to LiveKit"),
        (Sink::Storage, "to the bucket"),
        (Sink::Mirror, "to the mirror"),
    ];
    let others = others.map(|(sink, name)| (to(sink), name));
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others: Vec<String> = others
        .map(|(count, name)| format!("{} {name}", counted(*count, "request", "requests")))
        .collect();
    let mut text = match (requests, left) {
        (0, _) => "It costs no request to Airtable.".to_owned(),
        (_, Some(left)) => format!(
            "It costs about {} to Airtable, of {} left this month.",
            counted(requests, "request", "requests"),
            marks::count(i64::try_from(left).unwrap_or(i64::MAX))
        ),
        (_, None) => format!(
            "It costs about {} to Airtable; there is no monthly limit.",
            counted(requests, "request", "requests")
        ),
    };
    if !others.is_empty() {
        text += &format!(" And {}.", others.join(", "));
    }
    text
}

/// Makes them due.
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    visitor.require(Scope::Redrive)?;
    let form = Form::of(&visitor, request.into_body()).await?;
    let query = RedriveQuery::of_form(&form)?;
    let retried = query.deliveries(&app, &visitor).await?;
    make_due(&app, &query, &retried.deliveries).await?;
    let location = format!("{ROOT}{}", query.back());
    let audited = Extension(audited(&query, &retried.deliveries));
    Ok((
        StatusCode::SEE_OTHER,
        [(header::LOCATION, location)],
        audited,
    )
        .into_response())
}

async fn make_due(
    app: &App,
    query: &RedriveQuery,
    deliveries: &[Outstanding],
) -> Result<(), store::Error> {
    retry_starts(&app.store, deliveries, (app.clock)()).await?;
    for batch in deliveries.chunks(BATCH) {
        app.store
            .redrive(batch, query.scope(), (app.clock)())
            .await?;
    }
    let sinks: BTreeSet<Sink> = deliveries.iter().map(|one| one.key.sink).collect();
    for sink in sinks {
        app.store.probe_now(sink, (app.clock)()).await?;
        app.wake.sink(sink).notify_one();
    }
    app.wake.intake.notify_one();
    Ok(())
}

/// A start that LiveKit refused for good is sent again while the room is open.
async fn retry_starts(
    store: &Store,
    deliveries: &[Outstanding],
    now: jiff::Timestamp,
) -> Result<(), store::Error> {
    for one in deliveries.iter().filter(|it| it.key.sink == Sink::Egress) {
        if let Some(row) = store.call(&one.key.call_id).await? {
            requests::retry(store, &row.call, now).await?;
        }
    }
    Ok(())
}

/// A line for each call; of very many, one line.
fn audited(query: &RedriveQuery, deliveries: &[Outstanding]) -> AuditedAs {
    let calls: BTreeSet<&String> = deliveries.iter().map(|one| &one.key.call_id).collect();
    let calls: Vec<String> = match calls.len() {
        0..=AUDITED => calls.into_iter().cloned().collect(),
        _ => Vec::new(),
    };
    AuditedAs {
        who: None,
        calls,
        detail: format!(
            "pages {} {}",
            query.options(),
            counted(deliveries.len(), "delivery", "deliveries")
        ),
    }
}
