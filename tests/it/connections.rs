//! Connections that are slow, idle, many or endless: the others are served meanwhile.

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
    extract::rejection::BytesRejection,
    routing::{get, post},
};
use livekit_airtable::http::server::{Limits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{API_TOKEN, World, eventually},
    letters::{inbox, send, signature},
    process::Serve,
};

const SHORT: Limits = Limits {
    connections: 20,
    head: Duration::from_millis(300),
    body: Duration::from_millis(600),
    idle: Duration::from_millis(900),
    drain: Duration::from_millis(500),
};
const GATE: &[u8] = b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n";
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server with `/healthz`, and `/gate` that answers when the gate is opened.
struct Small {
    address: std::net::SocketAddr,
    gate: Arc<Semaphore>,
    /// Requests that have come to the gate.
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
        let read = post(async |body: Result<Bytes, BytesRejection>| match body {
            Ok(_) => "whole",
            Err(_) => "broken",
        });
        let router = router.route("/gate", wait).route("/read", read);
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

/// Everything that comes until the other side closes; it does so within 10 s.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    let read = tokio::time::timeout(Duration::from_secs(10), read).await;
    read.expect("it was never closed").ok(); // a reset ends it, too
    String::from_utf8(bytes).unwrap()
}

/// The next answer without a body, or its first bytes.
async fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut bytes));
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
        assert!(begun.elapsed() < Duration::from_secs(10), "never cut off");
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
    let mut told = [0; 1000];
    let answered = async { reads.read(&mut told).await.unwrap() };
    tokio::select! {
        length = answered => assert!(String::from_utf8_lossy(&told[..length]).contains("broken")),
        () = dribble => panic!("it was cut off without an answer"),
    }
    assert!(begun.elapsed() >= SHORT.body);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_breaks_off_is_to_be_sent_again() {
    let world = World::new().await;
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let token = signature(b"never comes");
    let head = format!(
        "POST /webhooks/livekit HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 11\r\n\r\nnever"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let told = rest(&mut socket).await;
    // LiveKit takes no answer and 503 for a reason to come again, and any 4xx for none.
    assert!(told.is_empty() || told.contains("503"), "{told}");
    assert_eq!(inbox(&world, "webhook").await, []);
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
    let told = answer(&mut server.send(HEALTH).await).await;
    assert!(told.contains("503 Service Unavailable"), "{told}");
    assert!(told.contains("retry-after: 7") && told.contains("problem+json"));
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
    let server = Small::start(patient).await;
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
    assert!(begun.elapsed() < SHORT.drain / 2, "nobody was waited for");

    let server = Small::start(patient).await;
    let mut hung = server.wait_at_gate(1).await;
    server.closing.cancel();
    let ended = tokio::time::timeout(SHORT.drain * 4, server.served);
    ended.await.expect("it waits for ever").unwrap();
    assert_eq!(rest(&mut hung[0]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_send_is_answered_before_the_body() {
    let world = World::new().await;
    for path in ["/v1/transcripts", "/v1/recordings"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000000\r\n\r\n{{\"a\""
        );
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let told = answer(&mut socket).await;
        assert!(told.starts_with("HTTP/1.1 401"), "{path}: {told}");
    }
    let mut dribble = TcpStream::connect(world.address).await.unwrap();
    let head =
        b"POST /webhooks/livekit HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n";
    dribble.write_all(head).await.unwrap();
    assert!(answer(&mut dribble).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_413_arrives_at_senders_that_read_only_at_the_end() {
    let world = World::new().await;
    let size = 24 << 20;
    let heads = [
        format!("content-length: {size}\r\n\r\n"),
        format!("transfer-encoding: chunked\r\n\r\n{size:x}\r\n"),
    ];
    for head in heads {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let head = format!(
            "POST /v1/transcripts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_TOKEN}\r\n{head}"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let sent = socket.write_all(&vec![b' '; size]).await;
        assert!(sent.is_ok(), "cut off before it could read: {sent:?}");
        let told = answer(&mut socket).await;
        assert!(told.starts_with("HTTP/1.1 413"), "{told}");
        assert!(told.contains("problem+json"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_and_a_hundred_slow_ones_hold_nobody_up() {
    let mut world = World::new().await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let mut held = Vec::new();
    for n in 0..1100 {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        if n >= 1000 {
            let token = signature(b"never comes");
            let slow = match n % 2 {
                0 => "GET /healthz HTTP/1.1\r\nx: ".to_owned(),
                _ => format!(
                    "POST /webhooks/livekit HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 11\r\n\r\nnever"
                ),
            };
            socket.write_all(slow.as_bytes()).await.unwrap();
        }
        held.push(socket);
    }
    let mut slowest = Duration::ZERO;
    for n in 0..50 {
        let begun = Instant::now();
        assert_eq!(send(&world, format!(r#"{{"event":"x{n}"}}"#)).await, 200);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let resident = serve.resident_bytes();
    assert!(resident < 150 << 20, "{resident} bytes are resident");
    let begun = Instant::now();
    assert_eq!(serve.stop().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10));
    println!("slowest {slowest:?}, {} MiB", resident >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_to_spare_it_waits_and_does_not_spin() {
    let mut world = World::new().await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    assert_eq!(send(&world, r#"{"event":"before"}"#).await, 200);
    serve.limit_open_files(8);
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(TcpStream::connect(world.address).await.unwrap());
    }
    let told = eventually(|| serve.said().contains("Too many open files").then_some(()));
    assert!(told.await.is_some(), "{}", serve.said());
    let before = serve.cpu_ticks();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = serve.cpu_ticks() - before;
    assert!(used < 50, "{used} hundredths of a second of one second");
    let lines = serve.said().matches("Too many open files").count();
    assert!(lines < 50, "{lines} lines of log");
    drop(held);
    assert_eq!(send(&world, r#"{"event":"after"}"#).await, 200);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_transcripts_are_read_one_after_the_other() {
    let mut world = World::new().await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let turn = r#"{"speaker":"agent","text":"Good morning, this is the line of the clinic; how may I help you today?"}"#;
    let turns = vec![turn; (15 << 20) / turn.len()].join(",");
    let body = format!(r#"{{"room_name":"desk","turns":[{turns}]}}"#);
    let request = world
        .http
        .post(world.url("/v1/transcripts"))
        .bearer_auth(API_TOKEN);
    let send = || request.try_clone().unwrap().body(body.clone()).send();
    let sent = futures_util::future::join_all((0..4).map(|_| send()));
    let mut most = 0;
    let watched = async {
        loop {
            most = most.max(serve.resident_bytes());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answers = tokio::select! { answers = sent => answers, () = watched => unreachable!() };
    for answer in answers {
        assert_eq!(answer.unwrap().status(), 202);
    }
    // All four at once would take 1,600 MiB.
    assert!(most < 700 << 20, "{} MiB", most >> 20);
    println!("at most {} MiB", most >> 20);
    assert_eq!(serve.stop().await, Some(0));
}
