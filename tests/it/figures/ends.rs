//! How calls ended: LiveKit's reason for the caller, the agent's for its session, the room's.

use serde_json::{Value, json};

use super::{MANUAL, WebhookCall};
use crate::{harness::World, reader::Row};

/// The caller's reason, the session's, the room's (numbers are the protocol's), and the row's End reason and Ended by.
const CASES: &str = "
    CLIENT_INITIATED | job_shutdown | - | Caller hung up | Caller
    1 | CR_ERROR | - | Caller hung up | Caller
    - | CR_PARTICIPANT_DISCONNECTED | - | Caller hung up | Caller
    MIGRATION | participant_disconnected | - | Caller hung up | Caller
    ROOM_DELETED | CR_COMPLETED | - | Agent hung up | Agent
    ROOM_DELETED | task_completed | - | Agent hung up | Agent
    PARTICIPANT_REMOVED | CR_USER_INITIATED | - | Agent hung up | Agent
    ROOM_DELETED | CR_JOB_SHUTDOWN | - | Agent hung up | Agent
    USER_UNAVAILABLE | job_shutdown | - | No answer | System
    USER_REJECTED | job_shutdown | - | Declined | Caller
    SIP_TRUNK_FAILURE | job_shutdown | - | Trunk failure | System
    CONNECTION_TIMEOUT | job_shutdown | - | Connection lost | System
    MEDIA_FAILURE | job_shutdown | - | Connection lost | System
    SIGNAL_CLOSE | job_shutdown | - | Connection lost | System
    6 | job_shutdown | - | Connection lost | System
    AGENT_ERROR | job_shutdown | - | Agent error | Agent
    ROOM_DELETED | CR_ERROR | - | Agent error | Agent
    SERVER_SHUTDOWN | job_shutdown | - | Server | System
    ROOM_CLOSED | job_shutdown | ROOM_END_IDLE_TIMEOUT | Timeout | System
    A_NEWER_REASON | CR_NEWER | 2 | Timeout | System
    - | - | SERVER_SHUTDOWN | Server | System
    DUPLICATE_IDENTITY | - | - | - | -";

/// The columns of the cases.
fn cases() -> Vec<[&'static str; 5]> {
    let lines = CASES.trim().lines();
    let columns = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    columns.map(|all| all.try_into().unwrap()).collect()
}

/// As LiveKit or an agent sends it: nothing, a number, or a name.
fn sent(text: &str) -> Value {
    match text {
        "-" => Value::Null,
        text => text.parse::<i64>().map_or(json!(text), Value::from),
    }
}

fn cell<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_reason_decides_and_the_agents_only_where_it_says_nothing() {
    let world = World::with(&[MANUAL]).await;
    let cases = cases();
    for (n, [caller, closed, room, ..]) in cases.iter().enumerate() {
        let sid = format!("RM_end{n:08}");
        let call = WebhookCall {
            world: &world,
            sid: &sid,
        };
        call.begins().await;
        let report = match *closed {
            // As the report spells it, or as an event of the session.
            "-" => json!({ "chat_history": { "items": [] } }),
            reason if reason.starts_with("CR_") => {
                json!({ "close_reason": reason, "chat_history": { "items": [] } })
            }
            reason => {
                json!({ "events": [{ "type": "close", "reason": reason }], "chat_history": { "items": [] } })
            }
        };
        call.reports(&report).await;
        call.leaves("caller", "SIP", 60, &sent(caller)).await;
        call.leaves("agent", "AGENT", 60, &json!("ROOM_CLOSED"))
            .await;
        call.finishes(&json!({ "roomEndReason": sent(room) })).await;
    }
    for (n, case) in cases.iter().enumerate() {
        let row = world.row_is(&format!("RM_end{n:08}"), "No recording").await;
        let found = ["End reason", "Ended by"].map(|name| match cell(&row, name) {
            "" => "-",
            text => text,
        });
        assert_eq!(found[..], case[3..], "{case:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_agent_came_and_a_caller_who_connects_again_has_not_hung_up_before() {
    let world = World::with(&[MANUAL]).await;
    let alone = WebhookCall {
        world: &world,
        sid: "RM_alone000001",
    };
    alone.event("room_started", 0, &json!({})).await;
    alone.joins("caller", "SIP", 1).await;
    alone
        .leaves("caller", "SIP", 60, &json!("ROOM_DELETED"))
        .await;
    let said = json!({ "close_reason": "CR_JOB_SHUTDOWN", "chat_history": { "items": [] } });
    alone.reports(&said).await;
    alone.finishes(&json!({})).await;
    let never = |row: &Row| cell(row, "End reason") == "Agent never came";
    world.row_where(alone.sid, never).await;
    let again = WebhookCall {
        world: &world,
        sid: "RM_again000001",
    };
    again.begins().await;
    let said = json!({ "close_reason": "CR_COMPLETED", "chat_history": { "items": [] } });
    again.reports(&said).await;
    // Both in one second, the first one last.
    let removed = json!({ "sid": "PA_second", "identity": "caller", "kind": "SIP", "disconnectReason": "ROOM_DELETED" });
    let left = json!({ "participant": removed });
    again.event("participant_left", 60, &left).await;
    let replaced = json!("DUPLICATE_IDENTITY");
    again.leaves("caller", "SIP", 60, &replaced).await;
    again.finishes(&json!({})).await;
    let hung_up = |row: &Row| cell(row, "End reason") == "Agent hung up";
    world.row_where(again.sid, hung_up).await;
}
