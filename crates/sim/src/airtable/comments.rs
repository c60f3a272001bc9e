//! Comments on records: `/v0/{base}/{table}/{record}/comments`.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::base::{Comment, Table};
use super::call::Call;
use super::ids;
use super::refusal::{Outcome, Refusal};
use super::user::user;

/// Answers a request; `comment` is the id of a comment, if the path names one.
pub(super) fn answer(
    table: &mut Table,
    call: &Call,
    record: &str,
    comment: Option<&str>,
) -> Outcome {
    table.position(record).ok_or_else(Refusal::forbidden)?;
    let known = |c: &Comment| c.record == record && Some(id(c)) == comment;
    let at = table.comments.iter().position(known);
    match (call.method.clone(), comment, at) {
        (Method::GET, None, _) => Ok(list(table, record)),
        (Method::POST, None, _) => {
            let mut printed = text(&call.json()?)?;
            printed["id"] = json!(ids::fresh("com"));
            printed["createdTime"] = json!(ids::now());
            printed["lastUpdatedTime"] = Value::Null;
            printed["author"] = user();
            let record = record.to_owned();
            table.comments.push(Comment {
                record,
                printed: printed.clone(),
            });
            Ok(printed)
        }
        (Method::PATCH, Some(_), Some(at)) => {
            let changed = text(&call.json()?)?;
            let printed = &mut table.comments[at].printed;
            printed["text"] = changed["text"].clone();
            printed["mentioned"] = changed["mentioned"].clone();
            printed["lastUpdatedTime"] = json!(ids::now());
            Ok(printed.clone())
        }
        (Method::DELETE, Some(id), Some(at)) => {
            table.comments.remove(at);
            Ok(json!({"id": id, "deleted": true}))
        }
        (_, Some(_), None) => Err(Refusal::forbidden()),
        _ => Err(Refusal::not_found()),
    }
}

fn id(comment: &Comment) -> &str {
    comment.printed["id"].as_str().unwrap_or_default()
}

fn list(table: &Table, record: &str) -> Value {
    let of_record = table.comments.iter().filter(|c| c.record == record);
    let newest_first: Vec<&Value> = of_record.rev().map(|c| &c.printed).collect();
    json!({"comments": newest_first, "offset": null})
}

/// The text, and the users that it mentions as `@[usr…]`.
fn text(body: &Value) -> Outcome {
    let text = body["text"].as_str().filter(|text| !text.is_empty());
    let missing = || Refusal::invalid("INVALID_REQUEST_UNKNOWN", "text is missing");
    let text = text.ok_or_else(missing)?;
    let user = user();
    let id = user["id"].as_str().unwrap_or_default();
    let mut mentioned = Map::new();
    if text.contains(&format!("@[{id}]")) {
        let printed =
            json!({"type": "user", "id": id, "displayName": user["name"], "email": user["email"]});
        mentioned.insert(id.to_owned(), printed);
    }
    Ok(json!({"text": text, "mentioned": mentioned}))
}
