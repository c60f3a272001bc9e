//! A report's figures in the row and in the API.

use serde_json::{Value, json};

use super::{WebhookCall, both, expected, figures, report};
use crate::{harness::World, process::run, reader::Row};

async fn shown(world: &World, call: &str) -> Value {
    let answer = world.get(&format!("/v1/calls/{call}")).await;
    let call: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    call["figures"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_fills_the_figures_of_its_row() {
    for world in both().await {
        let call = WebhookCall {
            world: &world,
            sid: "RM_figures0001",
        };
        call.begins().await;
        call.reports(&report()).await;
        call.leaves("caller", "SIP", 60, &json!("CLIENT_INITIATED"))
            .await;
        call.finishes(&json!({})).await;
        let has = |row: &Row| figures(row) == expected();
        world.row_where(call.sid, has).await;
        let shown = shown(&world, call.sid).await;
        let wanted = json!({
            "end_reason": "Caller hung up", "ended_by": "Caller", "turns": 5, "interruptions": 1, "response_latency": 0.7,
            "talk_share": 0.667, "longest_silence": 5.0, "outcome": "Success", "caller_turns": 2, "agent_turns": 3,
            "false_interruptions": 0, "agent_talk_time": 6.0, "caller_talk_time": 3.0, "silence": 6.5, "dead_air": 5.0,
            "first_word_after": 1.0, "response_latency_p95": 0.9, "response_latency_max": 0.9, "llm_ttft": 0.3,
            "end_of_turn_delay": 0.5, "tts_ttfb": null, "input_tokens": 10, "output_tokens": 5, "cached_tokens": 0,
            "tts_characters": null, "stt_minutes": null, "tools_called": 1, "tools_failed": 1, "languages": null,
            "stt_confidence": null, "errors": null, "tags": ["language:es"], "agent_name": null, "models": ["openai/gpt-4o"],
            "direction": null, "cost": null,
        });
        assert_eq!(shown, wanted);
        let args = ["calls", "show", call.sid];
        let printed = run(world.folder.path(), &args, world.settings()).await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        let mut lines = printed.stdout.lines();
        let is_reason =
            |line: &str| line.starts_with("end_reason") && line.ends_with("Caller hung up");
        assert!(lines.any(is_reason), "{printed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_report_has_empty_cells() {
    for world in both().await {
        let call = WebhookCall {
            world: &world,
            sid: "RM_figures0002",
        };
        call.begins().await;
        call.leaves("caller", "SIP", 60, &json!("CLIENT_INITIATED"))
            .await;
        call.finishes(&json!({})).await;
        let row = world.row_is(call.sid, "No recording").await;
        assert!(figures(&row).iter().all(Value::is_null), "{row:?}");
        assert_eq!(shown(&world, call.sid).await, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_report_lacks_is_empty_and_not_zero() {
    let world = World::with(&[super::MANUAL]).await;
    let call = WebhookCall {
        world: &world,
        sid: "RM_figures0003",
    };
    call.begins().await;
    let turns = json!({ "turns": [{ "speaker": "agent", "text": "Good morning to you." }] });
    call.reports(&turns).await;
    call.finishes(&json!({})).await;
    let wanted = [
        Value::Null,
        Value::Null,
        json!(1),
        json!(0),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
    ];
    let has = |row: &Row| figures(row) == wanted;
    world.row_where(call.sid, has).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_with_one_history_count_each_message_once() {
    let world = World::with(&[super::MANUAL]).await;
    let call = WebhookCall {
        world: &world,
        sid: "RM_figures0004",
    };
    call.begins().await;
    call.reports(&report()).await;
    let mut second = report();
    second["job_id"] = json!("AJ_second");
    let later = super::message(
        "assistant",
        "This is the nurse.",
        20.0,
        22.0,
        &json!({ "e2e_latency": 0.7 }),
    );
    let items = second["chat_history"]["items"].as_array_mut().unwrap();
    items.push(later);
    call.reports(&second).await;
    call.leaves("caller", "SIP", 60, &json!(1)).await;
    call.finishes(&json!({})).await;
    let mut wanted = expected();
    wanted[2] = json!(6);
    wanted[5] = json!(0.727);
    let has = |row: &Row| figures(row) == wanted;
    world.row_where(call.sid, has).await;
}
