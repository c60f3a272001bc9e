//! The calls of the storm, and what their rows must say: written down here by hand, not asked of the program.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{
        Call, EgressStatus, Object, ObjectState, Recording,
        latest::Latest,
        participant::{self, Participant},
        transcript,
    },
    telemetry,
};
use serde_json::{Map, Value, json, value::to_raw_value};

pub(super) type Row = Map<String, Value>;

/// Airtable takes no cell that holds it.
pub(super) const POISON: &str = "poison ";

pub(super) fn id(n: usize) -> String {
    format!("RM_{n:012}")
}

fn egress_id(n: usize) -> String {
    format!("EG_{n:012}")
}

fn key(n: usize) -> String {
    format!("recordings/{}.mp3", id(n))
}

/// Every other call was recorded.
fn is_recorded(n: usize) -> bool {
    n.is_multiple_of(2)
}

/// 2026-01-01, a second later each.
fn started(n: usize) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_767_225_600 + n as i64)
}

fn ended(n: usize) -> Timestamp {
    started(n) + Duration::from_secs(61)
}

fn number(n: usize) -> String {
    format!("+1555{n:07}")
}

/// A call that has ended.
pub(super) fn call(n: usize, is_poison: bool) -> anyhow::Result<Call> {
    let now = telemetry::now();
    let turns = json!([{"speaker": "agent", "text": format!("This is call {n}.")}, {"speaker": "user", "text": "Thank you."}]);
    let (_, report) = transcript::read(&to_raw_value(&json!({ "turns": turns }))?)?;
    let caller = Participant {
        identity: format!("sip_{n}"),
        kind: participant::ParticipantKind::Sip,
        attributes: Latest::new(0, [("sip.phoneNumber".to_owned(), number(n))].into()),
        ..Participant::default()
    };
    let agent = Participant {
        name: Latest::new(0, format!("Ava {n}")),
        kind: participant::ParticipantKind::Agent,
        ..Participant::default()
    };
    let mut call = Call {
        id: id(n).into(),
        room_name: format!("{}{n}", if is_poison { POISON } else { "good " }).into(),
        created_at: Some(started(n)),
        alive_at: Some(started(n)),
        finished_at: Some(ended(n)),
        participants: [("caller".into(), caller), ("agent".into(), agent)].into(),
        ..Call::default()
    };
    call.reports.add(&Arc::new(report), now);
    if is_recorded(n) {
        record(&mut call, n, now);
    }
    Ok(call)
}

fn record(call: &mut Call, n: usize, now: Timestamp) {
    let recording = Recording {
        egress_id: egress_id(n).into(),
        status: EgressStatus::Complete,
        started_at: Some(started(n)),
        ended_at: Some(ended(n)),
        key: key(n),
        size: Some(1000 + n as u64),
        duration: Some(SignedDuration::from_mins(1)),
        located: true,
        ..Recording::default()
    };
    let object = Object {
        at: now,
        egress_version: recording.version(),
        state: ObjectState::Found {
            size: 1000 + n as u64,
        },
    };
    call.objects.insert(egress_id(n).into(), object);
    call.recordings.insert(egress_id(n).into(), recording);
}

/// The columns whose cells are not as the call is, if there are any; the links, which are signed, apart.
pub(super) fn differing(n: usize, found: &Row, bucket: &str) -> Option<String> {
    let mut found = found.clone();
    found.remove("id");
    let links = ["Recording URL", "Recording URL expires"].map(|name| found.remove(name));
    let wanted = row(n);
    let names = found.keys().chain(wanted.keys());
    let mut other: Vec<&str> = names
        .filter(|name| found.get(*name) != wanted.get(*name))
        .map(String::as_str)
        .collect();
    if !are_links(n, links, bucket) {
        other.push("Recording URL");
    }
    (!other.is_empty()).then(|| format!("{}: {}", id(n), other.join(", ")))
}

fn row(n: usize) -> Row {
    let iso = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let mut row = json!({
        "Call ID": id(n), "Room": format!("good {n}"), "Started": iso(started(n)), "Ended": iso(ended(n)),
        "Caller": number(n), "Agent": format!("Ava {n}"),
        "Transcript": format!("Agent: This is call {n}.\nCaller: Thank you."),
        "Status": "No recording", "Duration": 61,
    });
    if is_recorded(n) {
        row["Status"] = json!("Complete");
        row["Duration"] = json!(60);
        row["Recording size"] = json!(1000 + n);
        row["Egress ID"] = json!(egress_id(n));
    }
    row.as_object().cloned().unwrap_or_default()
}

/// A signed URL of the call's object that has not expired; none if nothing was recorded.
fn are_links(n: usize, [url, expires]: [Option<Value>; 2], bucket: &str) -> bool {
    let (Some(url), Some(expires)) = (&url, &expires) else {
        return url.is_none() && expires.is_none() && !is_recorded(n);
    };
    let signed = |url: &str| {
        url.starts_with(&format!("{bucket}{}?", key(n))) && url.contains("X-Amz-Signature=")
    };
    let lives = |at: &str| {
        at.parse::<Timestamp>()
            .is_ok_and(|at| at > telemetry::now())
    };
    is_recorded(n) && url.as_str().is_some_and(signed) && expires.as_str().is_some_and(lives)
}
