//! Requests that Airtable does not have: injecting faults, reading counters, and changing fields as a user of the interface
//! does. They need no token and do not count as API requests.
//!
//! ```text
//! curl localhost:PORT/sim
//! curl localhost:PORT/sim/faults -d '{"fault": "status", "status": 503, "times": 2}'
//! curl localhost:PORT/sim/faults -d '{"fault": "reset", "after_write": true, "method": "PATCH"}'
//! curl -X DELETE localhost:PORT/sim/faults
//! curl -X PATCH localhost:PORT/sim/tables/Calls/fields/Duration -d '{"type": "singleLineText"}'
//! curl -X PATCH localhost:PORT/sim/tables/Calls/fields/Caller -d '{"locked": true}'
//! curl -X PATCH localhost:PORT/sim/tables/Calls -d '{"locked": true}'
//! curl -X PATCH localhost:PORT/sim -d '{"record_limit": 1000}'
//! curl -X DELETE localhost:PORT/sim/tables/Calls/fields/Caller
//! ```

use std::time::Duration;

use axum::http::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::call::Call;
use super::faults::Fault;
use super::refusal::{Outcome, Refusal};
use super::simulator::{Airtable, Lock};

/// Answers a request below `/sim`; None if it is one of Airtable's.
pub(super) fn answer(airtable: &Airtable, call: &Call) -> Option<Outcome> {
    let path = call.path();
    let ("sim", rest) = path.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    Some(match (call.method.as_str(), rest) {
        ("GET", []) => Ok(state(airtable)),
        ("POST", ["faults"]) => read(call).and_then(|asked| ask(airtable, asked)),
        ("DELETE", ["faults"]) => {
            airtable.state().faults.clear();
            Ok(state(airtable))
        }
        ("PATCH", ["tables", table, "fields", field]) => {
            read(call).and_then(|edit| change(airtable, table, field, edit))
        }
        ("PATCH", []) => read(call).map(|Limits { record_limit }| {
            airtable.limit_records(record_limit);
            state(airtable)
        }),
        ("PATCH", ["tables", table]) => read(call)
            .and_then(|edit: TableEdit| done(airtable.lock_table(table, lock(edit.locked)))),
        ("DELETE", ["tables", table, "fields", field]) => done(airtable.delete_field(table, field)),
        _ => Err(Refusal::not_found()),
    })
}

fn state(airtable: &Airtable) -> Value {
    let state = airtable.state();
    let bases: Vec<&str> = state.bases.iter().map(|base| base.id.as_str()).collect();
    json!({
        "bases": bases, "requests": state.requests, "breaches": state.breaches, "faults_left": state.faults.left(),
    })
}

/// A fault for the next `times` requests, of one `method` or any.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    fault: Name,
    #[serde(default = "once")]
    times: usize,
    method: Option<String>,
    /// The request is executed before it fails.
    #[serde(default)]
    after_write: bool,
    /// For `status` and `html`.
    status: Option<u16>,
    /// For `status`; default: Airtable's usual body.
    body: Option<Value>,
    /// For `silent` and `slow`.
    #[serde(default = "half_a_minute")]
    seconds: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Status,
    Html,
    Reset,
    Silent,
    Truncated,
    Slow,
    Quota,
    Lockout,
    NoAttachments,
}

fn once() -> usize {
    1
}

/// Longer than clients' usual timeouts.
fn half_a_minute() -> f64 {
    31.0
}

fn ask(airtable: &Airtable, asked: Asked) -> Outcome {
    let method = asked.method.as_deref().map(str::to_uppercase);
    let method = method.map(|name| Method::from_bytes(name.as_bytes()));
    let method = method
        .transpose()
        .map_err(|_| bad("`method` is not an HTTP method"))?;
    let wait = Duration::try_from_secs_f64(asked.seconds)
        .map_err(|_| bad("`seconds` is not a valid duration"))?;
    let status = asked.status.unwrap_or(500);
    let fault = match asked.fault {
        Name::Status => Fault::Status(status, words(status, asked.body)),
        Name::Html => Fault::Html(status),
        Name::Reset => Fault::Reset,
        Name::Silent => Fault::Silent(wait),
        Name::Truncated => Fault::Truncated,
        Name::Slow => Fault::Slow(wait),
        Name::Quota => Fault::Quota,
        Name::Lockout => Fault::Lockout,
        Name::NoAttachments => Fault::NoAttachments,
    };
    let fault = match asked.after_write {
        true => Fault::After(Box::new(fault)),
        false => fault,
    };
    airtable.state().faults.push(asked.times, method, fault);
    Ok(state(airtable))
}

/// The given body, or Airtable's usual one for the status.
fn words(status: u16, body: Option<Value>) -> String {
    let refusal = match status {
        401 => Refusal::unauthenticated(),
        403 => Refusal::forbidden(),
        404 => Refusal::not_found(),
        429 => Refusal::rate_limited(),
        503 => Refusal::new(status, "RETRIABLE_ERROR", "Please try again"),
        _ => Refusal::new(
            status,
            "SERVER_ERROR",
            "Try again. If the problem persists, contact support.",
        ),
    };
    body.unwrap_or(refusal.body).to_string()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    options: Option<Value>,
    locked: Option<bool>,
}

/// Whether the table's permissions keep tokens from creating records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableEdit {
    locked: bool,
}

fn lock(locked: bool) -> Lock {
    match locked {
        true => Lock::Locked,
        false => Lock::Open,
    }
}

/// How many records the base may hold; null is no limit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    record_limit: Option<usize>,
}

/// Edits a field as a user does. The name changes last, since `field` may be the old name.
fn change(airtable: &Airtable, table: &str, field: &str, edit: Edit) -> Outcome {
    if let Some(kind) = &edit.kind {
        done(airtable.change_type(table, field, kind, edit.options))?;
    }
    if let Some(locked) = edit.locked {
        done(airtable.lock_field(table, field, lock(locked)))?;
    }
    match edit.name {
        Some(name) => done(airtable.rename_field(table, field, &name)),
        None => Ok(json!({})),
    }
}

fn done(found: bool) -> Outcome {
    match found {
        true => Ok(json!({})),
        false => Err(Refusal::not_found()),
    }
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    let body = call.json()?;
    serde_json::from_value(body).map_err(|error| bad(&error.to_string()))
}

fn bad(why: &str) -> Refusal {
    Refusal::new(400, "BAD_REQUEST", why)
}
