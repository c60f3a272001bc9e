//! Reports of every version of LiveKit's agents SDKs whose shape differs, made by the packages themselves
//! (`tests/fixtures/agents/figures/make`), and by the newest packages now.

use std::{collections::BTreeMap, env, fs, os::unix::fs::symlink, process::Command};

use serde_json::{Value, json};

use super::{MANUAL, WebhookCall, figures};
use crate::{
    harness::World,
    reader::Row,
    real::{exported, python, run},
};

const FIXTURES: &str = "tests/fixtures/agents/figures";
const VERSIONS: [&str; 6] = [
    "python-1.3.1",
    "python-1.5.0",
    "python-1.6.0",
    "javascript-1.2.0",
    "javascript-1.6.0",
    "javascript-1.7.1",
];

/// The reports by version; of a long test, those that were made just now.
#[expect(
    clippy::disallowed_methods,
    reason = "only tests/run knows where it made them"
)]
fn made() -> BTreeMap<String, Value> {
    let folder = env::var("TEST_FIGURES").unwrap_or_else(|_| FIXTURES.to_owned());
    let read = |version: &str| {
        let text = fs::read_to_string(format!("{folder}/{version}.json")).unwrap();
        (version.to_owned(), serde_json::from_str(&text).unwrap())
    };
    VERSIONS.into_iter().map(read).collect()
}

/// The report of the newest SDK for Python.
async fn newest_python() -> Value {
    let made = run(python("agents/figures.py"), Vec::new()).await;
    serde_json::from_str(&made).unwrap()
}

/// The report of the newest SDK for JavaScript.
async fn newest_javascript() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("figures.ts");
    fs::copy("tests/clients/agents/figures.ts", script).unwrap();
    let package = folder.path().join("package.json");
    fs::write(package, r#"{"type": "module"}"#).unwrap();
    let modules = folder.path().join("node_modules");
    symlink(exported("TEST_NODE_MODULES"), modules).unwrap();
    let mut make = Command::new("node");
    make.args(["--import", "tsx", "figures.ts"])
        .current_dir(folder.path());
    serde_json::from_str(&run(make, Vec::new()).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_gives_the_same_figures() {
    let world = World::with(&[MANUAL]).await;
    let mut reports = made();
    reports.insert("python".into(), newest_python().await);
    reports.insert("javascript".into(), newest_javascript().await);
    for (n, (version, report)) in reports.iter().enumerate() {
        let sid = format!("RM_sdk{n:08}");
        let call = WebhookCall {
            world: &world,
            sid: &sid,
        };
        call.begins().await;
        call.reports(report).await;
        call.leaves("caller", "SIP", 60, &json!("CLIENT_INITIATED"))
            .await;
        call.finishes(&json!({})).await;
        let has = |row: &Row| row.contains_key("End reason") && row.contains_key("Turns");
        let row = world.row_where(&sid, has).await;
        let outcome = match report["tags"].as_array() {
            Some(tags) if !tags.is_empty() => json!("Success"),
            _ => Value::Null,
        };
        let wanted = [
            json!("Caller hung up"),
            json!("Caller"),
            json!(5),
            json!(1),
            json!(0.7),
            json!(0.667),
            json!(5),
            outcome,
        ];
        assert_eq!(figures(&row), wanted, "{version}");
        let answer = world.get(&format!("/v1/calls/{sid}")).await;
        let call: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        for (figure, value) in [
            ("llm_ttft", json!(0.32)),
            ("end_of_turn_delay", json!(0.555)),
            ("tools_called", json!(2)),
            ("tools_failed", json!(1)),
            ("false_interruptions", json!(1)),
            ("languages", json!(["en"])),
        ] {
            assert_eq!(call["figures"][figure], value, "{version}: {figure}");
        }
    }
}
