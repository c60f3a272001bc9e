//! The server's limits, in small: connections that are slow, idle or too many.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequest, Request},
    routing::{get, post},
};
use livekit_airtable::http::server::{Limits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::harness::{PATIENCE, eventually};

const SHORT: Limits = Limits {
    connections: 20,
    head: Duration::from_millis(300),
    body: Duration::from_millis(600),
    idle: Duration::from_millis(900),
    drain: Duration::from_millis(500),
};
const GATE: &[u8] = b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n";
/// Bytes, more than the system's buffers hold.
const LARGE: usize = 32 << 20;
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server with `/healthz`, and with `/gate`, which answers when the gate is opened.
struct Small {
    address: std::net::SocketAddr,
    gate: Arc<Semaphore>,
    /// Requests that have reached `/gate` or `/read`.
    came: Arc<AtomicUsize>,
    closing: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Small {
    async fn start(limits: Limits) -> Small {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (gate, closing) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
        let (address, opened) = (listener.local_addr().unwrap(), gate.clone());
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        let wait = get(async move || {
            count.fetch_add(1, Relaxed);
            let _passed = opened.acquire().await;
            "through"
        });
        let router = Router::new().route("/healthz", get(async || "ok"));
        let count = came.clone();
        let read = post(async move |request: Request| {
            count.fetch_add(1, Relaxed);
            match Bytes::from_request(request, &()).await {
                Ok(_) => "whole",
                Err(_) => "broken",
            }
        });
        let large = get(async || vec![b'x'; LARGE]);
        let router = router.route("/gate", wait).route("/read", read);
        let router = router.route("/large", large);
        let served = tokio::spawn(serve(listener, router, limits, closing.clone()));
        Small {
            address,
            gate,
            came,
            closing,
            served,
        }
    }

    /// Requests that wait until the gate is opened.
    async fn wait_at_gate(&self, count: usize) -> Vec<TcpStream> {
        let before = self.came.load(Relaxed);
        let mut waiting = Vec::new();
        for _ in 0..count {
            waiting.push(self.send(GATE).await);
        }
        let all = || (self.came.load(Relaxed) == before + count).then_some(());
        assert!(eventually(all).await.is_some(), "they did not come in");
        waiting
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = self.connect().await;
        socket.write_all(bytes).await.unwrap();
        socket
    }
}

/// Everything that comes until the other side closes.
pub(crate) async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    let read = tokio::time::timeout(PATIENCE, read).await;
    read.expect("it was never closed").ok(); // a reset ends it, too
    String::from_utf8(bytes).unwrap()
}

/// The next answer without a body, or its first bytes.
pub(crate) async fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, socket.read(&mut bytes));
    let length = read.await.expect("it was never answered").unwrap();
    bytes.truncate(length);
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dribbled_head_is_cut_off_while_others_are_answered() {
    let server = Small::start(SHORT).await;
    let mut slow = server.send(b"GET /healthz HTTP/1.1\r\n").await;
    let begun = Instant::now();
    while slow.write_all(b"x: y\r\n").await.is_ok() {
        let mut other = server.send(HEALTH).await;
        assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < PATIENCE, "never cut off");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() >= SHORT.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dribbled_body_is_cut_off_though_something_comes_all_the_time() {
    let server = Small::start(SHORT).await;
    let head = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
    let mut slow = server.send(head).await;
    let begun = Instant::now();
    let (mut reads, mut writes) = slow.split();
    let dribble = async {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut reported = [0; 1000];
    let answered = async { reads.read(&mut reported).await.unwrap() };
    tokio::select! {
        length = answered => assert!(String::from_utf8_lossy(&reported[..length]).contains("broken")),
        () = dribble => panic!("it was cut off without an answer"),
    }
    assert!(begun.elapsed() >= SHORT.body);
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_between_requests_and_then_closed() {
    let server = Small::start(SHORT).await;
    let mut kept = server.send(HEALTH).await;
    assert!(answer(&mut kept).await.contains("200 OK"));
    tokio::time::sleep(SHORT.head * 2).await;
    kept.write_all(HEALTH).await.unwrap();
    assert!(answer(&mut kept).await.contains("200 OK"));
    let begun = Instant::now();
    assert_eq!(rest(&mut kept).await, "");
    assert!(begun.elapsed() > SHORT.idle / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_read_slowly_is_not_cut_off() {
    let server = Small::start(SHORT).await;
    let ask = b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut slow = server.send(ask).await;
    let (begun, mut came) = (Instant::now(), 0);
    let mut some = vec![0; 1 << 20];
    loop {
        let length = slow.read(&mut some).await.unwrap();
        came += length;
        if length == 0 {
            break;
        }
        let step = SHORT.idle * 2 * u32::try_from(length).unwrap() / LARGE as u32;
        tokio::time::sleep(step).await;
    }
    assert!(came > LARGE, "{came} bytes");
    assert!(begun.elapsed() > SHORT.idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_make_room_and_requests_do_not() {
    let patient = Limits {
        head: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        ..SHORT
    };
    let server = Small::start(patient).await;
    let half = patient.connections / 2;
    let mut waiting = server.wait_at_gate(half).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(server.send(b"GET /healthz HT").await);
    }
    assert!(answer(&mut server.send(HEALTH).await).await.contains("200"));
    assert_eq!(rest(&mut idle[0]).await, "", "the oldest gave way");
    waiting.extend(server.wait_at_gate(half).await);
    // Now all places are taken by requests.
    let reported = answer(&mut server.send(HEALTH).await).await;
    assert!(reported.contains("503 Service Unavailable"), "{reported}");
    assert!(reported.contains("retry-after: 7") && reported.contains("problem+json"));
    server.gate.add_permits(1);
    for socket in &mut waiting {
        assert!(answer(socket).await.contains("200 OK"));
    }
    assert!(answer(&mut server.send(HEALTH).await).await.contains("200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_idle_nor_slow_connections_hold_up_the_end() {
    let patient = Limits {
        head: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        ..SHORT
    };
    let unhurried = Limits {
        drain: Duration::from_secs(60),
        ..patient
    };
    let server = Small::start(unhurried).await;
    let _untouched = server.connect().await;
    let mut kept = server.send(HEALTH).await;
    answer(&mut kept).await;
    let _slow = server.send(b"GET /healthz HTTP/1.1\r\n").await;
    let mut ending = server.wait_at_gate(1).await;
    server.closing.cancel();
    server.gate.add_permits(1);
    assert!(answer(&mut ending[0]).await.contains("200 OK"));
    let begun = Instant::now();
    server.served.await.unwrap();
    assert!(
        begun.elapsed() < unhurried.drain / 2,
        "nobody was waited for"
    );

    let server = Small::start(patient).await;
    let mut hung = server.wait_at_gate(1).await;
    server.closing.cancel();
    let ended = tokio::time::timeout(PATIENCE, server.served);
    ended.await.expect("it waits for ever").unwrap();
    assert_eq!(rest(&mut hung[0]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_a_problem_too() {
    let server = Small::start(SHORT).await;
    let huge = format!(
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "y".repeat(64 << 10)
    );
    let cases = [
        ("GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        ("\u{1}\u{2}\r\n\r\n", 400),
        (huge.as_str(), 431),
    ];
    for (request, status) in cases {
        let reported = rest(&mut server.send(request.as_bytes()).await).await;
        let (head, body) = reported.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{reported}"
        );
        assert!(head.contains("application/problem+json"), "{reported}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status, "{reported}");
        assert!(problem["detail"].is_string(), "{reported}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_bodies_make_room() {
    let patient = Limits {
        head: Duration::from_secs(60),
        body: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        ..SHORT
    };
    let server = Small::start(patient).await;
    let head = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 1900000\r\n\r\n";
    let mut slow = Vec::new();
    for n in 0..patient.connections {
        let mut socket = server.send(head).await;
        // The second has sent more than a slow one would have in this time.
        let sent = if n == 1 { 1 << 20 } else { 1 };
        socket.write_all(&vec![b'x'; sent]).await.unwrap();
        slow.push(socket);
    }
    let all = || (server.came.load(Relaxed) == patient.connections).then_some(());
    assert!(eventually(all).await.is_some(), "they did not come in");
    let mut others = Vec::new();
    for _ in 1..patient.connections {
        others.extend(server.wait_at_gate(1).await);
    }
    assert_eq!(rest(&mut slow[0]).await, "", "the first gave way");
    slow[1]
        .write_all(&vec![b'x'; 1_900_000 - (1 << 20)])
        .await
        .unwrap();
    assert!(answer(&mut slow[1]).await.contains("200"));
}
