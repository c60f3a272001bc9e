//! The service among connections that are slow, idle, many or endless: the others are served meanwhile.

use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection, Executor};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    connections::{answer, rest},
    harness::{API_TOKEN, World, eventually, in_time},
    process::Serve,
    real::postgres::fresh_database,
    signed_webhooks::{inbox, send, signature},
};

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
    let reported = rest(&mut socket).await;
    // LiveKit takes no answer and 503 for a reason to come again, and any 4xx for none.
    assert!(
        reported.is_empty() || reported.contains("503"),
        "{reported}"
    );
    assert_eq!(inbox(&world, "webhook").await, []);
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
        let reported = answer(&mut socket).await;
        assert!(reported.starts_with("HTTP/1.1 401"), "{path}: {reported}");
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
        let reported = answer(&mut socket).await;
        assert!(reported.starts_with("HTTP/1.1 413"), "{reported}");
        assert!(reported.contains("problem+json"), "{reported}");
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
    let mut waits = Vec::new();
    for n in 0..50 {
        let begun = Instant::now();
        assert_eq!(send(&world, format!(r#"{{"event":"x{n}"}}"#)).await, 200);
        waits.push(begun.elapsed());
    }
    waits.sort();
    assert!(waits[25] < Duration::from_secs(9), "{waits:?}");
    let resident = serve.resident_bytes();
    assert!(resident < 150 << 20, "{resident} bytes are resident");
    let begun = Instant::now();
    assert_eq!(serve.stop().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20));
    println!("slowest {:?}, {} MiB", waits[49], resident >> 20);
}

/// Opens more connections than the service takes; each sends this request, and none reads.
async fn crowd(world: &World, request: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..1100 {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        // The service may have refused the connection already.
        socket.write_all(request.as_bytes()).await.ok();
        held.push(socket);
    }
    held
}

async fn is_alive(world: &World) {
    for _ in 0..20 {
        let answer = world.http.get(world.url("/healthz")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_asks_for_readiness_leaves_room_for_others() {
    let mut world = World::new().await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    assert_eq!(world.get("/readyz").await.status(), 200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Whoever checks whether the database is writable waits.
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let stranger = "GET /readyz HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.1\r\n\r\n";
    let held = crowd(&world, stranger).await;
    is_alive(&world).await;
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(send(&world, r#"{"event":"after"}"#).await, 200);
    drop(held);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_asks_for_metrics_leaves_room_for_others() {
    let database = fresh_database().await;
    let mut world = World::with(&[("DATABASE_URL", &database)]).await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    // Whoever counts calls waits.
    let mut other = AnyConnection::connect(&database).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let lock = "LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE";
    transaction.execute(lock).await.unwrap();
    let watcher =
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_TOKEN}\r\n\r\n");
    let held = crowd(&world, &watcher).await;
    is_alive(&world).await;
    transaction.rollback().await.unwrap();
    assert_eq!(send(&world, r#"{"event":"after"}"#).await, 200);
    drop(held);
    assert_eq!(serve.stop().await, Some(0));
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
    let reported = eventually(|| serve.said().contains("Too many open files").then_some(()));
    assert!(reported.await.is_some(), "{}", serve.said());
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
    // On a busy machine, the system gives up a connection whose turn does not come for long; its sender tries again.
    let send = async || loop {
        let request = request.try_clone().unwrap().body(body.clone());
        if let Ok(answer) = request.send().await {
            return answer;
        }
    };
    let sent = in_time(futures_util::future::join_all((0..4).map(|_| send())));
    let mut most = 0;
    let watched = async {
        loop {
            most = most.max(serve.resident_bytes());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answers = tokio::select! { answers = sent => answers, () = watched => unreachable!() };
    for answer in answers {
        assert_eq!(answer.status(), 202);
    }
    // All four at once would take 1,600 MiB.
    assert!(most < 700 << 20, "{} MiB", most >> 20);
    println!("at most {} MiB", most >> 20);
    assert_eq!(serve.stop().await, Some(0));
}
