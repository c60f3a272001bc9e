//! Reading records: one, or pages of many.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::base::{Base, Field, Place, Table};
use super::formula::{self, Formula};
use super::print;
use super::records::field_keys;
use super::refusal::{Outcome, Refusal};
use super::{computed, ids};

const LARGEST_PAGE: u64 = 100;

/// `GET` of one record. A missing one is refused like a missing permission.
pub(super) fn get(base: &Base, table: usize, id: &str, query: &Value) -> Outcome {
    let at = base.tables[table].position(id);
    let at = at.ok_or_else(Refusal::forbidden)?;
    printed(base.place(table, at), query, None)
}

/// A record as the query asks for it: `returnFieldsByFieldId`, `cellFormat`, `recordMetadata`.
fn printed(place: Place<'_>, query: &Value, only: Option<&[String]>) -> Outcome {
    let mut printed = print::record(place, field_keys(query), only);
    match query["cellFormat"].as_str().unwrap_or_default() {
        "" | "json" => {}
        "string" if query["timeZone"].is_string() && query["userLocale"].is_string() => {
            for cell in printed["fields"].as_object_mut().into_iter().flatten() {
                *cell.1 = json!(formula::text(cell.1));
            }
        }
        "string" => return Err(bad("cellFormat string needs timeZone and userLocale")),
        _ => return Err(bad("cellFormat must be json or string")),
    }
    let wanted = |value: &Value| value == "commentCount";
    let counts = match &query["recordMetadata"] {
        Value::Array(all) => all.iter().any(wanted),
        one => wanted(one),
    };
    if counts {
        printed["commentCount"] = json!(place.table.comments_on(&place.record.id));
    }
    Ok(printed)
}

/// `GET` of a table, or `POST …/listRecords` with the same in the body: filtered, sorted, then split into pages.
pub(super) fn list(base: &Base, table: usize, query: &Value) -> Outcome {
    let all = (0..base.tables[table].records.len()).map(|record| base.place(table, record));
    let table = &base.tables[table];
    let only = only(table, query)?;
    let page_size = number(query, "pageSize")?.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&page_size) {
        return Err(bad("pageSize must be between 1 and 100"));
    }
    known_view(table, query)?;
    let found = filtered(all, table, query)?;
    let mut found = sorted(table, query, found)?;
    if let Some(most) = number(query, "maxRecords")? {
        if most == 0 {
            return Err(bad("maxRecords must be greater than 0"));
        }
        found.truncate(most as usize);
    }
    let start = start(query, &found)?;
    let end = found.len().min(start + page_size as usize);
    let page: Result<Vec<Value>, Refusal> = found[start..end]
        .iter()
        .map(|place| printed(*place, query, only.as_deref()))
        .collect();
    let page = page?;
    let mut answer = json!({"records": page});
    if let Some(next) = found.get(end) {
        answer["offset"] = json!(format!("{}/{}", ids::fresh("itr"), next.record.id));
    }
    Ok(answer)
}

fn bad(message: &str) -> Refusal {
    Refusal::invalid(
        "INVALID_REQUEST_UNKNOWN",
        format!("Invalid request: {message}"),
    )
}

/// A number from JSON or from a query string; None if it is missing or empty.
fn number(query: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    match &query[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text
            .parse()
            .map(Some)
            .map_err(|_| bad(&format!("{name} is not a number"))),
        number => number
            .as_u64()
            .map(Some)
            .ok_or_else(|| bad(&format!("{name} is not a number"))),
    }
}

/// The ids of the requested fields.
fn only(table: &Table, query: &Value) -> Result<Option<Vec<String>>, Refusal> {
    let Some(names) = query["fields"].as_array() else {
        return Ok(None);
    };
    let id = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let field = table
            .field(name)
            .ok_or_else(|| Refusal::unknown_field(name))?;
        Ok(field.id.clone())
    };
    names.iter().map(id).collect::<Result<_, _>>().map(Some)
}

