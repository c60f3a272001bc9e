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

use crate::{
    mix::of_room,
    service::{KEY, SECRET},
};

pub(crate) const CONNECTIONS: usize = 64;

/// A captured webhook of a call.
macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!(
            "../../tests/fixtures/livekit-captured/",
            $name,
            ".json"
        ))
    };
}

/// A call without an egress, from its room's start to its end.
const EVENTS: [&str; 10] = [
    captured!("001_room_started"),
    captured!("002_participant_joined"),
    captured!("003_track_published"),
    captured!("004_participant_joined"),
    captured!("005_track_published"),
    captured!("009_track_unpublished"),
    captured!("010_participant_left"),
    captured!("011_track_unpublished"),
    captured!("012_participant_left"),
    captured!("014_room_finished"),
];
/// A recorded call, from its room's start to the end of its egress.
pub(crate) const RECORDED: [&str; 11] = [
    captured!("001_room_started"),
    captured!("002_participant_joined"),
    captured!("003_track_published"),
    captured!("004_participant_joined"),
    captured!("006_egress_started"),
    captured!("008_egress_updated_EGRESS_ACTIVE"),
    captured!("010_participant_left"),
    captured!("012_participant_left"),
    captured!("014_room_finished"),
    captured!("015_egress_updated_EGRESS_ENDING"),
    captured!("016_egress_ended_EGRESS_COMPLETE"),
];

/// The calls of a load.
pub(crate) struct Calls {
    /// The webhooks of each, in order.
    pub events: &'static [&'static str],
    /// How many go on at once on each connection.
    pub at_once: usize,
}

/// Calls without an egress, one after the other.
pub(crate) const UNRECORDED: Calls = Calls {
    events: &EVENTS,
    at_once: 1,
};

/// A connection's `n`th room, without `RM_`.
pub(crate) fn room(connection: usize, round: &str, n: usize) -> String {
    format!("{round}{connection}x{n}")
}

/// Bodies of one connection: rooms with all their events, some rooms at once, and each event a little later.
pub(crate) fn bodies(connection: usize, round: &str, kind: &Calls, calls: usize) -> Vec<String> {
    let (events, at_once) = (kind.events.len(), kind.at_once);
    let body = |n: usize| {
        let (block, place) = (n / (events * at_once), n % (events * at_once));
        let room = room(connection, round, block * at_once + place % at_once);
        of_room(&at(kind.events[place / at_once], n), &room)
    };
    (0..calls * events).map(body).collect()
}

/// The event of a body as if it had happened later: 80 a second on each connection.
fn at(body: &str, n: usize) -> String {
    const TIME: &str = "\"createdAt\":\"";
    let (before, after) = body.split_once(TIME).unwrap_or((body, ""));
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{TIME}{}{after}", 1_795_531_497 + n / 80)
}

/// A complete signed request, ready for the socket.
pub(crate) fn request(address: &str, body: &str) -> anyhow::Result<Vec<u8>> {
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
pub(crate) async fn send(
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
    for request in load {
        waits.push(exchange(&mut socket, &request, "200").await?);
    }
    Ok(waits)
}

/// Sends a request and reads its whole answer, which must have this status; how long that took.
pub(crate) async fn exchange(
    socket: &mut TcpStream,
    request: &[u8],
    status: &str,
) -> anyhow::Result<Duration> {
    let sent = Instant::now();
    socket.write_all(request).await?;
    let (mut answer, mut length) = ([0; 4096], 0);
    loop {
        let read = socket.read(&mut answer[length..]).await?;
        ensure!(read > 0, "the connection was closed");
        length += read;
        let text = std::str::from_utf8(&answer[..length])?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let (_, announced) = head
            .split_once("content-length: ")
            .context("no content-length")?;
        let announced = announced.lines().next().unwrap_or(announced);
        if body.len() >= announced.parse()? {
            ensure!(text.get(9..12) == Some(status), "{text}");
            return Ok(sent.elapsed());
        }
    }
}
