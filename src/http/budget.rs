//! Airtable's request budget and paused sinks, as `/readyz` and `/metrics` show them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, BaseBudget};
use crate::{
    domain::budget::{Allowance, recovered_rate, utc_day},
    store::{self, BaseRow},
};

/// The request budget of the base.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AirtableBudget {
    /// The requests of this month.
    pub(super) month: MonthBudget,
    /// As reduced by Airtable's lockouts.
    pub(super) requests_per_second: f64,
    /// When the next request goes after a 429 (RFC 3339); null: Airtable takes requests.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub(super) locked_until: Option<Timestamp>,
}

/// The requests of this calendar month (UTC).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MonthBudget {
    /// Null without a limit.
    #[schema(required = true)]
    pub(super) requests_left: Option<u64>,
    /// AIRTABLE_MONTHLY_REQUESTS
    #[schema(required = true)]
    pub(super) requests_limit: Option<u64>,
    /// Of all processes.
    pub(super) requests_used: u64,
    /// The day on which they run out at this pace; null: not in this month.
    #[schema(required = true)]
    pub(super) runs_out: Option<String>,
}

/// A sink to which nothing is sent until an error is fixed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PausedSink {
    /// The other side's words.
    error: String,
    /// RFC 3339.
    since: String,
    /// When it was probed last, RFC 3339.
    tried_at: String,
}

impl BaseBudget {
    fn allowance(&self, row: Option<BaseRow>, now: Timestamp) -> Allowance {
        Allowance {
            limit: self.monthly_requests,
            used: row.map_or(0, |row| row.used(now)),
        }
    }

    /// Requests per second, as reduced by lockouts.
    fn rate(&self, row: Option<BaseRow>, now: Timestamp) -> f64 {
        let configured = self.requests_per_second;
        let reduced = row.and_then(|row| row.lowered);
        reduced.map_or(configured, |(rate, at)| {
            let ago = now.duration_since(at).try_into().unwrap_or_default();
            recovered_rate(configured, rate, ago)
        })
    }
}

/// `{"requests_per_second", "month": {…}}`, and the paused sinks with the reason.
pub(super) async fn details(
    app: &App,
) -> Result<(AirtableBudget, BTreeMap<&'static str, PausedSink>), store::Error> {
    let now = (app.clock)();
    let row = app.store.base(&app.base.id).await?;
    let allowance = app.base.allowance(row, now);
    let airtable = AirtableBudget {
        month: MonthBudget {
            requests_left: allowance.left(),
            requests_limit: allowance.limit,
            requests_used: allowance.used,
            runs_out: allowance.runs_out(now).map(|at| utc_day(at).to_string()),
        },
        requests_per_second: app.base.rate(row, now),
        locked_until: row.and_then(|row| row.locked_until(now)),
    };
    let paused = app
        .store
        .paused_sinks()
        .await?
        .into_iter()
        .map(|paused_sink| {
            let details = PausedSink {
                error: paused_sink.error,
                since: paused_sink.since.to_string(),
                tried_at: paused_sink.probe_at.to_string(),
            };
            (paused_sink.sink.as_str(), details)
        });
    Ok((airtable, paused.collect()))
}

/// The rest of Airtable's lockout.
fn lockout(row: Option<BaseRow>, now: Timestamp) -> SignedDuration {
    let until = row.and_then(|row| row.locked_until(now));
    until.map_or(SignedDuration::ZERO, |until| until.duration_since(now))
}

/// How many requests are left this month; `None` without a limit.
pub(super) async fn requests_left(app: &App) -> Result<Option<u64>, store::Error> {
    let row = app.store.base(&app.base.id).await?;
    Ok(app.base.allowance(row, (app.clock)()).left())
}

/// Gauges read from the store, so that every replica shows the same.
pub(super) async fn metrics(app: &App) -> Result<String, store::Error> {
    let now = (app.clock)();
    let row = app.store.base(&app.base.id).await?;
    let allowance = app.base.allowance(row, now);
    let mut gauges = vec![
        (
            "livekit_airtable_month_requests_used",
            allowance.used.to_string(),
        ),
        (
            "livekit_airtable_requests_per_second",
            app.base.rate(row, now).to_string(),
        ),
        (
            "livekit_airtable_lockout_seconds",
            lockout(row, now).as_secs().to_string(),
        ),
        (
            "livekit_airtable_rows_written",
            app.store.written_rows().await?.to_string(),
        ),
    ];
    if let Some(limit) = allowance.limit {
        let name = "livekit_airtable_month_requests_limit";
        gauges.push((name, limit.to_string()));
    }
    let gauges = gauges.iter();
    let mut text: String = gauges
        .map(|(name, value)| format!("# TYPE {name} gauge\n{name} {value}\n"))
        .collect();
    text += "# TYPE livekit_airtable_sink_paused gauge\n";
    for paused_sink in app.store.paused_sinks().await? {
        let sink = paused_sink.sink;
        text += &format!("livekit_airtable_sink_paused{{sink=\"{sink}\"}} 1\n");
    }
    Ok(text)
}
