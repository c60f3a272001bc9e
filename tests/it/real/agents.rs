//! Session reports of livekit-agents itself, and the agent of examples/ sending one.

use std::process::Command;

use serde_json::{Map, Value};

use super::{exported, python, run};
use crate::harness::{KEY, SECRET, World};

/// livekit-agents' session report of a conversation with a system prompt, tools, a handoff and an interruption.
async fn report(room: &str, call: &str) -> Value {
    let mut report = python("agents/report.py");
    report.args([room, call]);
    serde_json::from_str(&run(report, Vec::new()).await).unwrap()
}

/// All that was said, and nothing else.
pub(super) fn check(row: &Map<String, Value>) {
    let expected = "Caller: I'd like to book a cleaning for Tuesday.\n\
                    Agent: Done: Tuesday at ten.\n\
                    Caller: It hurts a little.\n\
                    Agent: Then I would rather [interrupted]\n\
                    Caller: No, thank you. Bye!\n\
                    Agent: Goodbye, and get well soon.";
    assert_eq!(row["Transcript"].as_str().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_session_report_becomes_the_transcript_without_its_prompt() {
    let world = World::new().await;
    let call = world.livekit.open_room("report");
    let report = report("report", &call).await;
    assert!(report.to_string().contains("4711"), "the prompt is in it");
    let answer = world.post("/v1/transcripts", &report).await;
    assert_eq!(answer.status(), 202);
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["turns"], 6, "{answer}");
    let row = world.row_where(&call, |row| row.contains_key("Transcript"));
    check(&row.await);
    let stored = world.get(&format!("/v1/calls/{call}/transcript.txt")).await;
    assert!(!stored.text().await.unwrap().contains("4711"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_agent_sends_its_report_with_livekits_own_key() {
    let world = World::new().await;
    let call = world.livekit.open_room("example");
    let report = report("example", &call).await;
    let mut send = Command::new(exported("TEST_PYTHON"));
    let script =
        "import agent, asyncio, json, sys; asyncio.run(agent.send_report(json.load(sys.stdin)))";
    send.args(["-c", script])
        .env("PYTHONPATH", "examples")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LIVEKIT_AIRTABLE_URL", world.url(""))
        .env("LIVEKIT_URL", world.livekit.url())
        .env("LIVEKIT_API_KEY", KEY)
        .env("LIVEKIT_API_SECRET", SECRET);
    run(send, report.to_string().into_bytes()).await;
    let row = world.row_where(&call, |row| row.contains_key("Transcript"));
    check(&row.await);
}
