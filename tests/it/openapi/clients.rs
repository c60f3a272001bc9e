//! Programs that know the API from its document alone.

use std::{path::Path, process::Command};

use serde_json::json;
use tempfile::TempDir;

use super::routes::document;
use crate::{
    harness::{API_TOKEN, World, agent},
    play::text,
    real::{exported, postgres::fresh_database, python, run},
};

const PUBLIC: &str = "https://calls.example.com";

/// A program beside the tests' Python.
fn beside_python(name: &str) -> Command {
    let python = exported("TEST_PYTHON");
    Command::new(Path::new(&python).with_file_name(name))
}

/// A service with a call that has everything, on this database.
async fn world(database: Option<String>) -> (World, [(&'static str, String); 4]) {
    let mut settings = vec![("PUBLIC_URL", PUBLIC), ("RECORD_ROOMS", "call-*")];
    if let Some(database) = &database {
        settings.push(("DATABASE_URL", database));
    }
    let world = World::with(&settings).await;
    let (call, egress) = world.talk("call-1").await;
    let words = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &words).await.status(), 202);
    world.livekit.close_room("call-1");
    let row = world.row_is(&call, "Complete").await;
    let link = text(&row, "Recording URL");
    let signature = link.rsplit('/').next().unwrap().to_owned();
    let known = [
        ("CALL_ID", call),
        ("EGRESS_ID", egress),
        ("SIGNATURE", signature),
        ("API_TOKEN", API_TOKEN.to_owned()),
    ];
    (world, known)
}

/// Which operations schemathesis tests. A report of a call that nobody knows takes a second, so it has two processes.
#[derive(Clone, Copy)]
enum Part {
    Reports,
    Others,
}

/// Runs schemathesis with all of its checks against a service.
async fn schemathesis(database: Option<String>, part: Part) {
    let (world, known) = world(database).await;
    let config = Path::new("tests/clients/openapi/schemathesis.toml");
    let folder = TempDir::new().unwrap();
    let mut command = beside_python("schemathesis");
    command
        .arg("--config-file")
        .arg(config.canonicalize().unwrap())
        .args(["run", &world.url("/openapi.json")])
        .arg(match part {
            Part::Reports => "--include-operation-id=post_transcript",
            Part::Others => "--exclude-operation-id=post_transcript",
        })
        .envs(known)
        .current_dir(folder.path());
    let report = run(command, Vec::new()).await;
    assert!(report.contains(" Fuzzing (in "), "{report}");
    for skipped in ["Errored", "No checks were performed", "Schema Error"] {
        assert!(!report.contains(skipped), "{report}");
    }
    assert_eq!(world.get("/readyz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_on_sqlite() {
    schemathesis(None, Part::Others).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_sends_reports_on_sqlite() {
    schemathesis(None, Part::Reports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_on_postgres() {
    schemathesis(Some(fresh_database().await), Part::Others).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_sends_reports_on_postgres() {
    schemathesis(Some(fresh_database().await), Part::Reports).await;
}

/// Its client is generated from the document; it records, sends words and reads both.
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_does_the_main_job() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.row_is(&call, "Live").await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document(&world).await.to_string()).unwrap();
    let mut generate = beside_python("openapi-python-client");
    let python_folder = Path::new(&exported("TEST_PYTHON"))
        .parent()
        .unwrap()
        .to_owned();
    generate
        .args(["generate", "--fail-on-warning", "--meta", "none", "--path"])
        .arg(&file)
        .arg("--output-path")
        .arg(folder.path().join("calls_client"))
        // It formats what it has generated with ruff, which lies beside it.
        .env("PATH", python_folder);
    run(generate, Vec::new()).await;
    let mut client = python("openapi/client.py");
    client.env("PYTHONPATH", folder.path()).args([
        world.url("/").trim_end_matches('/'),
        API_TOKEN,
        &call,
    ]);
    assert_eq!(run(client, Vec::new()).await, "ok\n");
    assert_eq!(world.livekit.starts().len(), 1, "recorded once");
}
