//! What a message says, in a few words: its event and the IDs in it. Nothing of what was said.

use serde_json::Value;

use super::marks;
use crate::store::{CallMessage, MessageKind};

/// Characters of each text that are shown.
const LONGEST: usize = 200;

/// A message in words.
pub(super) struct Described {
    /// Who sent it.
    pub(super) from: &'static str,
    /// The event.
    pub(super) what: String,
    /// IDs and states.
    pub(super) details: Vec<String>,
    /// What went wrong, in words.
    pub(super) error: Option<String>,
    /// A participant's identity, which may be a number.
    pub(super) person: Option<String>,
}

/// Reads what a message is about. One that cannot be read is only named.
pub(super) fn describe(message: &CallMessage) -> Described {
    let body = message.body.as_deref();
    let body: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    let body = body.unwrap_or(Value::Null);
    let nothing = &Value::Null;
    // What has the ID of an egress, its state and its error.
    let (from, what, about) = match message.kind {
        MessageKind::Webhook => (
            "Webhook",
            text(&body, &["event"]),
            part(&body, &["egressInfo", "egress_info"]),
        ),
        MessageKind::Report => ("Agent", None, nothing),
        MessageKind::Request => ("Request", text(&body, &["request"]), nothing),
        MessageKind::Egress => ("LiveKit", None, &body),
        MessageKind::Room | MessageKind::Participant => ("LiveKit", None, nothing),
        MessageKind::Observation => ("Service", text(&body, &["finding"]), &body),
        MessageKind::Object => ("Bucket", None, nothing),
    };
    let fallback = || match message.kind {
        MessageKind::Report => format!("report, {} bytes", marks::count(message.bytes)),
        MessageKind::Egress => "egress listed".to_owned(),
        MessageKind::Room => "room listed".to_owned(),
        MessageKind::Participant => "participant listed".to_owned(),
        MessageKind::Object => "object found".to_owned(),
        kind => kind.as_str().to_owned(),
    };
    Described {
        from,
        what: what.unwrap_or_else(fallback).replace('_', " "),
        details: egress(about),
        error: text(about, &["error"]).filter(|it| !it.is_empty()),
        person: person(&body),
    }
}

/// Senders write these names in two ways.
fn part<'a>(body: &'a Value, names: &[&str]) -> &'a Value {
    let found = names.iter().map(|name| &body[*name]);
    let mut found = found.filter(|value| !value.is_null());
    found.next().unwrap_or(&Value::Null)
}

fn text(body: &Value, names: &[&str]) -> Option<String> {
    let value = part(body, names).as_str()?;
    Some(value.chars().take(LONGEST).collect())
}

fn egress(info: &Value) -> Vec<String> {
    let id = text(info, &["egressId", "egress_id"]);
    let status = text(info, &["status"]);
    let known = [id, status].into_iter().flatten();
    known.filter(|it| !it.is_empty()).collect()
}

fn person(body: &Value) -> Option<String> {
    let participant = part(body, &["participant"]);
    let identity = text(participant, &["identity"])?;
    let is_program = matches!(
        text(participant, &["kind"]).as_deref(),
        Some("AGENT" | "EGRESS" | "INGRESS")
    );
    (!identity.is_empty() && !is_program && !identity.starts_with("EG_")).then_some(identity)
}
