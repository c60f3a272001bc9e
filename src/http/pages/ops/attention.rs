//! `/ops/attention`: what needs somebody now.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    alert_text::AlertText,
    health_log::Failing,
    marks,
    shell::{OpsPage, Section},
};
use crate::{
    domain::Scope,
    http::{App, error::Problem, visitor::Visitor},
    pipeline::alerts::{OpenAlert, open_alerts},
};

const ROOT: &str = "../";
const HEALTH: (&str, &str) = ("ops/health", "Show the health");

/// The dependencies that fail, as the health page has them, and the active alerts, with the texts that ALERT_WEBHOOK_URL
/// gets.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let mut alerts = open_alerts(&app.store).await?;
    alerts.sort_by_key(|alert| alert.since);
    let now = (app.clock)();
    let failing = app.ops.health.failing();
    let main = html! {
        div.narrow data-again="10" {
            h1 { "Needs attention" }
            @if alerts.is_empty() && failing.is_empty() { p.empty { "Nothing needs your attention." } }
            @for one in &failing { (dependency(one, now)) }
            @for alert in &alerts { (card(alert, &visitor, now)) }
            @if !app.refused.all().is_empty() {
                p.hint.refused { "Requests were refused for their token, perhaps of LiveKit or an agent: " a href={ (ROOT) "ops/health#refused" } { "see which, and why" } "." }
            }
        }
    };
    let page = OpsPage {
        title: "Needs attention",
        root: ROOT,
        section: Section::Attention,
        scripts: &[],
        media: None,
        main,
    };
    Ok(page.response(&visitor))
}

/// How many things the page shows for somebody to look at; those of the database, if it answers.
pub(super) async fn count(app: &App) -> usize {
    let alerts = open_alerts(&app.store).await.map_or(0, |open| open.len());
    app.ops.health.failing().len() + alerts
}

fn dependency(failing: &Failing, now: Timestamp) -> Markup {
    let name = failing.dependency.name();
    html! {
        section.card.alert data-failing-dependency=(name) {
            p { strong { (name) " is failing: " } (failing.error) }
            p.actions { a.button href={ (ROOT) (HEALTH.0) } { (HEALTH.1) } }
            (since(failing.since, now, ""))
        }
    }
}

fn card(alert: &OpenAlert, visitor: &Visitor, now: Timestamp) -> Markup {
    let text = AlertText::parse(&alert.text);
    let condition = alert.condition.as_str();
    let retry =
        retry(condition).filter(|_| visitor.may(Scope::Redrive) && visitor.form_token().is_some());
    let waits = match alert.fired_at {
        None => "; alerted if it lasts",
        Some(_) => "",
    };
    html! {
        section.card.alert data-alert=(condition) {
            p { (marks::prose(&text.what)) }
            @if !text.calls.is_empty() { (calls(&text)) }
            p.actions {
                @for (page, name) in more(condition) { a.button href={ (ROOT) (page) } { (name) } }
                @if let Some(address) = retry { a.button href={ (ROOT) (address) } data-confirm { "Retry them…" } }
            }
            @if !text.commands.is_empty() { p.hint { "On the command line: " (marks::prose(&text.commands)) } }
            (since(alert.since, now, waits))
            p.hint { "In the documentation: “When something is wrong”, " (row(condition)) }
        }
    }
}

fn calls(text: &AlertText<'_>) -> Markup {
    html! {
        p.calls-named {
            @for (n, call) in text.calls.iter().enumerate() {
                @if n > 0 { ", " }
                a href={ (ROOT) "ops/calls/" (call) } { code { (call) } }
            }
            @if text.has_more { ", …" }
        }
    }
}

fn since(at: Timestamp, now: Timestamp, more: &str) -> Markup {
    let lasts = now.duration_since(at).as_secs_f64().max(0.0);
    html! { p.hint { "Since " (marks::time(Some(at))) " (" (marks::length(Some(lasts))) ")" (more) } }
}

/// Where to look, and what for.
fn more(condition: &str) -> Vec<(&'static str, &'static str)> {
    const CALLS: &str = "Show the calls";
    match condition {
        "store" | "leases" | "inbox" => vec![HEALTH],
        "webhooks" => vec![("ops?status=live", CALLS), HEALTH],
        "unrecorded" => vec![("ops?status=live", CALLS)],
        "failed" => vec![("ops?status=failed", CALLS)],
        "no_new_rows" => vec![("ops?delivery=parked", CALLS)],
        _ if condition.starts_with("job_") => vec![HEALTH],
        _ if condition.starts_with("dead_") => vec![("ops?delivery=dead", CALLS)],
        _ if condition.starts_with("waiting_") => vec![("ops?delivery=pending", CALLS), HEALTH],
        _ => Vec::new(),
    }
}

/// The page that asks before the deliveries of a condition are retried.
fn retry(condition: &str) -> Option<&'static str> {
    match condition {
        "no_new_rows" => Some("ops/redrive?all=1&delivery=parked"),
        _ if condition.starts_with("dead_") => Some("ops/redrive?all=1&delivery=dead"),
        _ if condition.starts_with("waiting_") => Some("ops/redrive?all=1&delivery=pending"),
        _ => None,
    }
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
