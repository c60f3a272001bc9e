//! `/ops/rows/{call_id}`: the row of a call as this service writes it, beside the row as Airtable has it now.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    form::Form,
    marks,
    row::name,
    row_check::ComparedRow,
    shell::{self, OpsPage, Section},
};
use crate::{
    domain::{Call, CellContent, CellDifference, ComparedCell, Scope, Sink},
    http::{App, calls::find, error::Problem, visitor::Visitor},
};

/// The way from this page to the root of the service.
const ROOT: &str = "../../";

/// The button.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let call = find(&app, &path?.0).await?.call;
    Ok(answer(&visitor, &call, None))
}

/// The button, and the row.
pub(super) async fn compare(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    Form::of(&visitor, request.into_body()).await?;
    let mut call = find(&app, &path?.0).await?.call;
    let place = app.answer_place(&call.id).await?;
    let in_memory = app.store.load_reports(&mut call).await?;
    let deliveries = app.store.deliveries_of(&call.id).await?;
    let row = deliveries.iter().find(|it| it.key.sink == Sink::Airtable);
    let state = row.map_or(Value::Null, |row| row.sink_state.clone());
    let compared = (app.ops.row)(call.clone(), state).await;
    drop((in_memory, place));
    Ok(answer(&visitor, &call, Some(compared)))
}

fn answer(
    visitor: &Visitor,
    call: &Call,
    compared: Option<Result<ComparedRow, String>>,
) -> Response {
    let page = OpsPage {
        title: "Row",
        root: ROOT,
        section: Section::Calls,
        scripts: &[],
        media: None,
        main: markup(visitor, call, compared),
    };
    page.response(visitor)
}

fn markup(visitor: &Visitor, call: &Call, compared: Option<Result<ComparedRow, String>>) -> Markup {
    html! {
        div.stack {
            header.title {
                p.crumbs { a href={ (ROOT) "ops" } { "Calls" } " / " a href={ (ROOT) "ops/calls/" (call.id) } { (name(call)) } }
                h1 { "Row in Airtable" }
            }
            p { "Compares the row with what this service writes into it. It writes nothing." }
            @if visitor.form_token().is_some() {
                form.actions method="post" action={ (ROOT) "ops/rows/" (call.id) } {
                    (shell::form_token(visitor))
                    button type="submit" { "Compare now" }
                    span.hint { "Takes one request to Airtable." }
                }
            }
            @match compared {
                None => {},
                Some(Err(error)) => p.notice.bad role="alert" { (error) },
                Some(Ok(ComparedRow::Unwritten)) => p.notice { "This call has no row that this service wrote." },
                Some(Ok(ComparedRow::Deleted)) => p.notice.warn { "The row is not in the table any more: somebody deleted it. It comes back when the call changes, or with “Rewrite the row completely” on the call's page." },
                Some(Ok(ComparedRow::Cells(cells))) => (table(&cells)),
            }
        }
    }
}

fn table(cells: &[ComparedCell]) -> Markup {
    let differ = cells.iter();
    let differ = differ
        .filter(|it| it.difference != CellDifference::None)
        .count();
    html! {
        p #differences role="status" {
            @match differ {
                0 => "Every cell is as this service wrote it.",
                1 => "1 cell differs.",
                n => { (n) " cells differ." },
            }
        }
        div.scroll tabindex="0" role="region" aria-label="Cells" {
            table.cards.compared {
                thead { tr {
                    th scope="col" { "Column" }
                    th scope="col" { "State" }
                    th scope="col" { "This service writes" }
                    th scope="col" { "Airtable has" }
                } }
                tbody { @for cell in cells { (line(cell)) } }
            }
        }
    }
}

fn line(cell: &ComparedCell) -> Markup {
    let (tone, state) = match cell.difference {
        CellDifference::None => ("good", "same"),
        CellDifference::Edited => ("warn", "edited in Airtable"),
        CellDifference::Unsent => ("busy", "not sent yet"),
        CellDifference::Refused => ("bad", "refused by Airtable"),
    };
    html! {
        tr data-column=(cell.column) data-difference=(state) {
            th scope="row" { (cell.column) }
            td { span class={ "pill " (tone) } { (state) } }
            td data-label="Written" {
                @match &cell.ours {
                    Some(value) => (shown(value, cell.content)),
                    None => span.hint { "new with each write" },
                }
            }
            td data-label="Airtable" { (shown(&cell.theirs, cell.content)) }
        }
    }
}

/// A value; words are on the call's page only, which leaves a line in the audit trail.
fn shown(value: &Value, content: CellContent) -> Markup {
    let text = match value {
        Value::Null => return html! { span.none { "–" } },
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match content {
        CellContent::Plain => html! { (text) },
        CellContent::Room => marks::room(&text),
        CellContent::Private => marks::private(&text),
        CellContent::Link => html! { span.hint { "a link" } },
        CellContent::Words => {
            html! { span.hint { (marks::count(text.chars().count() as i64)) " characters" } }
        }
    }
}