fn known_view(table: &Table, query: &Value) -> Result<(), Refusal> {
    match query["view"].as_str().filter(|view| !view.is_empty()) {
        Some(name)
            if !table
                .views
                .iter()
                .any(|v| v["id"] == name || v["name"] == name) =>
        {
            Err(Refusal::invalid(
                "VIEW_NAME_NOT_FOUND",
                format!("View {name} not found"),
            ))
        }
        _ => Ok(()),
    }
}

fn filtered<'a>(
    all: impl Iterator<Item = Place<'a>>,
    table: &Table,
    query: &Value,
) -> Result<Vec<Place<'a>>, Refusal> {
    let Some(text) = query["filterByFormula"].as_str().filter(|f| !f.is_empty()) else {
        return Ok(all.collect());
    };
    let invalid = |why: String| {
        let message = format!("The formula for filtering records is invalid: {why}");
        Refusal::invalid("INVALID_FILTER_BY_FORMULA", message)
    };
    let formula = Formula::parse(text, table).map_err(invalid)?;
    Ok(all
        .filter(|place| computed::matches(&formula, *place))
        .collect())
}

fn sorted<'a>(
    table: &Table,
    query: &Value,
    found: Vec<Place<'a>>,
) -> Result<Vec<Place<'a>>, Refusal> {
    let mut keys = Vec::new();
    for key in query["sort"].as_array().into_iter().flatten() {
        let name = key["field"].as_str().unwrap_or_default();
        let field = table
            .field(name)
            .ok_or_else(|| Refusal::unknown_field(name))?;
        keys.push((field, key["direction"] == "desc"));
    }
    let ranks = |place| {
        let ranks = keys.iter().map(|(field, _)| rank(place, field));
        (ranks.collect::<Vec<_>>(), place)
    };
    let mut found: Vec<_> = found.into_iter().map(ranks).collect();
    found.sort_by(|(a, _), (b, _)| {
        let by_key = keys.iter().zip(a.iter().zip(b));
        let by_key = by_key.map(|((_, descending), (a, b))| {
            let order = compare(a, b);
            if *descending { order.reverse() } else { order }
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    });
    Ok(found.into_iter().map(|(_, place)| place).collect())
}

/// The value that a cell is sorted by: for a single select the position of the choice.
fn rank<'a>(place: Place<'a>, field: &Field) -> Option<Cow<'a, Value>> {
    let cell = computed::cell(place, field, 0)?;
    let choices = field.options.as_ref().map(|options| &options["choices"]);
    match (field.kind.as_str(), choices.and_then(Value::as_array)) {
        ("singleSelect", Some(choices)) => {
            let at = choices.iter().position(|choice| choice["name"] == *cell);
            at.map(|at| Cow::Owned(json!(at)))
        }
        _ => Some(cell),
    }
}

/// Empty cells first, numbers as numbers, everything else as text ignoring case.
fn compare(a: &Option<Cow<Value>>, b: &Option<Cow<Value>>) -> Ordering {
    let number = |cell: &Option<Cow<Value>>| cell.as_ref().and_then(|cell| cell.as_f64());
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => {
            let text = |cell: &Cow<Value>| formula::text(cell).to_lowercase();
            a.as_ref().map(text).cmp(&b.as_ref().map(text))
        }
    }
}

/// The index at which the page begins: `offset` is `itr…/rec…` with the id of the next record.
fn start(query: &Value, found: &[Place<'_>]) -> Result<usize, Refusal> {
    let Some(offset) = query["offset"].as_str().filter(|o| !o.is_empty()) else {
        return Ok(0);
    };
    let next = offset.split_once('/').map(|(_, next)| next);
    let at = next.and_then(|next| found.iter().position(|p| p.record.id == next));
    at.ok_or_else(|| {
        let message =
            "The iterator for this list of records has expired. Start again without offset.";
        Refusal::invalid("LIST_RECORDS_ITERATOR_NOT_AVAILABLE", message)
    })
}
