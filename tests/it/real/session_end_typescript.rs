//! The agent of examples/ in TypeScript, with the real @livekit/agents: it loses no words either.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use tempfile::TempDir;

use super::{agents::check, exported, run, session_end::Firewall};
use crate::harness::{KEY, SECRET, World};

/// A folder with the example, its test and their packages, as an agent's author has it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for script in [
        "examples/agent.ts",
        "tests/clients/agents/session_end.ts",
        "tests/clients/agents/tsconfig.json",
    ] {
        let name = Path::new(script).file_name().unwrap();
        fs::copy(script, folder.path().join(name)).unwrap();
    }
    let package = folder.path().join("package.json");
    fs::write(package, r#"{"type": "module"}"#).unwrap();
    let modules = exported("TEST_NODE_MODULES");
    symlink(modules, folder.path().join("node_modules")).unwrap();
    folder
}

/// The example at the end of a session; `trouble` as in session_end.ts.
fn session_end(folder: &TempDir, url: &str, args: [&str; 3]) -> Command {
    let mut send = Command::new("node");
    send.args(["--import", "tsx", "session_end.ts"])
        .args(args)
        .current_dir(folder.path())
        .env("LIVEKIT_AIRTABLE_URL", url)
        .env("LIVEKIT_API_KEY", KEY)
        .env("LIVEKIT_API_SECRET", SECRET);
    send
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_passes_the_compilers_checks() {
    let folder = folder();
    let mut compile = Command::new("node_modules/.bin/tsc");
    compile.current_dir(folder.path());
    run(compile, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_words_are_lost_with_a_report_without_one_or_with_one_that_is_not_json() {
    let world = World::new().await;
    let folder = folder();
    for trouble in ["report", "recording", "objects"] {
        let room = format!("typescript-{trouble}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        let send = session_end(&folder, &world.url(""), [&room, &call, trouble]);
        run(send, Vec::new()).await;
        let row = world.row_where(&call, |row| row.contains_key("Transcript"));
        check(&row.await);
        let stored = world.get(&format!("/v1/calls/{call}/transcript.txt")).await;
        assert!(!stored.text().await.unwrap().contains("4711"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_firewall_are_no_answers_of_ours() {
    let world = World::new().await;
    let (firewall, url) = Firewall::start(&world, &[403, 302, 200, 413]).await;
    let call = world.livekit.open_room("typescript-firewall");
    world.row_is(&call, "Live").await;
    let args = ["typescript-firewall", call.as_str(), "report"];
    run(session_end(&folder(), &url, args), Vec::new()).await;
    let row = world.row_where(&call, |row| row.contains_key("Transcript"));
    check(&row.await);
    let lengths = firewall.came.lock().unwrap().clone();
    assert_eq!(lengths.len(), 5);
    assert!(lengths[4] < lengths[3], "{lengths:?}");
}
