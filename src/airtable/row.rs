//! The projection: a call as the cells of its row. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::cell::{self, LONGEST, iso};
use super::schema::Column;
use super::{Schema, path};
use crate::domain::{
    Call,
    participant::{Kind, Participant},
};

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

/// What the row of a call says.
pub struct Projection {
    /// Column name to cell, for every enabled column; null empties a cell. What a forgotten call does not know any more
    /// is left out, so that the row keeps it.
    pub cells: Map<String, Value>,
    /// Values that their columns cannot hold, a line for each; the cell is empty. The column that is filled from `error`
    /// has these lines too.
    pub unfit: Vec<String>,
}

pub fn project(call: &Call, schema: &Schema, links: &Links) -> Projection {
    let (mut cells, mut unfit) = (Map::new(), Vec::new());
    for column in schema.enabled() {
        let value = match column.from.as_str() {
            "transcript" => transcript_cell(call, &cut_note(schema, links)),
            from => value(call, from, links),
        };
        if value.is_none() && call.purged && is_reported(&column.from) {
            continue;
        }
        let cell = cell::fit(column, value.unwrap_or(Value::Null));
        unfit.extend(cell.unfit.map(|why| told(column, &cell.value, why)));
        cells.insert(column.name.clone(), cell.value);
    }
    if let Some(error) = schema.error() {
        let lines = [call.error()].into_iter().chain(unfit.clone());
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        let text = cell::fit(error, Value::String(lines.join("\n"))).value;
        cells.insert(error.name.clone(), text);
    }
    Projection { cells, unfit }
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

/// Whether the column is filled from what an agent reported.
fn is_reported(from: &str) -> bool {
    let ours = ["transcript", "transcript_url", "summary", "job_id"];
    ours.contains(&from) || from.starts_with("report.")
}

/// Without the value, which may be anybody's business.
fn told(column: &Column, cell: &Value, why: &str) -> String {
    let left = if cell.is_null() {
        "is empty"
    } else {
        "is not complete"
    };
    let (name, kind, from) = (&column.name, &column.kind, &column.from);
    format!("“{name}” ({kind}) {left}: {from} {why}.")
}

/// The whole transcript, when it does not fit into a cell.
pub fn long_transcript(call: &Call) -> Option<String> {
    let transcript = &call.reports.newest()?.transcript;
    transcript.cut(LONGEST, "").map(|_| transcript.text())
}

fn value(call: &Call, from: &str, links: &Links) -> Option<Value> {
    let recording = call.primary_recording();
    let text = |text: String| Some(Value::String(text));
    let value = match from {
        "call_id" => text(call.id.clone()),
        "room_name" => text(call.room_name.clone()),
        "status" => text(call.status().label().to_owned()),
        "started_at" => call.started_at().map(iso),
        "ended_at" => call.ended_at().map(iso),
        "duration" => call
            .duration()
            .map(|nanos| json!((nanos as f64 / 1e9).round())),
        "caller" => caller(call).map(Value::String),
        "agent" => agent(call).map(Value::String),
        "transcript_url" => links.transcript.clone().map(Value::String),
        "recording_url" => links.recording.clone().map(Value::String),
        "recording_url_expires" => links.expires.map(iso),
        "recording_size" => call.playable_recording().map(|(_, size)| json!(size)),
        // Not a projection: it is sent once, and what is in the cell stays there.
        "recording_attachment" => None,
        // One that was found in the bucket has no id of LiveKit's.
        "egress_id" => recording
            .filter(|r| !r.was_found())
            .map(|r| Value::String(r.egress_id.clone())),
        "error" => text(call.error()),
        "metadata" => metadata(call).next(),
        "participants" => text(participants(call)),
        "summary" => report(call, "summary"),
        "job_id" => report(call, "job_id").or_else(|| text(call.job.1.id.clone())),
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
        "metadata" => metadata(call).find_map(|metadata| some(path::at(&metadata, path))),
        "attributes" => {
            let attribute = |p: &Participant| p.attributes.get(path).cloned();
            let mut all = in_order(call).filter_map(attribute);
            all.find(|text| !text.is_empty()).map(Value::String)
        }
        "report" => report(call, path),
        _ => None,
    }
}

/// The room's; else the agent's job's, as LiveKit told it; else what the agent sent as `job_metadata` or `metadata`.
fn metadata(call: &Call) -> impl Iterator<Item = Value> {
    let told = [&call.metadata.1, &call.job.1.metadata];
    let told = told.map(|text| Some(Value::String(text.clone())));
    let sent = ["job_metadata", "metadata"].map(|name| report(call, name));
    let all = told.into_iter().chain(sent);
    all.flatten().filter(|value| value != "")
}

fn report(call: &Call, path: &str) -> Option<Value> {
    let report = call.reports.newest()?;
    some(path::among(&report.fields, path))
}

fn some(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_null())
}

fn transcript_cell(call: &Call, cut_note: &str) -> Option<Value> {
    let transcript = &call.reports.newest()?.transcript;
    let cut = transcript.cut(LONGEST, cut_note);
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
