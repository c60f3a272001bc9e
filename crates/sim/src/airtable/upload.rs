//! `uploadAttachment`: an attachment whose bytes are in the request.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::attachments::{self, Content};
use super::base::Base;
use super::ids;
use super::print::{self, FieldKeys};
use super::refusal::{Outcome, Refusal};

/// Airtable's documented limit, in bytes.
const LARGEST: usize = 5 * 1024 * 1024;

/// The cell of an upload: base and record by id, the field by id or name.
pub(super) struct Target<'a> {
    pub base: &'a str,
    pub record: &'a str,
    pub field: &'a str,
}

/// A stored attachment: what the request gets, and the bytes to serve under the attachment's id.
pub(super) struct Uploaded {
    pub answer: Value,
    pub id: String,
    pub content: Content,
}

/// `POST /v0/{base}/{record}/{field}/uploadAttachment` with `{"contentType","file" (base64),"filename"}`: appends to the
/// cell. The answer has fields by id, whatever the request asks for. `own` is our address.
pub(super) fn upload(
    base: &mut Base,
    own: &str,
    target: &Target<'_>,
    body: &Value,
) -> Result<Uploaded, Refusal> {
    let (filename, content) = read(body)?;
    let id = ids::fresh("att");
    let attachment = attachments::stored(own, &id, filename, &content);
    let answer = append(base, target, attachment)?;
    Ok(Uploaded {
        answer,
        id,
        content,
    })
}

fn read(body: &Value) -> Result<(&str, Content), Refusal> {
    let text = |key: &str| {
        let missing = || Refusal::invalid("INVALID_REQUEST_UNKNOWN", format!("{key} is missing"));
        body[key].as_str().ok_or_else(missing)
    };
    let (kind, filename) = (text("contentType")?, text("filename")?);
    let bytes = STANDARD
        .decode(text("file")?.split_whitespace().collect::<String>())
        .map_err(|_| Refusal::invalid("INVALID_REQUEST_UNKNOWN", "file is not base64"))?;
    if bytes.len() > LARGEST {
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
    Ok((filename, content))
}

fn append(base: &mut Base, target: &Target<'_>, attachment: Value) -> Outcome {
    let mut tables = base.tables.iter().enumerate();
    let holder = tables.find_map(|(n, table)| Some((n, table.position(target.record)?)));
    let (n, at) = holder.ok_or_else(Refusal::forbidden)?;
    let table = &mut base.tables[n];
    let field = table
        .field(target.field)
        .ok_or_else(|| Refusal::unknown_field(target.field))?;
    if field.kind != "multipleAttachments" {
        return Err(Refusal::bad_value(&field.name));
    }
    let id = field.id.clone();
    let row = Arc::make_mut(&mut table.records[at]);
    let cell = row.cells.entry(id.clone()).or_insert_with(|| json!([]));
    if let Some(cell) = cell.as_array_mut() {
        cell.push(attachment);
    }
    Ok(print::record(
        base.place(n, at),
        FieldKeys::Ids,
        Some(&[id]),
    ))
}
