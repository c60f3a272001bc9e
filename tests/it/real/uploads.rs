//! The agents SDKs upload their sessions by themselves: a worker takes a job of a real livekit-server, without any code of ours. The
//! room's webhooks come from the stand-in, which has the room under the same sid.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Child, Command},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::IntoResponse,
};
use livekit_airtable_sim::livekit::StartFault;
use serde_json::json;
use tempfile::{NamedTempFile, TempDir};

use super::{
    agents::check,
    browser::plays,
    exported,
    livekit::{create_room, talk},
};
use crate::{
    bounds::reserve_world,
    harness::{KEY, SECRET, World, agent, caller, eventually},
    play::text,
    reader::Row,
    uploads::spooled,
};

/// A worker, or another program that ends with its test. If the test fails, what it wrote is shown.
pub(super) struct Program {
    child: Child,
    output: NamedTempFile,
}

impl Program {
    fn start(mut command: Command) -> Program {
        let output = NamedTempFile::new().unwrap();
        let file = output.reopen().unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        Program { child, output }
    }
}

impl Drop for Program {
    #[expect(clippy::print_stdout, reason = "a failed test's output is for reading")]
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let output = fs::read(self.output.path()).unwrap_or_default();
            println!("{}", String::from_utf8_lossy(&output));
        }
    }
}

/// An SDK.
pub(super) enum Sdk {
    /// With this interpreter.
    Python(String),
    /// With a folder for its worker.
    JavaScript(TempDir),
}

impl Sdk {
    /// The newest ones.
    pub(super) fn both() -> [Sdk; 2] {
        [
            Sdk::Python(exported("TEST_PYTHON")),
            Sdk::javascript(&exported("TEST_NODE_MODULES")),
        ]
    }

    /// With the packages of this folder.
    pub(super) fn javascript(modules: &str) -> Sdk {
        let folder = TempDir::new().unwrap();
        for script in ["upload.ts", "tsconfig.json"] {
            let from = format!("tests/clients/agents/{script}");
            fs::copy(from, folder.path().join(script)).unwrap();
        }
        fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
        symlink(modules, folder.path().join("node_modules")).unwrap();
        Sdk::JavaScript(folder)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Sdk::Python(_) => "python",
            Sdk::JavaScript(_) => "javascript",
        }
    }

    /// A worker that takes a job of this room and uploads to this address, and a caller.
    pub(super) fn worker(&self, room: &str, kind: &str, url: &str) -> [Program; 2] {
        let mut worker = match self {
            Sdk::Python(interpreter) => {
                let mut python = Command::new(interpreter);
                python.arg("tests/clients/agents/upload.py");
                python
            }
            Sdk::JavaScript(folder) => {
                let mut node = Command::new("node");
                node.args(["--import", "tsx", "upload.ts"]);
                node.current_dir(folder.path());
                node
            }
        };
        let server = exported("LIVEKIT_TEST_URL").replacen("http", "ws", 1);
        worker
            .args([&format!("agent-of-{room}"), room, kind])
            .env("LIVEKIT_URL", server)
            .env("LIVEKIT_API_KEY", KEY)
            .env("LIVEKIT_API_SECRET", SECRET)
            .env("LIVEKIT_OBSERVABILITY_URL", url)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let caller = talk(room, "170");
        [caller, worker].map(Program::start)
    }
}

/// Opens a room on the real server, and the same one on the stand-in; its sid.
pub(super) async fn open_room(world: &World, name: &str) -> String {
    let sid = create_room(name).await;
    world.livekit.adopt_room(name, &sid);
    sid
}

/// A new room of the real server whose beginning the service hears by a webhook; its call, which is live.
pub(super) async fn announced_room(world: &World, name: &str) -> String {
    let call = create_room(name).await;
    let opened = json!({ "sid": call, "name": name });
    let opened = json!({ "event": "room_started", "id": format!("EV_{name}"), "room": opened });
    world.hook(&opened).await;
    world.row_is(&call, "Live").await;
    call
}

/// A call without an egress whose agent uploads words and audio; its row, with the agent's audio, and the audio's seconds.
pub(super) async fn with_agents_audio(world: &World, sdk: &Sdk, room: &str) -> (Row, i64) {
    let call = open_room(world, room).await;
    world.livekit.join(room, agent());
    world.livekit.join(room, caller("+15551234567"));
    world.livekit.speak(room);
    let _worker = sdk.worker(room, "audio", &world.url(""));
    said(world, &call).await;
    world.livekit.close_room(room);
    let row = world.row_is(&call, "Complete").await;
    let error = text(&row, "Error");
    assert!(error.contains("the agent's own audio"), "{room}: {error}");
    let seconds = row["Duration"].as_i64().unwrap();
    assert!((2..60).contains(&seconds), "{room}: {seconds}");
    (row, seconds)
}

