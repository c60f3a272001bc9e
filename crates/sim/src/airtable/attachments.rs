//! Attachments: taken as URLs and fetched later, as Airtable does, or uploaded; then given back under our own address.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::base::Base;
use super::refusal::{Outcome, Refusal};
use super::{Airtable, ids};

/// The documented end of `uploadAttachment`, in bytes.
const LARGEST_UPLOAD: usize = 5 * 1024 * 1024;

/// The content of a fetched or uploaded attachment.
#[derive(Clone)]
pub(super) struct Content {
    pub kind: String,
    pub bytes: Bytes,
}

/// A cell from `[{"url","filename"?} | {"id"}]`; ids must be in the cell already.
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

/// Fetches one URL as Airtable does, after the write and with at most 3 redirects: the attachment gets size, type and our
/// address, or goes away in silence.
pub(super) async fn fetch(sim: Airtable, id: String, url: String) {
    let content = match sim.may_fetch() {
        true => download(&url).await.ok(),
        false => None,
    };
    let mut state = sim.state();
    state.fetching -= 1;
    let own = format!("{}/attachments/{id}/", sim.url());
    for base in &mut state.bases {
        change(base, &id, |attachment| {
            let content = content.as_ref()?;
            let filename = attachment["filename"].as_str().unwrap_or_default();
            Some(print(
                &id,
                &format!("{own}{}", encode(filename)),
                filename,
                content,
            ))
        });
    }
    if let Some(content) = content {
        state.contents.insert(id, content);
    }
}

impl Airtable {
    fn may_fetch(&self) -> bool {
        let mut state = self.state();
        let fails = state.unfetched > 0;
        state.unfetched = state.unfetched.saturating_sub(1);
        !fails
    }
}

async fn download(url: &str) -> reqwest::Result<Content> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::limited(3))
        .timeout(Duration::from_secs(30))
        .no_proxy()
        .build()?;
    let answer = client.get(url).send().await?.error_for_status()?;
    let kind = answer.headers().get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok());
    Ok(Content {
        kind: kind.unwrap_or("application/octet-stream").to_owned(),
        bytes: answer.bytes().await?,
    })
}

/// `POST /v0/{base}/{record}/{field}/uploadAttachment` with `{"contentType","file" (base64),"filename"}`: appends.
/// The answer's fields go by id whatever was asked.
pub(super) fn upload(
    base: &mut Base,
    own: &str,
    record: &str,
    field: &str,
    body: &Value,
) -> Result<(Value, (String, Content)), Refusal> {
    let text = |key: &str| {
        let missing = || Refusal::invalid("INVALID_REQUEST_UNKNOWN", format!("{key} is missing"));
        body[key].as_str().ok_or_else(missing)
    };
    let (kind, filename) = (text("contentType")?, text("filename")?);
    let bytes = STANDARD
        .decode(text("file")?.split_whitespace().collect::<String>())
        .map_err(|_| Refusal::invalid("INVALID_REQUEST_UNKNOWN", "file is not base64"))?;
    if bytes.len() > LARGEST_UPLOAD {
        return Err(Refusal::new(
            413,
            "REQUEST_TOO_LARGE",
            "Request body is too large",
        ));
    }
    let content = Content {
        kind: kind.to_owned(),
        bytes: bytes.into(),
    };
    let id = ids::fresh("att");
    let url = format!("{own}/attachments/{id}/{}", encode(filename));
    let attachment = print(&id, &url, filename, &content);
    let answer = append(base, record, field, attachment)?;
    Ok((answer, (id, content)))
}

fn append(base: &mut Base, record: &str, field: &str, attachment: Value) -> Outcome {
    let mut tables = base.tables.iter().enumerate();
    let holder = tables.find_map(|(n, table)| Some((n, table.position(record)?)));
    let (n, at) = holder.ok_or_else(Refusal::forbidden)?;
    let table = &mut base.tables[n];
    let field = table
        .field(field)
        .ok_or_else(|| Refusal::unknown_field(field))?;
    if field.kind != "multipleAttachments" {
        return Err(Refusal::bad_value(&field.name));
    }
    let id = field.id.clone();
    let row = Arc::make_mut(&mut table.records[at]);
    let cell = row.cells.entry(id.clone()).or_insert_with(|| json!([]));
    if let Some(cell) = cell.as_array_mut() {
        cell.push(attachment);
    }
    Ok(base.place(n, at).print(true, Some(&[id])))
}

fn print(id: &str, url: &str, filename: &str, content: &Content) -> Value {
    json!({
        "id": id, "url": url, "filename": filename, "size": content.bytes.len(), "type": content.kind,
    })
}

/// Takes one attachment away wherever it is.
pub(super) fn forget(base: &mut Base, id: &str) {
    change(base, id, |_| None);
}

/// Replaces one attachment wherever it is, or takes it away.
fn change(base: &mut Base, id: &str, new: impl Fn(&Value) -> Option<Value>) {
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

fn encode(filename: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(filename.as_bytes()).collect();
    encoded.replace('+', "%20")
}
