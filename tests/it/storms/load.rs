//! Calls reported by webhooks and agents at a steady rate, each message sent until it is accepted.

use std::{
    ops::Range,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use livekit_airtable::telemetry;
use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    signed_webhooks::signature,
};

/// Messages per call.
pub(super) const MESSAGES: usize = 6;
const CLIENTS: usize = 24;
/// Of calls whose messages are sent in order: how many go on at once, and the time between two messages of one.
const CALLS_AT_ONCE: usize = 256;
const BETWEEN: Duration = Duration::from_millis(200);

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

/// What is sent of a call.
pub(super) struct InboxMessage {
    path: &'static str,
    body: String,
}

impl InboxMessage {
    pub(super) fn webhook(event: &Value) -> InboxMessage {
        InboxMessage {
            path: "/webhooks/livekit",
            body: event.to_string(),
        }
    }
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

    /// Sends the messages of each call in order; the calls begin one after the other.
    pub(super) async fn run_in_order(
        &self,
        calls: Range<usize>,
        messages_of: impl Fn(usize) -> Vec<InboxMessage>,
    ) -> Tally {
        let tally = Mutex::new(Tally::default());
        let begun = Instant::now();
        let sending = stream::iter(calls.enumerate());
        sending
            .for_each_concurrent(CALLS_AT_ONCE, async |(n, call)| {
                let messages = messages_of(call);
                let at = (n * messages.len()) as f64 / f64::from(self.rate);
                let wait = Duration::from_secs_f64(at).saturating_sub(begun.elapsed());
                tokio::time::sleep(wait).await;
                for message in &messages {
                    self.deliver(message, &tally).await;
                    tokio::time::sleep(BETWEEN).await;
                }
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
            assert!(first.elapsed() < PATIENCE, "a message is never accepted");
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

/// How many sizes recordings have.
const SIZES: usize = 900;

pub(super) fn size(call: usize) -> usize {
    100 + call % SIZES
}

/// Its beginning, who was there, its recording, its end, and its agent's report.
pub(super) fn messages_of(call: usize) -> Vec<InboxMessage> {
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
        messages.push(InboxMessage::webhook(&event));
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

pub(super) fn number(call: usize) -> String {
    format!("+1555{call:07}")
}

/// Puts the recordings of these calls into the bucket. Those of one size are one file on disk.
pub(super) fn put_recordings(world: &World, calls: Range<usize>) {
    std::fs::create_dir_all(world.object("storm")).unwrap();
    for call in calls {
        let first = world.object(&key(call % SIZES));
        if call < SIZES {
            std::fs::write(first, vec![7; size(call)]).unwrap();
        } else {
            std::fs::hard_link(first, world.object(&key(call))).unwrap();
        }
    }
}
