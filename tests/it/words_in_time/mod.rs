//! Where the words of a call are in its recording: in the API, in captions, in the row, in links.

mod alignment;
mod forms;
mod links;
mod positions;
mod retries;
mod row_times;
pub(crate) mod sound;
pub(crate) mod speech;

use serde_json::{Value, json};

use crate::{harness::World, real::postgres::fresh_database, signed_webhooks::send};

/// When the room was created.
pub(crate) const ROOM: i64 = 1_763_884_800;

/// A world on SQLite and one on PostgreSQL.
pub(crate) async fn both(settings: &[(&str, &str)]) -> [World; 2] {
    let database = fresh_database().await;
    let on_postgres = [settings, &[("DATABASE_URL", &database)]].concat();
    [World::with(settings).await, World::with(&on_postgres).await]
}

/// A file of a recording, in seconds after [`ROOM`].
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) egress: &'static str,
    pub(crate) begin: f64,
    pub(crate) length: f64,
}

fn nanoseconds(after_room: f64) -> String {
    format!(
        "{}",
        ROOM * 1_000_000_000 + (after_room * 1e3).round() as i64 * 1_000_000
    )
}

/// A call whose room was closed after these recordings, which hold no sound.
pub(crate) async fn ended(world: &World, call: &str, files: &[File]) {
    let files: Vec<(File, &[u8])> = files
        .iter()
        .map(|file| (*file, [0; 1_000].as_slice()))
        .collect();
    ended_with(world, call, &files).await;
}

/// The same with these files; each egress was requested a second before its file begins.
pub(crate) async fn ended_with(world: &World, call: &str, files: &[(File, &[u8])]) {
    let room = json!({ "sid": call, "name": call, "creationTime": ROOM.to_string() });
    let event = |name: &str, n: usize| json!({ "id": format!("EV_{call}_{name}_{n}"), "event": name, "createdAt": ROOM.to_string() });
    let mut started = event("room_started", 0);
    started["room"] = room.clone();
    assert_eq!(send(world, started.to_string()).await, 200);
    for (n, (file, bytes)) in files.iter().enumerate() {
        let key = format!("recordings/{call}-{n}.mp3");
        world.put_object_at(&key, 0);
        std::fs::write(world.object(&key), bytes).unwrap();
        let mut end = event("egress_ended", n);
        end["egressInfo"] = json!({
            "egressId": format!("EG_{call}_{}", file.egress), "roomId": call, "roomName": call, "status": "EGRESS_COMPLETE",
            "startedAt": nanoseconds(file.begin - 1.0), "endedAt": nanoseconds(file.begin + file.length),
            "updatedAt": nanoseconds(file.begin + file.length),
            "roomComposite": { "roomName": call, "audioOnly": true },
            "fileResults": [{ "filename": key, "startedAt": nanoseconds(file.begin), "endedAt": nanoseconds(file.begin + file.length),
                "duration": format!("{}", (file.length * 1e9) as i64), "size": bytes.len().to_string(), "location": key }] });
        assert_eq!(send(world, end.to_string()).await, 200);
    }
    let mut finished = event("room_finished", 0);
    finished["room"] = room;
    assert_eq!(send(world, finished.to_string()).await, 200);
    world.row_is(call, "Complete").await;
}

/// A message of the agents SDK's report.
pub(crate) fn message(role: &str, words: &str, created_at: f64, metrics: Value) -> Value {
    json!({ "id": format!("item_{created_at}"), "type": "message", "role": role, "content": [words],
        "interrupted": false, "created_at": created_at, "metrics": metrics })
}

/// A session report with these messages.
pub(crate) fn session(call: &str, items: &[Value]) -> Value {
    json!({ "job_id": "AJ_1", "room_id": call, "room": call, "events": [], "timestamp": ROOM as f64 + 900.0,
        "chat_history": { "items": items } })
}

/// The transcript as JSON, once it has this many turns.
async fn transcript(world: &World, call: &str, turns: usize) -> Value {
    let has_words = |row: &crate::reader::Row| row.contains_key("Transcript");
    world.row_where(call, has_words).await;
    let answer = world.get(&format!("/v1/calls/{call}/transcript")).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    let json: Value = answer.json().await.unwrap();
    assert_eq!(json["turns"].as_array().unwrap().len(), turns, "{json}");
    json
}

/// Start and end of each turn.
fn times(transcript: &Value) -> Vec<(Value, Value)> {
    let turns = transcript["turns"].as_array().unwrap().iter();
    turns
        .map(|turn| (turn["start"].clone(), turn["end"].clone()))
        .collect()
}
