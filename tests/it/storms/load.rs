//! Calls reported by webhooks and agents at a steady rate, each message sent until it is accepted; and the expected
//! content of their rows. Each message leaves its own mark in the row, so a lost one is detected.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use livekit_airtable::telemetry;
use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    play::text,
    reader::Row,
    signed_webhooks::signature,
};

/// Messages per call.
pub(super) const LETTERS: usize = 6;
const CLIENTS: usize = 24;

pub(super) struct Load {
    http: reqwest::Client,
    address: String,
    /// Messages per second.
    rate: u32,
}

/// The result of a load.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub accepted: usize,
    /// Tries that were not accepted, and what came instead.
    pub failures: Vec<String>,
    /// The longest time from a message's first attempt until it was accepted.
    pub longest: Duration,
}

impl Tally {
    /// Whether the message is accepted now.
    fn note(&mut self, outcome: Result<(), String>, after: Duration) -> bool {
        match outcome {
            Ok(()) => {
                self.accepted += 1;
                self.longest = self.longest.max(after);
                true
            }
            Err(why) => {
                self.failures.push(why);
                false
            }
        }
    }
}

struct InboxMessage {
    path: &'static str,
    body: String,
}

impl Load {
    pub(super) fn new(address: String, rate: u32) -> Load {
        let http = telemetry::http_client().unwrap();
        Load {
            http,
            address,
            rate,
        }
    }

    /// Every request on a connection of its own.
    pub(super) fn on_fresh_connections(address: String, rate: u32) -> Load {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0);
        let http = http.timeout(Duration::from_secs(30)).build().unwrap();
        Load {
            http,
            address,
            rate,
        }
    }

    /// Sends all messages of these calls in random order.
    pub(super) async fn run(&self, calls: Range<usize>) -> Tally {
        let mut messages: Vec<InboxMessage> = calls.flat_map(messages_of).collect();
        messages.sort_by_key(|message| message.body.bytes().rev().collect::<Vec<_>>());
        let tally = Mutex::new(Tally::default());
        let begun = Instant::now();
        let sending = stream::iter(messages.iter().enumerate());
        sending
            .for_each_concurrent(CLIENTS, async |(n, message)| {
                let at = Duration::from_secs_f64(n as f64 / f64::from(self.rate));
                tokio::time::sleep(at.saturating_sub(begun.elapsed())).await;
                self.deliver(message, &tally).await;
            })
            .await;
        tally.into_inner().unwrap()
    }

    async fn deliver(&self, message: &InboxMessage, tally: &Mutex<Tally>) {
        let first = Instant::now();
        loop {
            let outcome = self.send(message).await;
            if tally.lock().unwrap().note(outcome, first.elapsed()) {
                return;
            }
            assert!(first.elapsed() < PATIENCE, "a letter is never accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn send(&self, message: &InboxMessage) -> Result<(), String> {
        let url = format!("http://{}{}", self.address, message.path);
        let token = match message.path {
            "/webhooks/livekit" => signature(message.body.as_bytes()),
            _ => format!("Bearer {API_TOKEN}"),
        };
        let request = self.http.post(url).header("authorization", token);
        let answer = request.body(message.body.clone()).send().await;
        match answer.map_err(|error| format!("{error:?}"))?.status() {
            status if status.is_success() => Ok(()),
            status => Err(status.to_string()),
        }
    }
}

pub(super) fn sid(call: usize) -> String {
    format!("RM_storm{call:05}")
}

fn size(call: usize) -> usize {
    100 + call % 900
}

fn messages_of(call: usize) -> Vec<InboxMessage> {
    let (sid, name) = (sid(call), format!("storm-{call}"));
    let now = telemetry::now().as_second().to_string();
    let room = json!({ "sid": sid, "name": name, "creationTime": now });
    let person = |sid: &str, more: Value| {
        let mut person = json!({ "sid": format!("PA_{sid}{call}"), "identity": format!("{sid}{call}"), "joinedAt": now });
        let more = more.as_object().unwrap().clone();
        person.as_object_mut().unwrap().extend(more);
        person
    };
    let number = json!({ "kind": "SIP", "attributes": { "sip.phoneNumber": number(call) } });
    let agent = json!({ "kind": "AGENT", "name": format!("Agent {call}") });
    let file =
        json!({ "filename": key(call), "size": size(call).to_string(), "duration": "3000000000" });
    let info = json!({
        "egressId": egress(call), "roomId": sid, "roomName": name, "status": "EGRESS_COMPLETE",
        "updatedAt": "1999999999000000000", "fileResults": [file],
    });
    let events = [
        json!({ "event": "room_started", "room": room }),
        json!({ "event": "participant_joined", "room": room, "participant": person("caller", number) }),
        json!({ "event": "participant_joined", "room": room, "participant": person("agent", agent) }),
        json!({ "event": "egress_ended", "egressInfo": info }),
        json!({ "event": "room_finished", "room": room }),
    ];
    let mut messages = Vec::new();
    for (n, mut event) in events.into_iter().enumerate() {
        event["createdAt"] = json!(now);
        event["id"] = json!(format!("EV_{call}_{n}"));
        messages.push(InboxMessage {
            path: "/webhooks/livekit",
            body: event.to_string(),
        });
    }
    let report = json!({ "room_id": sid, "turns": [{ "speaker": "agent", "text": format!("Call {call}.") }] });
    messages.push(InboxMessage {
        path: "/v1/transcripts",
        body: report.to_string(),
    });
    messages
}

pub(super) fn egress(call: usize) -> String {
    format!("EG_storm{call:05}")
}

fn key(call: usize) -> String {
    format!("storm/{call}.mp3")
}

fn number(call: usize) -> String {
    format!("+1555{call:07}")
}

/// Puts the recordings of these calls into the bucket.
pub(super) fn put_recordings(world: &World, calls: Range<usize>) {
    std::fs::create_dir_all(world.object("storm")).unwrap();
    for call in calls {
        std::fs::write(world.object(&key(call)), vec![7; size(call)]).unwrap();
    }
}

/// Accepted messages whose content is missing from the row.
fn lacks(row: &Row, call: usize) -> Vec<&'static str> {
    let size = row.get("Recording size").and_then(Value::as_u64);
    let payloads = [
        ("Started", !text(row, "Started").is_empty()),
        ("Ended", !text(row, "Ended").is_empty()),
        ("Caller", text(row, "Caller") == number(call)),
        ("Agent", text(row, "Agent") == format!("Agent {call}")),
        (
            "Transcript",
            text(row, "Transcript") == format!("Agent: Call {call}."),
        ),
        ("Egress ID", text(row, "Egress ID") == egress(call)),
        ("Recording size", size == Some(self::size(call) as u64)),
        ("Status", text(row, "Status") == "Complete"),
    ];
    let lacking = payloads.into_iter().filter(|(_, there)| !there);
    lacking.map(|(name, _)| name).collect()
}

