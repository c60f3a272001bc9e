//! A thousand senders that are slow on purpose: webhooks and monitoring are answered meanwhile.

use livekit_api::access_token::{AccessToken, VideoGrants};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    connections::{answer, rest},
    harness::{API_TOKEN, KEY, SECRET, World, token},
    process::Serve,
    signed_webhooks::{send, signature},
};

/// More than the connections that the service keeps open.
const CROWD: usize = 1100;

/// A service in a process of its own.
async fn serve(settings: &[(&str, &str)]) -> (World, Serve) {
    let mut world = World::with(settings).await;
    world.stop().await;
    let serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    (world, serve)
}

/// The token of a caller, who may join a room and nothing else.
fn callers() -> String {
    let grants = VideoGrants {
        room_join: true,
        room: "desk".into(),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
    token.with_identity("caller").to_jwt().unwrap()
}

/// The token of this agent in the room `desk`.
fn agents(identity: &str) -> String {
    let grants = VideoGrants {
        room_join: true,
        room_admin: true,
        room_record: true,
        room: "desk".into(),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
    token.with_identity(identity).to_jwt().unwrap()
}

/// A request of 16 MiB, of which one byte comes.
fn one_byte(path: &str, token: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 16777216\r\n\r\n{{"
    )
}

async fn crowd(world: &World, request: impl Fn(usize) -> String) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for n in 0..CROWD {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        // The service may have closed it already.
        socket.write_all(request(n).as_bytes()).await.ok();
        held.push(socket);
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn no_crowd_of_slow_senders_holds_up_a_webhook() {
    let (world, mut serve) = serve(&[]).await;
    let caller = format!("Bearer {}", callers());
    let webhook = signature(b"never comes");
    let kinds: [&dyn Fn(usize) -> String; 6] = [
        &|_| one_byte("/v1/transcripts", &caller),
        &|n| {
            one_byte(
                "/v1/transcripts",
                &format!("Bearer {}", agents(&n.to_string())),
            )
        },
        &|n| {
            one_byte(
                "/v1/recordings",
                &format!("Bearer {}", agents(&n.to_string())),
            )
        },
        &|_| one_byte("/v1/transcripts?room=desk", &format!("Bearer {API_TOKEN}")),
        &|_| one_byte("/webhooks/livekit", &caller),
        &|_| one_byte("/webhooks/livekit", &webhook).replace("16777216", "11"),
    ];
    for (kind, request) in kinds.into_iter().enumerate() {
        let held = crowd(&world, request).await;
        for n in 0..25 {
            let body = format!(r#"{{"event":"x{kind}-{n}"}}"#);
            assert_eq!(
                send(&world, body).await,
                200,
                "among senders of kind {kind}"
            );
        }
        let health = world.http.get(world.url("/healthz")).send().await.unwrap();
        assert_eq!(health.status(), 200);
        drop(held);
    }
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_decide_before_the_body() {
    let world = World::new().await;
    let everywhere = token(VideoGrants {
        room_admin: true,
        room_record: true,
        ..VideoGrants::default()
    });
    for path in ["/v1/transcripts", "/v1/recordings"] {
        for token in [&callers(), &everywhere] {
            let mut socket = TcpStream::connect(world.address).await.unwrap();
            let request = one_byte(path, &format!("Bearer {token}"));
            socket.write_all(request.as_bytes()).await.unwrap();
            let answer = answer(&mut socket).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_asks_without_end_is_slowed_down_and_others_are_not() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let ask = async |token: &str| {
        let request = world.http.post(world.url("/v1/recordings"));
        let request = request.bearer_auth(token).body("not JSON");
        request.send().await.unwrap()
    };
    let (greedy, mut slowed) = (agents("greedy"), None);
    for _ in 0..5000 {
        let answer = ask(&greedy).await;
        if answer.status() == 429 {
            slowed = Some(answer);
            break;
        }
        assert_eq!(answer.status(), 400);
    }
    let slowed = slowed.expect("it was never slowed down");
    assert!(slowed.headers().contains_key("retry-after"));
    assert_eq!(ask(&agents("patient")).await.status(), 400);
    for _ in 0..200 {
        assert_eq!(ask(API_TOKEN).await.status(), 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_that_stands_still_gives_way_to_the_next() {
    let world = World::new().await;
    let size = 2 << 20;
    let head = format!(
        "POST /v1/transcripts?room=desk HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_TOKEN}\r\ncontent-length: {}\r\n\r\n",
        2 * size
    );
    let mut stands = TcpStream::connect(world.address).await.unwrap();
    stands.write_all(head.as_bytes()).await.unwrap();
    stands.write_all(&vec![b' '; size]).await.unwrap();
    let report = format!("\"Agent: {}\"", "Good morning. ".repeat(size / 14));
    let request = world.http.post(world.url("/v1/transcripts?room=desk"));
    let request = request.bearer_auth(API_TOKEN).body(report);
    assert_eq!(request.send().await.unwrap().status(), 202);
    let refused = rest(&mut stands).await;
    assert!(refused.starts_with("HTTP/1.1 408"), "{refused}");
}
