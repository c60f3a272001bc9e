//! `/ops/attention`: what needs somebody now.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    health_log::Failing,
    marks,
    shell::{OpsPage, Section},
};
use crate::{
    domain::{Scope, Sink},
    http::{App, error::Problem, visitor::Visitor},
    pipeline::alerts::{ConditionKind, OpenAlert, open_alerts},
};

const ROOT: &str = "../";
const HEALTH: (&str, &str) = ("ops/health", "Show the health");
/// Parts of the documentation.
const RECORDINGS: &str = "Recordings";
const ANY_ROW: &str = "No row, or a wrong status";

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
            @if !app.refused_tokens.all().is_empty() {
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
    let text = &alert.text;
    let kind = alert.kind.as_ref();
    let may_retry = visitor.may(Scope::Redrive) && visitor.form_token().is_some();
    let retry = kind.filter(|_| may_retry).and_then(retry);
    let waits = match alert.fired_at {
        None => "; alerted if it lasts",
        Some(_) => "",
    };
    html! {
        section.card.alert data-alert=(alert.condition) {
            p { (marks::prose(&text.what)) }
            @if !text.calls.is_empty() { (calls(alert)) }
            p.actions {
                @for (page, name) in kind.map(more).unwrap_or_default() { a.button href={ (ROOT) (page) } { (name) } }
                @if let Some(address) = retry { a.button href={ (ROOT) (address) } data-confirm { "Retry them…" } }
            }
            @if !text.commands.is_empty() { p.hint { "On the command line: " (marks::prose(&text.commands)) } }
            (since(alert.since, now, waits))
            p.hint { "In the documentation: “When something is wrong”, " (row(kind)) }
        }
    }
}

fn calls(alert: &OpenAlert) -> Markup {
    let text = &alert.text;
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
fn more(kind: &ConditionKind) -> Vec<(&'static str, &'static str)> {
    const CALLS: &str = "Show the calls";
    match kind {
        ConditionKind::Database
        | ConditionKind::Leases
        | ConditionKind::Inbox
        | ConditionKind::Job(_) => vec![HEALTH],
        ConditionKind::Webhooks => vec![("ops?status=live", CALLS), HEALTH],
        ConditionKind::Unrecorded => vec![("ops?status=live", CALLS)],
        ConditionKind::RecordingsFailed => vec![("ops?status=failed", CALLS)],
        ConditionKind::RefusedCreates => vec![("ops?delivery=parked", CALLS)],
        ConditionKind::DeadLetters(_) => vec![("ops?delivery=dead", CALLS)],
        ConditionKind::Waiting(_) => vec![("ops?delivery=pending", CALLS), HEALTH],
        ConditionKind::RecordedTwice | ConditionKind::UnknownDelivery(_) => Vec::new(),
    }
}

/// The page that asks before the deliveries of a condition are retried.
fn retry(kind: &ConditionKind) -> Option<&'static str> {
    match kind {
        ConditionKind::RefusedCreates => Some("ops/redrive?all=1&delivery=parked"),
        ConditionKind::DeadLetters(_) => Some("ops/redrive?all=1&delivery=dead"),
        ConditionKind::Waiting(_) => Some("ops/redrive?all=1&delivery=pending"),
        _ => None,
    }
}

/// The part of the documentation that has its row.
fn row(kind: Option<&ConditionKind>) -> &'static str {
    match kind {
        Some(ConditionKind::Database | ConditionKind::Leases | ConditionKind::Inbox) => "Database",
        Some(ConditionKind::Webhooks) => "Webhooks and requests",
        Some(ConditionKind::RefusedCreates) => "Airtable",
        Some(
            ConditionKind::Unrecorded
            | ConditionKind::RecordingsFailed
            | ConditionKind::RecordedTwice,
        ) => RECORDINGS,
        Some(
            ConditionKind::Waiting(sink)
            | ConditionKind::DeadLetters(sink)
            | ConditionKind::UnknownDelivery(sink),
        ) => row_of_sink(*sink),
        Some(ConditionKind::Job(job)) => match job.as_str() {
            "audit" => "Audit trail",
            "reconcile" => RECORDINGS,
            job => job.parse().map_or(ANY_ROW, row_of_sink),
        },
        None => ANY_ROW,
    }
}

/// The same for a sink, whose job has its name.
fn row_of_sink(sink: Sink) -> &'static str {
    match sink {
        Sink::Airtable => "Airtable",
        Sink::Egress | Sink::Storage => RECORDINGS,
        Sink::Mirror => ANY_ROW,
    }
}