/// Messages that are in no row, and surplus rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Losses {
    pub lost: Vec<String>,
    pub doubled: usize,
    pub rows: usize,
}

fn losses(all: Vec<Row>, calls: Range<usize>) -> Losses {
    let mut by_call: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in all {
        by_call
            .entry(text(&row, "Call ID").to_owned())
            .or_default()
            .push(row);
    }
    let mut losses = Losses::default();
    for call in calls {
        let rows = by_call.get(&sid(call)).map_or(&[][..], Vec::as_slice);
        losses.rows += rows.len();
        losses.doubled += rows.len().saturating_sub(1);
        match rows.first() {
            None => losses.lost.push(format!("{}: no row", sid(call))),
            Some(row) => {
                let lacking = lacks(row, call);
                losses.lost.extend(
                    lacking
                        .iter()
                        .map(|column| format!("{}: {column}", sid(call))),
                );
            }
        }
    }
    losses
}

/// Waits until these calls' rows say everything; panics when they never do.
pub(super) async fn all_in_rows(world: &World, calls: Range<usize>) -> Losses {
    let asked = Instant::now();
    loop {
        let mut found = losses(world.airtable.rows("Calls"), calls.clone());
        if found.lost.is_empty() {
            found = losses(world.rows().await, calls.clone());
        }
        assert_eq!(found.doubled, 0, "rows are doubled");
        if found.lost.is_empty() {
            return found;
        }
        let reported = &found.lost[..found.lost.len().min(20)];
        let patience = Duration::from_secs(super::sized(60, 300));
        let lost = found.lost.len();
        assert!(asked.elapsed() < patience, "{lost} are lost: {reported:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
