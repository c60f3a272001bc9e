//! The agent of examples/ loses no words: when the SDK makes no report, when the report is not JSON, and when something
//! between it and the service refuses the request.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{Html, IntoResponse, Response},
};

use super::{agents::check, exported, python, run};
use crate::{
    harness::{KEY, SECRET, World},
    process::output,
};

/// A firewall that dislikes the first requests, with pages of its own.
#[derive(Clone)]
pub(super) struct Firewall {
    http: reqwest::Client,
    service: String,
    /// The statuses of its answers, before it lets requests pass.
    pages: &'static [u16],
    /// The lengths of the reports.
    pub(super) came: Arc<Mutex<Vec<usize>>>,
}

impl Firewall {
    /// The firewall and its address.
    pub(super) async fn start(world: &World, pages: &'static [u16]) -> (Firewall, String) {
        let firewall = Firewall {
            http: world.http.clone(),
            service: world.url("/v1/transcripts"),
            pages,
            came: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(firewall.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        (firewall, url)
    }
}

async fn pass(
    State(firewall): State<Firewall>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::GET {
        return Html("<h1>Log in</h1>").into_response();
    }
    let number = firewall.came.lock().unwrap().len();
    firewall.came.lock().unwrap().push(body.len());
    if let Some(status) = firewall.pages.get(number) {
        let status = StatusCode::from_u16(*status).unwrap();
        let page = Html("<h1>Request blocked</h1>");
        return (status, [("location", "/login")], page).into_response();
    }
    let request = firewall.http.post(&firewall.service).body(body);
    let request = request.header("authorization", &headers["authorization"]);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap()).into_response()
}

/// The example at the end of a session; `trouble` as in session_end.py.
fn session_end(world: &World, url: &str, args: [&str; 3]) -> Command {
    let mut send = python("agents/session_end.py");
    send.args(args)
        .env("PYTHONPATH", "examples:tests/clients/agents")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LIVEKIT_AIRTABLE_URL", url)
        .env("LIVEKIT_URL", world.livekit.url())
        .env("LIVEKIT_API_KEY", KEY)
        .env("LIVEKIT_API_SECRET", SECRET);
    send
}

#[tokio::test(flavor = "multi_thread")]
async fn no_words_are_lost_when_the_sdk_makes_no_report_or_none_that_is_json() {
    let world = World::new().await;
    for trouble in ["recording", "objects"] {
        let call = world.livekit.open_room(trouble);
        world.row_is(&call, "Live").await;
        let send = session_end(&world, &world.url(""), [trouble, &call, trouble]);
        run(send, Vec::new()).await;
        check(
            &world
                .row_where(&call, |row| row.contains_key("Transcript"))
                .await,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firewalls_page_is_no_answer_of_ours() {
    let world = World::new().await;
    let (firewall, url) = Firewall::start(&world, &[403, 400]).await;
    let call = world.livekit.open_room("blocked");
    world.row_is(&call, "Live").await;
    let send = session_end(&world, &url, ["blocked", &call, "objects"]);
    run(send, Vec::new()).await;
    check(
        &world
            .row_where(&call, |row| row.contains_key("Transcript"))
            .await,
    );
    assert_eq!(firewall.came.lock().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_is_no_delivery_and_a_large_report_is_sent_without_its_events() {
    let world = World::new().await;
    let (firewall, url) = Firewall::start(&world, &[302, 200, 413]).await;
    let call = world.livekit.open_room("login");
    world.row_is(&call, "Live").await;
    let send = session_end(&world, &url, ["login", &call, "objects"]);
    run(send, Vec::new()).await;
    let has = |row: &crate::reader::Row| row.contains_key("Transcript");
    check(&world.row_where(&call, has).await);
    let lengths = firewall.came.lock().unwrap().clone();
    assert_eq!(lengths.len(), 4);
    assert!(lengths[3] < lengths[2], "{lengths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_refusal_ends_the_tries() {
    let world = World::new().await;
    let script =
        "import agent, asyncio; asyncio.run(agent.send_report({'room': 'refused', 'turns': 5}))";
    let mut send = Command::new(exported("TEST_PYTHON"));
    send.args(["-c", script])
        .env("PYTHONPATH", "examples")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LIVEKIT_AIRTABLE_URL", world.url(""))
        .env("LIVEKIT_API_KEY", KEY)
        .env("LIVEKIT_API_SECRET", SECRET);
    let output = tokio::task::spawn_blocking(move || output(&mut send))
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the transcript was rejected: 400"), "{said}");
}
