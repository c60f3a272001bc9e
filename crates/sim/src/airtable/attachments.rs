//! Cells of attachments.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::base::Base;
use super::ids;
use super::refusal::Refusal;

/// The content of a fetched or uploaded attachment.
#[derive(Clone)]
pub(super) struct Content {
    /// The media type.
    pub kind: String,
    pub bytes: Bytes,
}

/// Reads a cell from `[{"url","filename"?} | {"id"}]`. An id must be in the current cell already; a URL is fetched later.
pub(super) fn accept(
    field: &str,
    value: &Value,
    current: Option<&Value>,
) -> Result<Option<Value>, Refusal> {
    let items = value.as_array().ok_or_else(|| Refusal::bad_value(field))?;
    let cell: Result<Vec<Value>, Refusal> =
        items.iter().map(|item| one(field, item, current)).collect();
    Ok(Some(cell?)
        .filter(|cell| !cell.is_empty())
        .map(Value::Array))
}

fn one(field: &str, item: &Value, current: Option<&Value>) -> Result<Value, Refusal> {
    let refused = |why: &str| {
        let message = format!("Invalid attachment object for field \"{field}\": {why}");
        Err(Refusal::invalid("INVALID_ATTACHMENT_OBJECT", message))
    };
    if let Some(id) = item["id"].as_str() {
        let kept = current
            .and_then(Value::as_array)
            .and_then(|cell| cell.iter().find(|kept| kept["id"] == id));
        return match kept {
            Some(kept) => Ok(kept.clone()),
            None => refused("no attachment has this id"),
        };
    }
    let Some(url) = item["url"].as_str().and_then(|u| url::Url::parse(u).ok()) else {
        return refused("it needs a \"url\"");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refused("its \"url\" is not http or https");
    }
    let last = url
        .path()
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty());
    let filename = item["filename"].as_str().or(last).unwrap_or("attachment");
    Ok(json!({"id": ids::fresh("att"), "url": url.as_str(), "filename": filename}))
}

/// An attachment whose bytes we serve; `own` is our address.
pub(super) fn stored(own: &str, id: &str, filename: &str, content: &Content) -> Value {
    json!({
        "id": id, "url": format!("{own}/attachments/{id}/{}", encode(filename)), "filename": filename,
        "size": content.bytes.len(), "type": content.kind,
    })
}

fn encode(filename: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(filename.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// Replaces an attachment in every cell that has it; None removes it.
pub(super) fn replace(base: &mut Base, id: &str, new: impl Fn(&Value) -> Option<Value>) {
    for record in base.tables.iter_mut().flat_map(|t| &mut t.records) {
        let holds = |cell: &Value| {
            cell.as_array()
                .is_some_and(|all| all.iter().any(|a| a["id"] == id))
        };
        if !record.cells.values().any(holds) {
            continue;
        }
        let record = Arc::make_mut(record);
        for cell in record.cells.values_mut().filter_map(Value::as_array_mut) {
            let changed = cell
                .drain(..)
                .filter_map(|a| if a["id"] == id { new(&a) } else { Some(a) });
            let changed: Vec<Value> = changed.collect();
            *cell = changed;
        }
        record
            .cells
            .retain(|_, cell| cell.as_array().is_none_or(|all| !all.is_empty()));
    }
}
