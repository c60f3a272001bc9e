//! Sessions that the agents SDK uploads by itself: words, summary, and the agent's own audio.

mod audio;
mod bounds;
mod bucket;
mod forward;
mod jobs;
mod large;
mod parts;
mod refused;
mod shutdown;
mod spool;
mod waiting;
mod words;

use livekit_airtable::telemetry;
use livekit_airtable_sim::livekit::StartFault;
use prost::Message;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{KEY, SECRET, World},
    leak_check,
    real::postgres::fresh_database,
    signed_webhooks::jwt,
};

pub(crate) const BOUNDARY: &str = "74f63e89de2f496caff382d181d0939e";
/// What livekit-agents 1.8.9 sent.
const PYTHON: &[u8] =
    include_bytes!("../fixtures/agents-upload/python-1.8.9-transcript-only.multipart");
/// The room that it names.
const PYTHON_ROOM: &str = "RM_uploaded00001";

/// `livekit.MetricsRecordingHeader`
#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    room_id: String,
    #[prost(message, optional, tag = "4")]
    start_time: Option<Time>,
    #[prost(string, tag = "8")]
    job_id: String,
    #[prost(string, tag = "11")]
    session_summary: String,
}

#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// A part of a body: its name and its content.
type Part = (&'static str, Vec<u8>);

/// A world on SQLite and one on PostgreSQL.
async fn both(settings: &[(&str, &str)]) -> [World; 2] {
    let database = fresh_database().await;
    let on_postgres = [settings, &[("DATABASE_URL", &database)]].concat();
    [World::with(settings).await, World::with(&on_postgres).await]
}

/// A token as agents make it for their uploads.
pub(crate) fn token(key: &str, secret: &str, write: bool) -> String {
    let now = telemetry::now().as_second();
    let claims = json!({ "iss": key, "nbf": now - 5, "exp": now + 300, "observability": { "write": write } });
    jwt("HS256", &claims, secret)
}

fn header(room: &str, job: &str, started_at: i64, summary: &Value) -> Part {
    let header = Header {
        room_id: room.into(),
        job_id: job.into(),
        start_time: Some(Time {
            seconds: started_at,
            nanos: 0,
        }),
        session_summary: summary.to_string(),
    };
    ("header", header.encode_to_vec())
}

/// A conversation of the caller alone.
fn chat(words: &[&str]) -> Part {
    let items = words.iter().map(|text| {
        json!({ "type": "message", "role": "user", "content": [text], "created_at": 1_795_889_002.5 })
    });
    let chat = json!({ "items": items.collect::<Vec<_>>() });
    leak_check::plant_words(&chat);
    ("chat_history", chat.to_string().into_bytes())
}

/// Samples at the beginning of Opus that are not played.
const PRE_SKIP: u16 = 312;

/// The first page of Ogg Opus.
fn ogg_head() -> Vec<u8> {
    let mut page = b"OggS\0\x02".to_vec();
    page.extend([0; 20]);
    page.extend([1, 19]);
    page.extend(b"OpusHead\x01\x02");
    page.extend(PRE_SKIP.to_le_bytes());
    page.extend(48_000_u32.to_le_bytes());
    page.extend([0; 3]);
    page
}

/// A page that ends so many seconds after the beginning of the audio.
fn ogg_end(seconds: i64) -> Vec<u8> {
    let granule = seconds * 48_000 + i64::from(PRE_SKIP);
    let mut page = b"OggS\0\x04".to_vec();
    page.extend(granule.to_le_bytes());
    page.extend([0; 12]);
    page.extend([1, 100]);
    page.extend([7; 100]);
    page
}

/// Ogg pages that say that they are so many seconds long, of so many bytes.
fn ogg(seconds: i64, bytes: usize) -> Vec<u8> {
    let (mut audio, end) = (ogg_head(), ogg_end(seconds));
    audio.resize((bytes - end.len()).max(audio.len()), 7);
    audio.extend(end);
    audio
}

fn multipart(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        body.extend(head.into_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

fn request(world: &World, token: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    let url = world.url("/observability/recordings/v0");
    let request = world.http.post(url).bearer_auth(token).body(body);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request.header("content-type", kind)
}

async fn post(world: &World, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let request = request(world, &token(KEY, SECRET, true), body);
    request.send().await.unwrap()
}

/// Uploads these parts; the status of the answer.
async fn upload(world: &World, parts: &[Part]) -> u16 {
    post(world, multipart(parts)).await.status().as_u16()
}

/// Uploads a body without Content-Length; all that comes back.
async fn chunked(world: &World, body: &[u8]) -> String {
    let mut framed = Vec::new();
    for piece in body.chunks(700) {
        framed.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        framed.extend(piece);
        framed.extend(b"\r\n");
    }
    framed.extend(b"0\r\n\r\n");
    raw(world, "transfer-encoding: chunked", &framed).await
}

/// The head of an upload whose body has this framing.
fn head(framing: &str) -> String {
    let token = token(KEY, SECRET, true);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    format!(
        "POST /observability/recordings/v0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n{framing}\r\n\r\n"
    )
}

/// Sends a body in this framing; all that comes back.
async fn raw(world: &World, framing: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(head(framing).as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends the beginning of a body; the connection stays open.
async fn begun(world: &World, framing: &str, body: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(head(framing).as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    socket
}

/// How long the SDK is asked to wait before it tries again, in seconds; `None`: it will not.
fn retry_after(body: &[u8]) -> Option<i64> {
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        retry_delay: Option<Time>,
    }
    let status = Status::decode(body).ok()?;
    let retry = |any: &&Any| any.type_url.ends_with("/google.rpc.RetryInfo");
    let retry = status.details.iter().find(retry)?;
    let retry = RetryInfo::decode(retry.value.as_slice()).ok()?;
    Some(retry.retry_delay?.seconds)
}

/// A call whose egress has failed, and of which LiveKit starts no other.
async fn unrecorded(world: &World) -> String {
    let (call, egress) = world.talk("desk").await;
    world.livekit.fail_next_start(1000, StartFault::BadRequest);
    world.livekit.fail_egress(&egress, "out of disk", 500);
    call
}

/// The names of the files in this world's spool.
pub(crate) fn spooled(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.folder.path().join("agent-audio")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}
