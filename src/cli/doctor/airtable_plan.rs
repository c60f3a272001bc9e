//! What is used of Airtable's plan.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    examined::Examined,
    finding::{Finding, Group, Name, Severity},
    row::Row,
};
use crate::{
    airtable::{Class, Client, Error, Table},
    config::AirtableSettings,
    domain::budget::Month,
};

/// Percent of a limit from which somebody should look.
const MUCH: u64 = 80;
/// How long a refusal of Airtable's is worth a word.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The records that a base may have, by the plan's monthly requests: Free, Team, Business.
const RECORDS: [(u64, u64); 3] = [(1_000, 1_000), (100_000, 50_000), (u64::MAX, 125_000)];
/// The check of the requests, which is the first of the group: without any left, nothing else can be asked.
pub(super) const REQUESTS: Name = (Group::Airtable, "requests");
const NETWORK: &str = "AIRTABLE_API_URL, if you set it; else let this machine reach api.airtable.com over HTTPS (DNS, firewall, HTTPS_PROXY)";
const PLAN: &str = "airtable.com → the workspace → Billing";

/// This month's requests against AIRTABLE_MONTHLY_REQUESTS.
pub(super) async fn requests(examined: &Examined, settings: &AirtableSettings) -> Finding {
    let Some(store) = &examined.store else {
        return examined.without_store("there is no database yet that counts them");
    };
    let now = examined.now();
    let used = match store.base(&settings.base_id).await {
        Ok(row) => row.map_or(0, |row| row.used(now)),
        Err(error) => return Finding::skipped(format!("the database cannot be read: {error}")),
    };
    let forecast = forecast(used, now);
    let Some(limit) = settings.monthly_requests else {
        return Finding::ok(format!(
            "{used} used this month, about {forecast} at its end; AIRTABLE_MONTHLY_REQUESTS sets no limit"
        ));
    };
    let detail = format!("{used} of {limit} used this month, about {forecast} at its end");
    let remedy = format!(
        "AIRTABLE_MONTHLY_REQUESTS, or AIRTABLE_WRITES=final, which needs fewer; a larger plan: {PLAN}"
    );
    let percent = used.max(forecast.min(limit * 99 / 100)) * 100 / limit.max(1);
    judge(percent, detail, &remedy)
}

/// What is used at the end of the month if it goes on like this.
fn forecast(used: u64, now: Timestamp) -> u64 {
    let month = Month::of(now);
    let gone = now.duration_since(month.starts).as_secs().unsigned_abs();
    let all = month
        .ends
        .duration_since(month.starts)
        .as_secs()
        .unsigned_abs();
    // The first day says little.
    match gone < 86_400 {
        true => used,
        false => used.saturating_mul(all) / gone,
    }
}

/// The base's records against the plan, counted with `--count`.
pub(super) async fn records(
    client: &Client,
    settings: &AirtableSettings,
    tables: &[Table],
) -> Finding {
    let mut count = 0;
    for table in tables {
        match client.count(table).await {
            Ok(found) => count += found,
            Err(error) => return failure(&error, PLAN, Row::Budget),
        }
    }
    let Some(requests) = settings.monthly_requests else {
        return Finding::ok(format!(
            "{count} in the base; a base may have 1,000 (Free), 50,000 (Team) or 125,000 (Business)"
        ));
    };
    let plan = RECORDS.iter().find(|(most, _)| requests <= *most);
    let limit = plan.map_or(125_000, |(_, records)| *records);
    let detail = format!("{count} in the base, of {limit} that the plan allows");
    let remedy = format!("AIRTABLE_BASE_ID: delete old rows, or choose a larger plan: {PLAN}");
    judge(count * 100 / limit, detail, &remedy)
}

fn judge(percent: u64, detail: String, remedy: &str) -> Finding {
    match percent {
        100.. => Finding::failure(Severity::Failed, detail, remedy, Row::Budget),
        MUCH.. => Finding::warning(detail, remedy, Row::Budget),
        _ => Finding::ok(detail),
    }
}

/// Whether Airtable refused requests although this service kept to its rate.
pub(super) async fn other_writers(examined: &Examined, settings: &AirtableSettings) -> Finding {
    let Some(store) = &examined.store else {
        return examined.without_store("there is no database yet that knows");
    };
    let row = store.base(&settings.base_id).await.ok().flatten();
    let lowered = row.and_then(|row| row.lowered);
    let recent = lowered.filter(|(_, at)| examined.now().duration_since(*at) < RECENT);
    let Some((rate, at)) = recent else {
        return Finding::ok("Airtable refused no request for its rate this week");
    };
    let ago = examined.now().duration_since(at);
    let ago = Duration::try_from(ago).unwrap_or_default().as_secs() / 60;
    Finding::warning(
        format!(
            "Airtable answered 429 {ago} minutes ago although this service kept below {} requests per second: another program writes to the base (the rate was lowered to {rate:.1})",
            settings.requests_per_second
        ),
        "AIRTABLE_REQUESTS_PER_SECOND: lower it, or find the other program: airtable.com/create/tokens shows when tokens were used",
        Row::Budget,
    )
}

/// The failure of a request to Airtable.
pub(super) fn failure(error: &Error, remedy: &str, row: Row) -> Finding {
    let remedy = match error {
        // Nothing was sent.
        Error::Spent { .. } => return Finding::not_checked(REQUESTS),
        Error::Uncounted(_) => "DATABASE_URL: see Here: database",
        Error::Unreachable(_) => NETWORK,
        _ => match error.status() {
            Some(500..) => {
                "no variable: status.airtable.com says whether Airtable has a fault; run doctor again later"
            }
            Some(429) => {
                "no variable: too many requests were sent to the base or with the token; run doctor again in a minute"
            }
            _ => remedy,
        },
    };
    let severity = match (error.status(), error.class()) {
        (Some(401 | 403), _) => Severity::NotPermitted,
        (_, Class::Configuration) => Severity::Configuration,
        (None, _) | (Some(429 | 500..), _) => Severity::Unavailable,
        _ => Severity::Failed,
    };
    Finding::failure(severity, error.to_string(), remedy, row)
}
