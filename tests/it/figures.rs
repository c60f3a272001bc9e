//! Figures of calls: from agents' reports and webhooks into rows, the API, the mirror.

mod cost;
mod ends;
mod mirrored;
mod rows;
mod sdks;
mod tables;

use serde_json::{Map, Value, json};

use crate::{harness::World, real::postgres::fresh_database, signed_webhooks::send};

/// The columns that hold figures by default.
const COLUMNS: [&str; 8] = [
    "End reason",
    "Ended by",
    "Turns",
    "Interruptions",
    "Response latency",
    "Talk share",
    "Longest silence",
    "Outcome",
];
const MANUAL: (&str, &str) = ("RECORD_ON", "manual");
/// When the calls begin, by LiveKit's clock.
const BEGIN: i64 = 1_763_884_800;

/// A world on SQLite and one on PostgreSQL.
async fn both() -> [World; 2] {
    let database = fresh_database().await;
    [
        World::with(&[MANUAL]).await,
        World::with(&[MANUAL, ("DATABASE_URL", &database)]).await,
    ]
}

/// A call of which only LiveKit's webhooks tell.
struct WebhookCall<'a> {
    world: &'a World,
    sid: &'a str,
}

impl WebhookCall<'_> {
    /// An event of the room, this many seconds after the beginning.
    async fn event(&self, event: &str, second: i64, more: &Value) {
        let room = json!({ "sid": self.sid, "name": self.sid, "creationTimeMs": (BEGIN * 1000).to_string() });
        let mut body = json!({
            "event": event, "id": format!("EV_{event}_{second}"), "room": room, "createdAt": (BEGIN + second).to_string(),
        });
        let fields = body.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        assert_eq!(send(self.world, body.to_string()).await, 200);
    }

    async fn joins(&self, identity: &str, kind: &str, second: i64) {
        let participant = participant(identity, kind, &json!({}));
        self.event("participant_joined", second, &participant).await;
    }

    async fn leaves(&self, identity: &str, kind: &str, second: i64, reason: &Value) {
        let participant = participant(identity, kind, &json!({ "disconnectReason": reason }));
        self.event("participant_left", second, &participant).await;
    }

    /// Opens the room, with a caller by telephone and an agent.
    async fn begins(&self) {
        self.event("room_started", 0, &json!({})).await;
        self.joins("caller", "SIP", 1).await;
        self.joins("agent", "AGENT", 1).await;
    }

    async fn finishes(&self, more: &Value) {
        self.event("room_finished", 70, more).await;
    }

    /// Sends a report of the call's agent.
    async fn reports(&self, report: &Value) {
        let mut report = report.clone();
        report["room_id"] = json!(self.sid);
        report["room"] = json!(self.sid);
        let answer = self.world.post("/v1/transcripts", &report).await;
        assert_eq!(answer.status(), 202);
    }
}

fn participant(identity: &str, kind: &str, more: &Value) -> Value {
    let mut participant = json!({
        "sid": format!("PA_{identity}"), "identity": identity, "kind": kind, "joinedAt": (BEGIN + 1).to_string(), "version": 3,
    });
    let fields = participant.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({ "participant": participant })
}

/// The row's figures; null for an empty cell.
fn figures(row: &Map<String, Value>) -> Vec<Value> {
    let cell = |name: &&str| row.get(*name).cloned().unwrap_or_default();
    COLUMNS.iter().map(cell).collect()
}

/// A message as the agents SDK for Python reports it, this many seconds after the beginning.
fn message(role: &str, text: &str, from: f64, to: f64, more: &Value) -> Value {
    let at = |second: f64| BEGIN as f64 + second;
    let mut metrics = json!({ "started_speaking_at": at(from), "stopped_speaking_at": at(to) });
    let fields = metrics.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({
        "id": format!("item_{from}_{role}"), "type": "message", "role": role, "content": [text], "interrupted": false,
        "metrics": metrics, "created_at": at(to),
    })
}

/// A report of a conversation with known figures: the agent speaks 6 s, the caller 3 s; silences of 1, 5 and 0.5 s.
fn report() -> Value {
    let mut cut = message(
        "assistant",
        "And is there any",
        13.5,
        15.5,
        &json!({ "e2e_latency": 0.9 }),
    );
    cut["interrupted"] = json!(true);
    json!({
        "job_id": "AJ_figures",
        "chat_history": { "items": [
            message("assistant", "Hello there.", 2.0, 4.0, &json!({})),
            message("user", "Hello to you, too.", 5.0, 6.0, &json!({ "end_of_turn_delay": 0.5 })),
            message("assistant", "What can I do for you?", 11.0, 13.0, &json!({ "e2e_latency": 0.5, "llm_node_ttft": 0.3 })),
            { "id": "item_call", "type": "function_call", "call_id": "c1", "name": "book", "arguments": "{}", "created_at": BEGIN },
            { "id": "item_out", "type": "function_call_output", "call_id": "c1", "name": "book", "output": "x", "is_error": true, "created_at": BEGIN },
            cut,
            message("user", "No, thank you very much.", 15.5, 17.5, &json!({})),
            message("assistant", "", 18.0, 18.0, &json!({ "e2e_latency": 9.0 })),
        ] },
        "events": [{ "type": "close", "reason": "participant_disconnected", "error": null, "created_at": BEGIN }],
        "usage": [{ "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "input_tokens": 10, "output_tokens": 5 }],
        "tags": ["lk.success", "language:es"],
        "timestamp": BEGIN + 65,
    })
}

/// The figures of that conversation, if the caller hung up.
fn expected() -> Vec<Value> {
    let (by, success) = ("Caller", "Success");
    vec![
        json!("Caller hung up"),
        json!(by),
        json!(5),
        json!(1),
        json!(0.7),
        json!(0.667),
        json!(5),
        json!(success),
    ]
}
