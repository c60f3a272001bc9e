//! Other people's clients find in the stand-ins what they know from the real ones.

use std::{path::Path, process::Command};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use livekit_airtable_sim::{
    airtable::{self, Airtable},
    livekit::{self, LiveKit},
};
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc};

use super::{exported, python, run};
use crate::{
    harness::{KEY, SECRET, World},
    reader::Row,
};

async fn unhurried_airtable() -> Airtable {
    let options = airtable::Options::unlimited();
    let listen = "127.0.0.1:0".parse().unwrap();
    airtable::start(listen, options).await.unwrap()
}

async fn livekit(webhook_urls: Vec<String>) -> LiveKit {
    let options = livekit::Options {
        api_key: KEY.into(),
        api_secret: SECRET.into(),
        webhook_urls,
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    livekit::start(listen, options).await.unwrap()
}

/// A script of tests/clients/airtable, where airtable.js is found.
fn node(script: &str) -> Command {
    let script = Path::new("tests/clients/airtable").join(script);
    let modules = exported("TEST_NODE_MODULES");
    let mut command = Command::new("node");
    command
        .arg(script.canonicalize().unwrap())
        .current_dir(Path::new(&modules).parent().unwrap());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn pyairtable() {
    let airtable = unhurried_airtable().await;
    let mut check = python("airtable/check.py");
    check.args([airtable.url(), airtable.base_id()]);
    let reported = run(check, Vec::new()).await;
    assert!(reported.lines().count() > 30, "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn airtable_js() {
    let airtable = unhurried_airtable().await;
    let mut check = node("check.mjs");
    check.args([airtable.url(), airtable.base_id()]);
    let reported = run(check, Vec::new()).await;
    assert!(reported.lines().count() > 15, "{reported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn airtable_js_reads_of_a_call_what_pyairtable_reads() {
    let world = World::new().await;
    let (call, _) = world.talk("büro 🎧").await;
    let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello. 😀\nSecond line."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("büro 🎧");
    world
        .row_where(&call, |row| {
            row["Status"] == "Complete" && row.contains_key("Transcript")
        })
        .await;
    let rows = world.rows().await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["Transcript"], "Agent: Hello. 😀\nSecond line.");
    let mut read = node("rows.mjs");
    let table = "Calls".to_owned();
    read.args([world.airtable.url(), world.airtable.base_id(), table]);
    let reported = run(read, Vec::new()).await;
    assert_eq!(serde_json::from_str::<Vec<Row>>(&reported).unwrap(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_api_on_the_stand_in() {
    let livekit = livekit(Vec::new()).await;
    let mut check = python("livekit/check.py");
    check.args([livekit.url().as_str(), KEY, SECRET]);
    assert_eq!(run(check, Vec::new()).await, "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_api_on_the_real_server() {
    let mut check = python("livekit/check.py");
    check.args([exported("LIVEKIT_TEST_URL").as_str(), KEY, SECRET]);
    check.arg("--no-egress-worker");
    assert_eq!(run(check, Vec::new()).await, "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn livekits_receiver_takes_the_stand_ins_webhooks() {
    let (url, mut webhooks) = webhooks().await;
    let livekit = livekit(vec![url]).await;
    livekit.open_room_with("büro 🎧", r#"{"a": "b"}"#);
    livekit.close_room("büro 🎧");
    for event in ["room_started", "room_finished"] {
        let request = webhooks.recv().await.unwrap();
        let mut receive = python("livekit/receive.py");
        receive.args([KEY, SECRET]);
        assert_eq!(run(receive, request.clone()).await.trim(), event);
        let mut wrong = python("livekit/receive.py");
        wrong.args([KEY, "another secret, long enough to be one"]);
        let refused = tokio::spawn(run(wrong, request)).await;
        assert!(refused.is_err(), "a wrong secret is taken");
    }
}

/// An address for webhooks, and the requests that come: the token's line, then the body.
async fn webhooks() -> (String, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| {
        let token = headers["authorization"].as_bytes();
        sender.send([token, b"\n", &body[..]].concat()).ok();
        async {}
    };
    let app = Router::new().route("/", post(take));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, receiver)
}
