//! LIVEKIT_OBSERVABILITY_FORWARD: the same bytes go on to LiveKit's host, once, and nothing waits for it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    BOUNDARY, KEY, PYTHON, PYTHON_ROOM, SECRET, chat, header, multipart, ogg, post, token,
};
use crate::{
    harness::{World, eventually, patient_client},
    reader::Row,
};

/// What LiveKit's host does with uploads.
#[derive(Clone)]
enum Does {
    /// Another service of ours takes them at this address.
    Takes(String),
    Refuses,
    /// It never answers.
    Hangs,
}

/// A request that came to LiveKit's host.
#[derive(Clone)]
struct Came {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// LiveKit's host: the stand-in, with an endpoint for uploads.
#[derive(Clone)]
struct Host {
    http: reqwest::Client,
    livekit: String,
    does: Arc<Mutex<Does>>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Host {
    /// The host of this world's LiveKit; the world's service forwards to it after its next start.
    async fn of(world: &mut World, does: Does) -> Host {
        let host = Host {
            http: patient_client(),
            livekit: world.livekit.url(),
            does: Arc::new(Mutex::new(does)),
            came: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(host.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        world.set("LIVEKIT_URL", &url);
        world.set("LIVEKIT_OBSERVABILITY_FORWARD", "on");
        host
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    async fn hears(&self, times: usize) -> Vec<Came> {
        let all = eventually(|| Some(self.came()).filter(|came| came.len() >= times)).await;
        all.unwrap_or_else(|| panic!("{} uploads came", self.came().len()))
    }
}

async fn serve(
    State(host): State<Host>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Response {
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = uri.path().to_owned();
    let base = match path.starts_with("/observability/") {
        false => host.livekit.clone(),
        true => {
            let (headers, body) = (headers.clone(), body.clone());
            let came = Came {
                path: path.clone(),
                headers,
                body,
            };
            host.came.lock().unwrap().push(came);
            let does = host.does.lock().unwrap().clone();
            match does {
                Does::Takes(url) => url,
                Does::Refuses => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
                Does::Hangs => std::future::pending().await,
            }
        }
    };
    let mut sent = host
        .http
        .request(method, format!("{base}{path}"))
        .body(body);
    for name in ["authorization", "content-type", "content-encoding"] {
        if let Some(value) = headers.get(name) {
            sent = sent.header(name, value);
        }
    }
    let answer = sent.send().await.unwrap();
    let status = answer.status();
    let kind = answer.headers().get("content-type").cloned();
    let mut response = (status, answer.bytes().await.unwrap()).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

/// How many uploads were forwarded with this outcome; the counters are of all services of this process.
async fn counted(world: &World, outcome: &str) -> u64 {
    let text = world.get("/metrics").await.text().await.unwrap();
    let name = format!("livekit_airtable_uploads_forwarded_total{{outcome=\"{outcome}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}

async fn counts(world: &World, outcome: &str, at_least: u64) {
    let asked = std::time::Instant::now();
    while counted(world, outcome).await < at_least {
        assert!(asked.elapsed() < crate::harness::PATIENCE, "{outcome}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn copies(world: &World) -> usize {
    let folder = world.folder.path().join("agent-audio").join("forward");
    std::fs::read_dir(folder).unwrap().count()
}

async fn has_words(world: &World, call: &str) -> Row {
    world
        .row_where(call, |row| row.contains_key("Transcript"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_at_livekits_host_gets_the_same_words_and_audio() {
    let other = World::with(&[("AGENT_AUDIO", "always")]).await;
    let mut world = World::new().await;
    let host = Host::of(&mut world, Does::Takes(other.url(""))).await;
    world.stop().await;
    world.start().await;
    for world in [&world, &other] {
        world.livekit.adopt_room("call-1", PYTHON_ROOM);
        world.row_is(PYTHON_ROOM, "Live").await;
    }
    assert_eq!(post(&world, PYTHON).await.status(), 200);
    let row = has_words(&world, PYTHON_ROOM).await;
    assert_eq!(
        has_words(&other, PYTHON_ROOM).await["Transcript"],
        row["Transcript"]
    );
    let came = host.hears(1).await.remove(0);
    assert_eq!(came.path, "/observability/recordings/v0");
    assert!(came.body == PYTHON, "not the same bytes");
    let kind = came.headers["content-type"].to_str().unwrap();
    assert!(kind.contains(BOUNDARY), "{kind}");
    assert!(came.headers.contains_key("authorization"));
    // With audio, and larger than what is read at once.
    let session = multipart(&[
        header(PYTHON_ROOM, "AJ_2", 1_795_889_000, &json!({})),
        ("audio", ogg(60, 3 << 20)),
        chat(&["Words of the second job."]),
    ]);
    assert_eq!(post(&world, session.clone()).await.status(), 200);
    assert!(host.hears(2).await[1].body == session);
    let spooled =
        eventually(|| (super::spooled(&other).iter().any(|it| it.ends_with(".ogg"))).then_some(()));
    assert!(spooled.await.is_some(), "the other has the audio");
    // Telemetry goes on as it came, too.
    let logs = world.url("/observability/logs/otlp/v0");
    let logs = world.http.post(logs).bearer_auth(token(KEY, SECRET, true));
    let logs = logs.header("content-encoding", "gzip").body("zipped");
    assert_eq!(logs.send().await.unwrap().status(), 200);
    let came = host.hears(3).await.remove(2);
    assert_eq!(came.path, "/observability/logs/otlp/v0");
    assert_eq!(came.body, "zipped");
    assert_eq!(came.headers["content-encoding"], "gzip");
    let gone = eventually(|| (copies(&world) == 0).then_some(()));
    assert!(gone.await.is_some(), "{} copies are left", copies(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refuses_or_hangs_is_in_nobodys_way_and_what_is_refused_is_not_sent_again() {
    let mut world = World::with(&[("RECORD_ON", "manual"), ("AGENT_AUDIO_DIR_SIZE", "1GiB")]).await;
    let host = Host::of(&mut world, Does::Refuses).await;
    world.stop().await;
    world.start().await;
    let call = world.livekit.open_room("desk");
    let failed = counted(&world, "failed").await;
    let words = multipart(&[
        header(&call, "AJ_1", 0, &json!({})),
        chat(&["The first words."]),
    ]);
    assert_eq!(post(&world, words).await.status(), 200);
    counts(&world, "failed", failed + 1).await;
    assert_eq!(host.came().len(), 1);
    has_words(&world, &call).await;
    // What is refused here does not go on.
    let nowhere = multipart(&[chat(&["Words of no call."])]);
    assert_eq!(post(&world, nowhere).await.status(), 400);
    *host.does.lock().unwrap() = Does::Hangs;
    let dropped = counted(&world, "dropped").await;
    for n in 0..80 {
        let job = format!("AJ_{n:02}");
        let words = chat(&["More words of this call."]);
        let session = multipart(&[header(&call, &job, 0, &json!({})), words]);
        assert_eq!(post(&world, session).await.status(), 200);
    }
    counts(&world, "dropped", dropped + 10).await;
    assert!(copies(&world) <= 64, "{}", copies(&world));
    assert!(host.came().len() <= 1 + 4, "{} at once", host.came().len());
    world.stop().await;
    assert_eq!(copies(&world), 0, "none is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_nothing_is_sent_twice_and_the_words_are_there() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    let host = Host::of(&mut world, Does::Hangs).await;
    let serve = world.serve_apart().await;
    let call = world.livekit.open_room("desk");
    let words = multipart(&[
        header(&call, "AJ_1", 0, &json!({})),
        chat(&["Words before the kill."]),
    ]);
    assert_eq!(post(&world, words).await.status(), 200);
    assert_eq!(host.hears(1).await.len(), 1);
    drop(serve);
    assert_eq!(copies(&world), 1);
    *host.does.lock().unwrap() = Does::Refuses;
    let mut serve = world.serve_apart().await;
    has_words(&world, &call).await;
    assert_eq!(copies(&world), 0);
    // A later one is sent; the first is not.
    let words = multipart(&[
        header(&call, "AJ_2", 0, &json!({})),
        chat(&["Words after the kill."]),
    ]);
    assert_eq!(post(&world, words.clone()).await.status(), 200);
    assert!(host.hears(2).await[1].body == words);
    assert_eq!(host.came().len(), 2);
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_nothing_goes_on() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    let host = Host::of(&mut world, Does::Refuses).await;
    world.set("LIVEKIT_OBSERVABILITY_FORWARD", "off");
    world.stop().await;
    world.start().await;
    let call = world.livekit.open_room("desk");
    let words = multipart(&[
        header(&call, "AJ_1", 0, &json!({})),
        chat(&["Words that stay here."]),
    ]);
    assert_eq!(post(&world, words).await.status(), 200);
    has_words(&world, &call).await;
    assert_eq!(host.came().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_projects_key_signed_does_not_go_on() {
    let (key, secret) = ("otherkey", "secret-of-the-other-project-with-32");
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    let host = Host::of(&mut world, Does::Refuses).await;
    world.set("LIVEKIT_WEBHOOK_KEYS", &format!("{key}:{secret}"));
    world.stop().await;
    world.start().await;
    for (token, body) in [
        (token(key, secret, true), "theirs"),
        (token(KEY, SECRET, true), "ours"),
    ] {
        let logs = world.url("/observability/logs/otlp/v0");
        let logs = world.http.post(logs).bearer_auth(token).body(body);
        assert_eq!(logs.send().await.unwrap().status(), 200);
    }
    host.hears(1).await;
    let came: Vec<Bytes> = host.came().into_iter().map(|came| came.body).collect();
    assert_eq!(came, ["ours"]);
}
