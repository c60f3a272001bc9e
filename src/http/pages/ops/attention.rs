//! `/ops/attention`: what needs somebody now.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    marks,
    shell::{OpsPage, Section},
};
use crate::{
    domain::Scope,
    http::{App, error::Problem, visitor::Visitor},
    pipeline::alerts::{OpenAlert, open_alerts},
};

const ROOT: &str = "../";

/// The active alerts, with the texts that ALERT_WEBHOOK_URL gets.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let mut alerts = open_alerts(&app.store).await?;
    alerts.sort_by_key(|alert| alert.since);
    let page = OpsPage {
        title: "Needs attention",
        root: ROOT,
        section: Section::Attention,
        scripts: &[],
        media: None,
        main: markup(&alerts, (app.clock)()),
    };
    Ok(page.response(&visitor))
}

fn markup(alerts: &[OpenAlert], now: Timestamp) -> Markup {
    html! {
        div.narrow {
            h1 { "Needs attention" }
            @if alerts.is_empty() { p.empty { "Nothing needs your attention." } }
            @for alert in alerts {
                (one(alert, now))
            }
        }
    }
}

fn one(alert: &OpenAlert, now: Timestamp) -> Markup {
    let lasts = now.duration_since(alert.since).as_secs_f64().max(0.0);
    html! {
        section.card.alert data-alert=(alert.condition) {
            p { (marks::prose(&alert.text)) }
            p.hint {
                "Since " (marks::time(Some(alert.since))) " (" (marks::length(Some(lasts))) ")"
                @if alert.fired_at.is_none() { "; alerted if it lasts" }
                @if let Some((page, name)) = more(&alert.condition) { " · " a href={ (ROOT) (page) } { (name) } }
                " · In the documentation: “When something is wrong”, " (row(&alert.condition))
            }
        }
    }
}

/// Where to look, and what for.
fn more(condition: &str) -> Option<(&'static str, &'static str)> {
    match condition {
        "store" | "leases" | "inbox" => Some(("ops/health", "Show the health")),
        _ if condition.starts_with("job_") => Some(("ops/health", "Show the health")),
        _ => list(condition).map(|list| (list, "Show the calls")),
    }
}

/// The list that shows the calls of a condition.
fn list(condition: &str) -> Option<&'static str> {
    Some(match condition {
        _ if condition.starts_with("dead_") => "ops?delivery=dead",
        _ if condition.starts_with("waiting_") => "ops?delivery=pending",
        "unrecorded" | "webhooks" => "ops?status=live",
        "failed" => "ops?status=failed",
        "no_new_rows" => "ops?delivery=parked",
        _ => return None,
    })
}

/// The part of the documentation that has its row.
fn row(condition: &str) -> &'static str {
    match condition {
        "store" | "leases" | "inbox" => "Database",
        "webhooks" => "Webhooks and requests",
        "no_new_rows" => "Airtable",
        "unrecorded" | "failed" | "recorded_twice" => "Recordings",
        "job_audit" => "Audit trail",
        _ if condition.ends_with("_airtable") => "Airtable",
        _ if condition.ends_with("_reconcile") => "Recordings",
        _ if condition.ends_with("_egress") || condition.ends_with("_storage") => "Recordings",
        _ => "No row, or a wrong status",
    }
}
