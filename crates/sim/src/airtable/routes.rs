//! Which request does what. Paths are matched on decoded segments.

use axum::http::Method;
use serde_json::Value;

use super::base::Base;
use super::call::Call;
use super::records::UpdateMode;
use super::refusal::{Outcome, Refusal};
use super::simulator::Airtable;
use super::state::State;
use super::upload::Target;
use super::{comments, ids, list, records, schema, upload, webhooks};

/// Executes a request that token, rate limit and faults have let through.
pub(super) fn dispatch(airtable: &Airtable, call: &Call) -> Outcome {
    let mut state = airtable.state();
    match &call.path()[..] {
        ["v0", "meta", rest @ ..] => metadata(&mut state, call, rest),
        ["v0", "bases", base, "webhooks", rest @ ..] => {
            webhooks::answer(state.base(base)?, call, rest)
        }
        ["v0", base, record, field, "uploadAttachment"] if call.method == Method::POST => {
            let target = Target {
                base,
                record,
                field,
            };
            upload(airtable, &mut state, call, &target)
        }
        ["v0", base, table] => many(&mut state, call, base, table),
        ["v0", base, table, "listRecords"] if call.method == Method::POST => {
            let mut query = call.json()?;
            if let (Some(query), Value::Object(more)) = (query.as_object_mut(), call.query()) {
                query.extend(more);
            }
            let base = state.base(base)?;
            list::list(base, base.table_at(table)?, &query)
        }
        ["v0", base, table, record] => one(&mut state, call, base, table, record),
        ["v0", base, table, record, "comments", comment @ ..] if comment.len() < 2 => {
            let table = state.base(base)?.table_mut(table)?;
            comments::answer(table, call, record, comment.first().copied())
        }
        _ => Err(Refusal::not_found()),
    }
}

fn metadata(state: &mut State, call: &Call, path: &[&str]) -> Outcome {
    match (call.method.as_str(), path) {
        ("GET", ["whoami"]) => schema::whoami(),
        ("GET", ["bases"]) => schema::bases(&state.bases),
        ("POST", ["bases"]) => schema::create_base(&mut state.bases, &call.json()?),
        ("GET", ["bases", base]) => schema::collaborators(state.base(base)?),
        ("DELETE", ["bases", base]) => schema::delete_base(&mut state.bases, base),
        ("GET", ["bases", base, "tables"]) => schema::tables(state.base(base)?),
        ("POST", ["bases", base, "tables"]) => {
            let body = call.json()?;
            let base = state.base(base)?;
            transact(base, |base| schema::create_table(base, &body))
        }
        ("PATCH", ["bases", base, "tables", table]) => {
            schema::update_table(state.base(base)?, table, &call.json()?)
        }
        ("POST", ["bases", base, "tables", table, "fields"]) => {
            let body = call.json()?;
            let base = state.base(base)?;
            transact(base, |base| schema::create_field(base, table, &body))
        }
        ("PATCH", ["bases", base, "tables", table, "fields", field]) => {
            schema::update_field(state.base(base)?, table, field, &call.json()?)
        }
        _ => Err(Refusal::not_found()),
    }
}

fn many(state: &mut State, call: &Call, base: &str, table: &str) -> Outcome {
    let base = state.base(base)?;
    let table = base.table_at(table)?;
    let query = call.query();
    let keys = records::field_keys(&query);
    if call.method == Method::GET {
        return list::list(base, table, &query);
    }
    transact(base, |base| match call.method.as_str() {
        "POST" => records::create(base, table, &call.json()?, keys),
        "PATCH" => records::update(base, table, &call.json()?, UpdateMode::Merge, keys),
        "PUT" => records::update(base, table, &call.json()?, UpdateMode::Replace, keys),
        "DELETE" => records::delete(base, table, &call.record_ids()),
        _ => Err(Refusal::not_found()),
    })
}

fn one(state: &mut State, call: &Call, base: &str, table: &str, record: &str) -> Outcome {
    let base = state.base(base)?;
    let table = base.table_at(table)?;
    if !ids::is_id(record, "rec") {
        return Err(Refusal::not_found());
    }
    let query = call.query();
    let keys = records::field_keys(&query);
    if call.method == Method::GET {
        return list::get(base, table, record, &query);
    }
    transact(base, |base| match call.method.as_str() {
        "PATCH" => records::update_one(
            base,
            (table, record),
            &call.json()?,
            UpdateMode::Merge,
            keys,
        ),
        "PUT" => records::update_one(
            base,
            (table, record),
            &call.json()?,
            UpdateMode::Replace,
            keys,
        ),
        "DELETE" => records::delete_one(base, table, record),
        _ => Err(Refusal::not_found()),
    })
}

fn upload(airtable: &Airtable, state: &mut State, call: &Call, target: &Target<'_>) -> Outcome {
    let body = call.json()?;
    let base = state.base(target.base)?;
    let uploaded = upload::upload(base, &airtable.url(), target, &body)?;
    state.contents.insert(uploaded.id, uploaded.content);
    Ok(uploaded.answer)
}

/// Applies a change to a draft of the base and keeps it only if it succeeds: a refused request changes nothing.
fn transact(base: &mut Base, change: impl FnOnce(&mut Base) -> Outcome) -> Outcome {
    let mut draft = base.clone();
    let answer = change(&mut draft)?;
    webhooks::record_changes(base, &mut draft);
    *base = draft;
    Ok(answer)
}
