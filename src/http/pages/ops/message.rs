//! What a message says, in a few words: its event and the IDs in it. Nothing of what was said.

use serde_json::Value;

use super::marks;
use crate::store::{CallMessage, MessageKind};

/// A message in words.
pub(super) struct Described {
    /// Who sent it.
    pub(super) from: &'static str,
    /// The event.
    pub(super) what: String,
    /// IDs and states.
    pub(super) details: Vec<String>,
    /// A participant's identity, which may be a number.
    pub(super) person: Option<String>,
}

/// Reads what a message is about. One that cannot be read is only named.
pub(super) fn describe(message: &CallMessage) -> Described {
    let body = message.body.as_deref();
    let body: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    let body = body.unwrap_or(Value::Null);
    let (from, what, details) = match message.kind {
        MessageKind::Webhook => (
            "Webhook",
            text(&body, &["event"]),
            egress(part(&body, &["egressInfo", "egress_info"])),
        ),
        MessageKind::Report => ("Agent", None, Vec::new()),
        MessageKind::Request => ("Request", text(&body, &["request"]), Vec::new()),
        MessageKind::Egress => ("LiveKit", None, egress(&body)),
        MessageKind::Room | MessageKind::Participant => ("LiveKit", None, Vec::new()),
        MessageKind::Observation => ("Service", text(&body, &["finding"]), observed(&body)),
        MessageKind::Object => ("Bucket", None, Vec::new()),
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
        details,
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
    Some(value.chars().take(100).collect())
}

fn egress(info: &Value) -> Vec<String> {
    let id = text(info, &["egressId", "egress_id"]);
    let status = text(info, &["status"]);
    let error = text(info, &["error"]);
    [id, status, error]
        .into_iter()
        .flatten()
        .filter(|it| !it.is_empty())
        .collect()
}

fn observed(body: &Value) -> Vec<String> {
    let id = text(body, &["egress_id"]);
    let error = text(body, &["error"]);
    id.into_iter().chain(error).collect()
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
