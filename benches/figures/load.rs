//! Webhooks as LiveKit sends them: captured bodies with ids of their own, signed before the clock runs, over connections
//! that are kept. Plain sockets, so that the load costs little of the machine that is measured.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use livekit_api::access_token::AccessToken;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::service::{KEY, SECRET};

pub const CONNECTIONS: usize = 64;

/// A call without an egress, from its room's start to its end.
const EVENTS: [&str; 10] = [
    include_str!("../../tests/fixtures/livekit-captured/001_room_started.json"),
    include_str!("../../tests/fixtures/livekit-captured/002_participant_joined.json"),
    include_str!("../../tests/fixtures/livekit-captured/003_track_published.json"),
    include_str!("../../tests/fixtures/livekit-captured/004_participant_joined.json"),
    include_str!("../../tests/fixtures/livekit-captured/005_track_published.json"),
    include_str!("../../tests/fixtures/livekit-captured/009_track_unpublished.json"),
    include_str!("../../tests/fixtures/livekit-captured/010_participant_left.json"),
    include_str!("../../tests/fixtures/livekit-captured/011_track_unpublished.json"),
    include_str!("../../tests/fixtures/livekit-captured/012_participant_left.json"),
    include_str!("../../tests/fixtures/livekit-captured/014_room_finished.json"),
];

/// Bodies of one connection: rooms one after the other, each with all its events, and each event a little later.
pub fn bodies(connection: usize, round: &str, count: usize) -> Vec<String> {
    let body = |n: usize| {
        let room = format!("{round}{connection}x{}", n / EVENTS.len());
        at(EVENTS[n % EVENTS.len()], n)
            .replace("RM_6KXUbx5CgQHS", &format!("RM_{room}"))
            .replace("call-real-1", &format!("call-{room}"))
            .replace("\"EV_", &format!("\"EV_{room}"))
    };
    (0..count).map(body).collect()
}

/// The event of a body as if it had happened later: 80 a second on each connection.
fn at(body: &str, n: usize) -> String {
    const TIME: &str = "\"createdAt\":\"";
    let (before, after) = body.split_once(TIME).unwrap_or((body, ""));
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{TIME}{}{after}", 1_795_531_497 + n / 80)
}

/// A complete signed request, ready for the socket.
pub fn request(address: &str, body: &str) -> anyhow::Result<Vec<u8>> {
    let hash = BASE64_STANDARD.encode(Sha256::digest(body));
    let token = AccessToken::with_api_key(KEY, SECRET).with_sha256(&hash);
    let token = token.to_jwt()?;
    let length = body.len();
    let request = format!(
        "POST /webhooks/livekit HTTP/1.1\r\nhost: {address}\r\nauthorization: {token}\r\n\
         content-type: application/webhook+json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Ok(request.into_bytes())
}

/// Sends all, one after the other on each of the connections; how long all took, and each.
pub async fn send(
    address: &str,
    loads: Vec<Vec<Vec<u8>>>,
) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let mut connections = Vec::new();
    for load in loads {
        connections.push((TcpStream::connect(address).await?, load));
    }
    let started = Instant::now();
    let sending: Vec<_> = connections
        .into_iter()
        .map(|(socket, load)| tokio::spawn(send_on(socket, load)))
        .collect();
    let mut waits = Vec::new();
    for sent in sending {
        waits.extend(sent.await??);
    }
    Ok((started.elapsed(), waits))
}

async fn send_on(mut socket: TcpStream, load: Vec<Vec<u8>>) -> anyhow::Result<Vec<Duration>> {
    socket.set_nodelay(true)?;
    let mut waits = Vec::with_capacity(load.len());
    let mut answer = [0; 1024];
    for request in load {
        let sent = Instant::now();
        socket.write_all(&request).await?;
        let length = socket.read(&mut answer).await?;
        let answer = std::str::from_utf8(&answer[..length])?;
        let complete = answer.contains("content-length: 0\r\n") && answer.ends_with("\r\n\r\n");
        let status = answer.get(9..12).context("the connection was closed")?;
        ensure!(status == "200" && complete, "{answer}");
        waits.push(sent.elapsed());
    }
    Ok(waits)
}
