//! What commands do is in the audit trail, with the user who ran them.

use serde_json::{Value, json};

use super::{PUBLIC_URL, on_postgres};
use crate::harness::World;

async fn leave_lines(world: World) {
    let (call, egress, _) = world.linked("desk").await;
    let number = "+4915112345678";
    for (args, code) in [
        (&["calls", "link", &call][..], 0),
        (&["calls", "link", &egress], 0),
        (&["calls", "link", number], 1),
        (&["redrive", &call], 0),
        (&["redrive", "--sink", "airtable", "--all"], 0),
        (&["redrive", "--dry-run", "--all"], 0),
        (&["replay"], 0),
        (&["replay", "--dry-run"], 0),
        (&["backfill"], 0),
        (&["record", "stop", &egress], 0),
        (&["record", "stop", "EG_none"], 1),
        (&["calls", "unlink", &call], 0),
    ] {
        let done = world.audited(args).await;
        assert_eq!(done.code, Some(code), "{args:?}: {done:?}");
    }
    let lines = world.audit(&[]).await;
    let mut shown: Vec<Value> = Vec::new();
    for line in lines.iter().filter(|line| line["action"] != "start") {
        assert!(line["who"].as_str().unwrap().starts_with("user:"), "{line}");
        assert_ne!(line["client"], "", "{line}");
        shown.push(json!([
            line["action"],
            line["call_id"],
            line["egress_id"],
            line["status"],
            line["detail"]
        ]));
    }
    let expected = [
        json!(["link", call, null, 0, ""]),
        json!(["link", call, egress, 0, ""]),
        json!(["link", null, null, 1, ""]),
        json!(["redrive", call, null, 0, ""]),
        json!(["redrive", null, null, 0, "--sink airtable --all"]),
        json!(["replay", null, null, 0, ""]),
        json!(["backfill", null, null, 0, ""]),
        json!(["record_stop", call, egress, 0, ""]),
        json!(["record_stop", null, null, 1, ""]),
        json!(["unlink", call, null, 0, ""]),
    ];
    assert_eq!(shown, expected);
    let text = world.audited(&["audit"]).await.stdout;
    assert!(!text.contains("4915112345678"), "{text}");
    assert_eq!(world.audit(&["--call", &egress]).await.len(), 2);
    assert_eq!(world.audit(&["--since", "2999-01-01"]).await.len(), 0);
    let verified = world.audited(&["audit", "--verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_leave_lines() {
    leave_lines(World::with(&[PUBLIC_URL]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_leave_lines_on_postgres() {
    leave_lines(on_postgres(&[PUBLIC_URL]).await).await;
}
