//! The projection: a call as the cells of its row. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Column, Schema};
use crate::domain::{
    Call,
    participant::{Kind, Participant},
};

/// Airtable takes 100,000 characters a cell and does not say of which unit; UTF-16 units are the most cautious.
const CELL: usize = 99_000;

/// The addresses of a call's row, as they are when it is sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Links {
    pub recording: Option<String>,
    /// When `recording` dies; `None` for a permanent link.
    pub expires: Option<Timestamp>,
    /// The full transcript, when the cell's was cut.
    pub transcript: Option<String>,
    /// Why the full transcript is not in the bucket, when it should be.
    pub transcript_missing: Option<String>,
}

/// Column name to cell, for every enabled column; null empties a cell.
pub fn project(call: &Call, schema: &Schema, links: &Links) -> Map<String, Value> {
    let cell = |from: &str| match from {
        "transcript" => transcript_cell(call, &cut_note(schema, links)),
        from => cell(call, from, links),
    };
    let cell = |column: &Column| (column.name.clone(), cell(&column.from).unwrap_or_default());
    schema.enabled().map(cell).collect()
}

/// The last line of a transcript that was cut: where the rest is.
fn cut_note(schema: &Schema, links: &Links) -> String {
    let link = schema
        .enabled()
        .find(|column| column.from == "transcript_url");
    match (link, &links.transcript_missing) {
        (_, Some(_)) => "[… cut here: the whole text is not in the bucket yet, see Error]".into(),
        (Some(link), None) => format!("[… cut here: the whole text is behind {}]", link.name),
        (None, None) => "[… cut here: the whole text lies in the bucket]".into(),
    }
}

/// The whole transcript, when it does not fit into a cell.
pub fn long_transcript(call: &Call) -> Option<String> {
    let transcript = &call.reports.newest()?.transcript;
    transcript.cut(CELL, "").map(|_| transcript.text())
}

fn cell(call: &Call, from: &str, links: &Links) -> Option<Value> {
    let recording = call.shown();
    let text = |text: String| Some(Value::String(text));
    let value = match from {
        "call_id" => text(call.id.clone()),
        "room_name" => text(call.room_name.clone()),
        "status" => text(call.status().label().to_owned()),
        "started_at" => call.started_at().map(date),
        "ended_at" => call.ended_at().map(date),
        "duration" => call
            .duration()
            .map(|nanos| json!((nanos as f64 / 1e9).round())),
        "caller" => caller(call).map(Value::String),
        "agent" => agent(call).map(Value::String),
        "transcript_url" => links.transcript.clone().map(Value::String),
        "recording_url" => links.recording.clone().map(Value::String),
        "recording_url_expires" => links.expires.map(date),
        "recording_size" => call.playable().map(|(_, size)| json!(size)),
        // Not a projection: it is sent once, and what is in the cell stays there.
        "recording_attachment" => None,
        "egress_id" => recording.map(|r| Value::String(r.egress_id.clone())),
        "error" => text(call.error()),
        "metadata" => text(call.metadata.1.clone()),
        "participants" => text(participants(call)),
        "summary" => report(call, "summary"),
        "job_id" => report(call, "job_id"),
        _ => open_source(call, from),
    };
    value.filter(|value| value != "")
}

/// `metadata.PATH`, `attributes.NAME`, `report.PATH`, `constant:TEXT`.
fn open_source(call: &Call, from: &str) -> Option<Value> {
    if let Some(text) = from.strip_prefix("constant:") {
        return Some(Value::String(text.to_owned()));
    }
    let (root, path) = from.split_once('.')?;
    match root {
        "metadata" => {
            let metadata: Value = serde_json::from_str(&call.metadata.1).ok()?;
            plain(&metadata, path)
        }
        "attributes" => {
            let attribute = |p: &Participant| p.attributes.get(path).cloned();
            in_order(call).find_map(attribute).map(Value::String)
        }
        "report" => report(call, path),
        _ => None,
    }
}

fn report(call: &Call, path: &str) -> Option<Value> {
    let report = call.reports.newest()?;
    plain(&Value::Object(report.fields.clone()), path)
}

/// The value at a dotted path; lists and objects as JSON text.
fn plain(root: &Value, path: &str) -> Option<Value> {
    let step = |value: &Value, name: &str| value.get(name).cloned();
    let found = path
        .split('.')
        .try_fold(root.clone(), |value, name| step(&value, name))?;
    match found {
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(Value::String(found.to_string())),
        scalar => Some(scalar),
    }
}

fn transcript_cell(call: &Call, cut_note: &str) -> Option<Value> {
    let transcript = &call.reports.newest()?.transcript;
    let cut = transcript.cut(CELL, cut_note);
    let text = cut.unwrap_or_else(|| transcript.text());
    Some(Value::String(text)).filter(|text| text != "")
}

/// The caller's number, as the SIP participant's attributes tell it.
fn caller(call: &Call) -> Option<String> {
    let number = |p: &Participant| p.attributes.get("sip.phoneNumber").cloned();
    in_order(call).find_map(number).filter(|n| !n.is_empty())
}

/// The agent's name, else what its framework calls it, else its identity. (livekit-agents 1.8 sets no name.)
fn agent(call: &Call) -> Option<String> {
    let agent = in_order(call).find(|p| p.kind == Kind::Agent)?;
    let attribute = |name: &str| agent.attributes.get(name);
    let names = [
        Some(&agent.name),
        attribute("lk.agent.name"),
        attribute("lk.agent_name"),
        Some(&agent.identity),
    ];
    let mut given = names.into_iter().flatten().filter(|name| !name.is_empty());
    given.next().cloned()
}

fn participants(call: &Call) -> String {
    let people = in_order(call).filter(|p| p.kind != Kind::Egress);
    let names = people.map(|p| {
        if p.name.is_empty() {
            p.identity.clone()
        } else {
            p.name.clone()
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn in_order(call: &Call) -> impl Iterator<Item = &Participant> {
    let mut all: Vec<&Participant> = call.participants.values().collect();
    all.sort_by_key(|p| (p.joined_at, &p.sid));
    all.into_iter()
}

/// ISO 8601 in milliseconds, as Airtable stores it.
fn date(at: Timestamp) -> Value {
    let millis = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    Value::String(format!("{millis:.3}"))
}
