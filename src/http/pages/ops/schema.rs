//! `/ops/schema`: the columns of the table against those that the service fills, as `bootstrap --check` prints them.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use maud::{Markup, html};

use super::{
    form::Form,
    shell::{self, OpsPage, Section},
};
use crate::{
    domain::{ColumnState, ComparedColumn, ComparedTable, Scope, counted},
    http::{App, error::Problem, visitor::Visitor},
};

const ROOT: &str = "../";

/// The button.
pub(super) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    Ok(answer(&visitor, None))
}

/// The button, and what the base has.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    Form::of(&visitor, request.into_body()).await?;
    let checked = (app.ops.schema)().await;
    Ok(answer(&visitor, Some(checked)))
}

fn answer(visitor: &Visitor, checked: Option<Result<ComparedTable, String>>) -> Response {
    let page = OpsPage {
        title: "Schema",
        root: ROOT,
        section: Section::Schema,
        scripts: &[],
        media: None,
        main: markup(visitor, checked),
    };
    page.response(visitor)
}

fn markup(visitor: &Visitor, checked: Option<Result<ComparedTable, String>>) -> Markup {
    html! {
        div.narrow.stack {
            h1 { "Schema" }
            p { "Compares the table's columns with those that the service fills, like " code.one { "livekit-airtable bootstrap --check" } ". It writes nothing." }
            @if visitor.form_token().is_some() {
                form.actions method="post" action={ (ROOT) "ops/schema" } {
                    (shell::form_token(visitor))
                    button type="submit" { "Compare now" }
                    span.hint { "Takes one or two requests to Airtable." }
                }
            }
            @match checked {
                None => {},
                Some(Ok(compared)) => (table(&compared)),
                Some(Err(error)) => p.notice.bad role="alert" { (error) },
            }
        }
    }
}

fn table(compared: &ComparedTable) -> Markup {
    html! {
        section #plan {
            h2 { "Table " (compared.name) @if compared.id.is_none() { ", which is not there yet" } }
            p role="status" { (summary(&compared.columns)) }
            table.cards.columns-of-table {
                thead { tr { th scope="col" { "Column" } th scope="col" { "State" } th scope="col" { "Type, or what to do" } } }
                tbody { @for column in &compared.columns { (line(column)) } }
            }
        }
    }
}

fn line(column: &ComparedColumn) -> Markup {
    let (tone, state) = match column.state {
        ColumnState::Fine => ("good", "as it should be"),
        ColumnState::Accepted => ("calm", "different, but fine"),
        ColumnState::Missing => ("warn", "missing"),
        ColumnState::ByHand => ("bad", "to fix by hand"),
    };
    html! {
        tr data-column=(column.name) {
            th scope="row" { (column.name) }
            td { span class={ "pill " (tone) } { (state) } }
            td.note { (column.note) }
        }
    }
}

fn summary(columns: &[ComparedColumn]) -> String {
    let count = |state| columns.iter().filter(|it| it.state == state).count();
    let missing = match count(ColumnState::Missing) {
        0 => None,
        n => Some(format!(
            "{}: run `livekit-airtable bootstrap`.",
            counted(n, "column is missing", "columns are missing")
        )),
    };
    let by_hand = match count(ColumnState::ByHand) {
        0 => None,
        n => Some(format!(
            "{} to be changed in Airtable by hand.",
            counted(n, "column has", "columns have")
        )),
    };
    let lines: Vec<String> = [missing, by_hand].into_iter().flatten().collect();
    match lines.is_empty() {
        true => "Every column is as it should be.".to_owned(),
        false => lines.join(" "),
    }
}
