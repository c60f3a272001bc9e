//! `/ops/health`: each dependency with bars of the last ninety minutes, the jobs, and the request budget.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    health_log::{Dependency, History, MINUTES, State as Health},
    job_name::job_name,
    marks, refused,
    shell::{OpsPage, Section},
};
use crate::{
    domain::Scope,
    http::{
        App,
        budget::{self, AirtableBudget},
        error::Problem,
        visitor::Visitor,
    },
    pipeline::JobState,
};

const ROOT: &str = "../";

/// The page.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let now = (app.clock)();
    let budget = budget::details(&app).await.ok();
    let rows = app.store.written_rows().await.ok();
    let page = OpsPage {
        title: "Health",
        root: ROOT,
        section: Section::Health,
        scripts: &[],
        media: None,
        main: html! {
            h1 { "Health" }
            div data-again="10" {
                (dependencies(&app, now))
                (refused::section(&app))
                div.columns {
                    (jobs(&app))
                    @if let Some((airtable, _)) = &budget { (gauges(airtable, rows, now)) }
                }
            }
        },
    };
    Ok(page.response(&visitor))
}

fn dependencies(app: &App, now: Timestamp) -> Markup {
    let all = app.ops.health.all();
    html! {
        @if all.is_empty() { p.empty { "Checked a few seconds after the start." } }
        div.scroll tabindex="0" role="region" aria-label="Dependencies" {
            table.cards.health {
                thead { tr {
                    th scope="col" { "Dependency" } th scope="col" { "State" } th scope="col" { "Since (UTC)" }
                    th scope="col" { "Last 90 minutes" } th scope="col" { "Last success" }
                } }
                tbody { @for (dependency, history) in &all { (row(*dependency, history, now)) } }
            }
        }
    }
}

fn row(dependency: Dependency, history: &History, now: Timestamp) -> Markup {
    html! {
        tr data-dependency=(dependency.name()) {
            th scope="row" { (dependency.name()) }
            td.state {
                @match history.since {
                    Some((_, Health::Working)) => span.pill.good { "working" },
                    Some((_, Health::Failing)) => span.pill.bad { "failing" },
                    None => span.pill { "unknown" },
                }
            }
            td.when data-label="Since" { (marks::time(history.since.map(|(at, _)| at))) }
            td.minutes { (bars(history, now)) }
            td.when data-label="Last success" { (marks::time(history.last_success)) }
        }
        @if let Some((at, error)) = &history.last_error {
            tr.error {
                td colspan="5" { "Last error " span.when { (marks::time(Some(*at))) } " " span.answer { (error) } }
            }
        }
    }
}

fn bars(history: &History, now: Timestamp) -> Markup {
    let bars = history.bars(now);
    let failing = bars
        .iter()
        .filter(|bar| **bar == Some(Health::Failing))
        .count();
    let label = match failing {
        0 => "No minute with an error".to_owned(),
        1 => "1 minute with an error".to_owned(),
        n => format!("{n} minutes with an error"),
    };
    html! {
        svg.bars viewBox={ "0 0 " (MINUTES * 4) " 20" } preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (n, bar) in bars.iter().enumerate() {
                rect class=[bar.map(|it| if it == Health::Working { "good" } else { "bad" })] x=(n * 4) y="0" width="3" height="20" {}
            }
        }
    }
}

fn jobs(app: &App) -> Markup {
    html! {
        section.card aria-labelledby="jobs" {
            h2 #jobs { "Jobs" }
            dl.list {
                @for (name, state) in app.status.all() {
                    dt title=(name) { (job_name(name)) }
                    dd {
                        @match state {
                            JobState::Running => span.pill.good { "running" },
                            JobState::Standby => span.pill { "in another process" },
                            JobState::Unleased => span.pill.bad { "no lease" },
                            JobState::Dead => span.pill.bad { "dead" },
                            JobState::Failing(error) => { span.pill.bad { "failing" } " " span.answer { (error) } },
                        }
                    }
                }
            }
        }
    }
}

/// `rows`: those that this service wrote; `None`: the database does not answer. Airtable gives records only a hundred at a time,
/// with a request each.
fn gauges(airtable: &AirtableBudget, rows: Option<i64>, now: Timestamp) -> Markup {
    let month = &airtable.month;
    html! {
        section.card aria-labelledby="budget" {
            h2 #budget { "Airtable: requests and rows" }
            dl.list {
                dt { "Used this month" } dd data-gauge="used" { (marks::count(month.requests_used as i64)) }
                dt { "Limit" } dd data-gauge="limit" { (month.requests_limit.map_or("none".to_owned(), |it| marks::count(it as i64))) }
                @if let Some(left) = month.requests_left { dt { "Left" } dd data-gauge="left" { (marks::count(left as i64)) } }
                dt { "Forecast" } dd { (month.runs_out.as_ref().map_or("enough for this month".to_owned(), |day| format!("runs out on {day}"))) }
                dt { "Rate" } dd data-gauge="rate" { (airtable.requests_per_second) " per second" }
                dt { "Lockout" } dd {
                    @match airtable.locked_until {
                        Some(until) => span.pill.warn data-gauge="lockout" { "ends in " (until.duration_since(now).as_secs().max(1)) " s" },
                        None => "none",
                    }
                }
                @if let Some(rows) = rows {
                    dt { "Rows written" } dd { span data-gauge="rows" { (marks::count(rows)) } p.hint { "Other records in the base are not counted; “livekit-airtable doctor --count” counts all." } }
                }
            }
        }
    }
}