/// Sends a request of an SDK on; the status and the body of the answer.
pub(super) async fn sent_on(
    http: &reqwest::Client,
    url: String,
    headers: &HeaderMap,
    body: Bytes,
) -> (StatusCode, Bytes) {
    let mut request = http.post(url).body(body);
    for name in ["authorization", "content-type", "content-encoding"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap())
}

/// Waits for the row with all that was said.
pub(super) async fn said(world: &World, call: &str) -> Row {
    let has_end = |row: &Row| text(row, "Transcript").contains("get well soon");
    let row = world.row_where(call, has_end).await;
    check(&row);
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_code_of_ours_gets_words_and_figures_into_its_row() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    for sdk in Sdk::both() {
        let room = format!("words-{}", sdk.name());
        let call = open_room(&world, &room).await;
        let _worker = sdk.worker(&room, "transcript", &world.url(""));
        let row = said(&world, &call).await;
        assert_eq!(row["Turns"], 6, "{row:#?}");
        assert_eq!(row["Interruptions"], 1, "{row:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_own_audio_replaces_an_egress_that_was_refused_and_a_browser_plays_it() {
    let public = "https://calls.example.com";
    let world = World::with(&[("PUBLIC_URL", public)]).await;
    world.livekit.fail_next_start(1000, StartFault::BadRequest);
    for sdk in Sdk::both() {
        let room = format!("audio-{}", sdk.name());
        let (row, seconds) = with_agents_audio(&world, &sdk, &room).await;
        let link = text(&row, "Recording URL").strip_prefix(public).unwrap();
        let link = world.url(link);
        let redirect = world.http.get(&link).send().await.unwrap();
        let file = redirect.headers()["location"].to_str().unwrap();
        let audio = world.http.get(file).send().await.unwrap();
        let audio = audio.bytes().await.unwrap();
        assert!(
            audio.starts_with(b"OggS") && audio.len() > 10_000,
            "{}",
            audio.len()
        );
        let played = plays(&world, &link).await;
        let difference = (played.duration - seconds as f64).abs();
        assert!(difference < 1.5, "{played:?} instead of {seconds} s");
        assert!(played.position > 0.2, "{played:?}");
        let empty = eventually(|| spooled(&world).is_empty().then_some(()));
        assert!(empty.await.is_some());
    }
}

/// A proxy that frees the disk of the service when the service has refused an upload.
#[derive(Clone)]
struct Front {
    http: reqwest::Client,
    service: String,
    /// What fills the disk.
    others: PathBuf,
    /// The statuses of the service's answers to uploads.
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Front {
    /// The proxy and its address.
    async fn start(world: &World, others: PathBuf) -> (Front, String) {
        let front = Front {
            http: world.http.clone(),
            service: world.url(""),
            others,
            statuses: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(front.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        (front, url)
    }
}

async fn pass(
    State(front): State<Front>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let url = format!("{}{}", front.service, uri.path());
    let (status, answer) = sent_on(&front.http, url, &headers, body).await;
    if uri.path().contains("/recordings/") {
        front.statuses.lock().unwrap().push(status.as_u16());
        fs::remove_file(&front.others).ok();
    }
    (status, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_retry_what_the_disk_could_not_take() {
    let (world, mut serve, others) = reserve_world().await;
    for sdk in Sdk::both() {
        let room = format!("retries-{}", sdk.name());
        let call = announced_room(&world, &room).await;
        fs::write(&others, vec![1; 52 << 20]).unwrap();
        let (front, url) = Front::start(&world, others.clone()).await;
        let _worker = sdk.worker(&room, "transcript", &url);
        said(&world, &call).await;
        // The row may be there before the answer has passed the proxy.
        let taken = || front.statuses.lock().unwrap().contains(&200);
        eventually(|| taken().then_some(())).await.unwrap();
        let statuses = front.statuses.lock().unwrap().clone();
        assert_eq!(statuses, [507, 200], "{}", sdk.name());
    }
    assert_eq!(serve.stop().await, Some(0));
}
