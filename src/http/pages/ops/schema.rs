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
    domain::Scope,
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

fn answer(visitor: &Visitor, checked: Option<Result<String, String>>) -> Response {
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

fn markup(visitor: &Visitor, checked: Option<Result<String, String>>) -> Markup {
    html! {
        div.narrow.stack {
            h1 { "Schema" }
            p { "Compares the table's columns with those that the service fills, like " code { "livekit-airtable bootstrap --check" } ". It writes nothing." }
            @if visitor.form_token().is_some() {
                form method="post" action={ (ROOT) "ops/schema" } {
                    (shell::form_token(visitor))
                    button type="submit" { "Compare now" } " "
                    span.hint { "Takes one or two requests to Airtable." }
                }
            }
            @match checked {
                None => {},
                Some(Ok(plan)) => pre #plan tabindex="0" { (plan) },
                Some(Err(error)) => p.notice.bad role="alert" { (error) },
            }
        }
    }
}
