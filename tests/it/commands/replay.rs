//! `replay`.

use serde_json::json;

use super::NOBODY;
use crate::{harness::World, mirror::Receiver, play::text, signed_webhooks::send};

const CALLS: &str = "SELECT state FROM calls ORDER BY id";

/// With the same code, nothing changes and nothing is sent.
pub(super) async fn changes_nothing(world: World) {
    let calls = [world.complete("desk").await, world.complete("hall").await];
    let silent = world.livekit.open_room("silent");
    world.starts("silent", 1).await;
    world.livekit.close_room("silent");
    world.row_is(&silent, "No recording").await;
    for call in &calls {
        world.processed(call, "egress").await;
    }
    let (before, rows) = (world.texts(CALLS).await, world.rows().await);
    let (requests, starts) = (world.airtable.requests(), world.livekit.starts().len());
    let planned = world.json(&["replay", "--dry-run"]).await;
    assert_eq!(
        (&planned["folded"], &planned["changed"]),
        (&json!(3), &json!([])),
        "{planned:#}"
    );
    assert_eq!(planned["incomplete"], json!([]), "{planned:#}");
    let dry = world.ok(&["replay", "--dry-run"]).await.stdout;
    assert!(dry.starts_with("Would rebuild 3 calls from"), "{dry}");
    assert!(dry.contains(": 0 would change.\n"), "{dry}");
    assert!(
        dry.ends_with("This was a dry run: nothing was changed.\n"),
        "{dry}"
    );
    let done = world.ok(&["replay"]).await;
    assert!(done.stdout.contains("Rebuilt 3 calls from"), "{done:?}");
    assert!(!done.stdout.contains("dry run"), "{done:?}");
    assert!(done.stdout.contains("0 changed"), "{done:?}");
    assert_eq!(world.texts(CALLS).await, before);
    // Whatever it had made due would be sent before this new call.
    let later = world.complete("later").await;
    assert_eq!(world.livekit.starts().len(), starts + 1, "recorded once");
    let row = |call: &String| {
        rows.iter()
            .find(|row| row["Call ID"] == call.as_str())
            .cloned()
    };
    for call in calls.iter().chain([&silent]) {
        assert_eq!(world.row(call).await, row(call));
    }
    let written = world.airtable.requests() - requests;
    assert!(
        written > 0 && written < 12,
        "{written} requests for {later}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_same_code_nothing_changes() {
    let (receiver, url) = Receiver::start(&[]).await;
    changes_nothing(World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await).await;
    let reported = receiver.hears(3).await;
    let recorded: Vec<_> = reported
        .iter()
        .map(|(headers, _)| headers["webhook-id"].clone())
        .collect();
    let mut once = recorded.clone();
    once.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    once.dedup();
    assert_eq!(
        recorded.len(),
        once.len(),
        "each recording is sent once: {recorded:?}"
    );
}

/// A call that an older version folded incorrectly is corrected, and only the difference is sent.
pub(super) async fn corrects_what_was_stored_wrong(mut world: World) {
    let (call, other) = (world.complete("desk").await, world.complete("hall").await);
    world.processed(&call, "egress").await;
    world.stop().await;
    let right = world.texts(CALLS).await;
    world
        .sql(&format!(
            "UPDATE calls SET room_name = 'wrong', state = REPLACE(state, '\"room_name\":\"desk\"', '\"room_name\":\"wrong\"')
             WHERE id = '{call}'"
        ))
        .await;
    assert_ne!(world.texts(CALLS).await, right);
    // Airtable had heard so, too.
    // Airtable had heard so, too.
    let place = format!("sink = 'airtable' AND call_id = '{call}'");
    let sink_state = world
        .texts(&format!("SELECT memo FROM deliveries WHERE {place}"))
        .await;
    let mut sink_state: serde_json::Value = serde_json::from_str(&sink_state[0]).unwrap();
    sink_state["sent"]["Room"][1] = json!(1);
    world
        .sql(&format!(
            "UPDATE deliveries SET memo = '{sink_state}' WHERE {place}"
        ))
        .await;
    let planned = world.json(&["replay", "--dry-run"]).await;
    let expected = json!([{ "call_id": call, "room_name": "desk", "columns": ["Room"] }]);
    assert_eq!(planned["changed"], expected, "{planned:#}");
    assert_ne!(world.texts(CALLS).await, right, "a dry run writes nothing");
    let none = world
        .json(&["replay", "--dry-run", "--since", "2020-01-01"])
        .await;
    assert_eq!(none["folded"], 2, "{none:#}");
    let none = world
        .json(&["replay", "--since", "2100-01-01T00:00:00Z"])
        .await;
    assert_eq!(none["folded"], 0, "{none:#}");
    let done = world.ok(&["replay"]).await;
    assert!(done.stdout.contains("Room"), "{done:?}");
    assert!(done.stderr.contains(NOBODY), "{done:?}");
    assert_eq!(world.texts(CALLS).await, right);
    let again = world.json(&["replay"]).await;
    assert_eq!(again["changed"], json!([]), "it is due already");
    let requests = world.airtable.requests();
    world.start().await;
    world.delivery_is(&call, "airtable", "done").await;
    let again = world.json(&["replay", "--dry-run"]).await;
    assert_eq!(again["changed"], json!([]), "{again:#}");
    assert!(world.airtable.requests() > requests);
    for (call, room) in [(&call, "desk"), (&other, "hall")] {
        assert_eq!(text(&world.row(call).await.unwrap(), "Room"), room);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_wrong_is_corrected() {
    corrects_what_was_stored_wrong(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn todays_schema_fills_todays_columns() {
    let mut world = World::new().await;
    let call = world.complete("desk").await;
    world.stop().await;
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let more =
        "\n[[columns]]\nname = \"Desk\"\ntype = \"singleLineText\"\nfrom = \"constant:front\"\n";
    let path = world.folder.path().join("schema.toml");
    std::fs::write(&path, format!("{schema}{more}")).unwrap();
    let mut settings = world.settings().to_vec();
    settings.push(("AIRTABLE_SCHEMA".to_owned(), path.display().to_string()));
    let args = ["replay", "--dry-run", "--json"];
    let done = crate::process::run(world.folder.path(), &args, &settings).await;
    let planned: serde_json::Value =
        serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    let expected = json!([{ "call_id": call, "room_name": "desk", "columns": ["Desk"] }]);
    assert_eq!(planned["changed"], expected, "{planned:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_read_again_but_no_request() {
    let world = World::new().await;
    let sid = "RM_aside";
    let body = json!({ "event": "room_finished", "id": "EV_aside", "room": { "sid": sid, "name": "aside" } });
    assert_eq!(send(&world, body.to_string()).await, 200);
    world.row_is(sid, "Failed").await;
    // As if an older version had not been able to parse the message.
    world.sql("DELETE FROM deliveries").await;
    world.sql("DELETE FROM calls").await;
    world
        .sql("UPDATE inbox SET call_id = NULL, error = 'unreadable' WHERE kind = 'webhook'")
        .await;
    let refused = world
        .post("/v1/recordings", &json!({ "room_name": "nowhere" }))
        .await;
    assert_eq!(refused.status(), 404);
    let planned = world.json(&["replay", "--dry-run"]).await;
    assert_eq!(planned["read_again"], 1, "{planned:#}");
    let done = world.ok(&["replay"]).await;
    assert!(
        done.stdout
            .contains("The service processes 1 inbox message of no call again"),
        "{done:?}"
    );
    let corrected = eventually_texts(&world, "SELECT id FROM calls").await;
    assert_eq!(corrected, [sid]);
    let errors = world
        .texts("SELECT error FROM inbox WHERE error IS NOT NULL")
        .await;
    assert_eq!(errors, ["no such room"], "the request stays refused");
    assert!(world.livekit.starts().is_empty());
}

/// A message that an older version could not parse may be about a room that closed long ago, and LiveKit starts by
/// name.
#[tokio::test(flavor = "multi_thread")]
async fn old_news_records_nobody_elses_room() {
    let world = World::with(&[("RECORD_ROOMS", "desk")]).await;
    let (old, name) = ("RM_longago", "desk");
    let body =
        json!({ "event": "room_started", "id": "EV_1", "room": { "sid": old, "name": "hall" } });
    assert_eq!(send(&world, body.to_string()).await, 200);
    world
        .row_where(old, |row| text(row, "Room") == "hall")
        .await;
    let (live, _) = world.talk(name).await;
    world
        .sql("DELETE FROM deliveries WHERE call_id = 'RM_longago'")
        .await;
    world.sql("DELETE FROM calls WHERE id = 'RM_longago'").await;
    world
        .sql(
            "UPDATE inbox SET call_id = NULL, error = 'unreadable', received_at = received_at - 3600000,
               body = REPLACE(body, '\"hall\"', '\"desk\"') WHERE kind = 'webhook' AND call_id = 'RM_longago'",
        )
        .await;
    let done = world.json(&["replay"]).await;
    assert_eq!(done["read_again"], 1, "{done:#}");
    world
        .row_where(old, |row| text(row, "Error").contains("room closed before"))
        .await;
    assert_eq!(text(&world.row(&live).await.unwrap(), "Status"), "Live");
    assert_eq!(
        world.livekit.starts().len(),
        1,
        "the open room is recorded once"
    );
}

async fn eventually_texts(world: &World, query: &str) -> Vec<String> {
    for _ in 0..2000 {
        let found = world.texts(query).await;
        if !found.is_empty() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{query}: nothing came")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_messages_are_gone_stays_as_it_is() {
    let world = World::new().await;
    let (emptied, deleted) = (world.complete("desk").await, world.complete("hall").await);
    for call in [&emptied, &deleted] {
        world.processed(call, "egress").await;
    }
    world
        .sql(&format!(
            "UPDATE inbox SET body = '' WHERE call_id = '{emptied}'"
        ))
        .await;
    world
        .sql(&format!(
            "DELETE FROM inbox WHERE call_id = '{deleted}' AND kind = 'report'"
        ))
        .await;
    let before = world.texts(CALLS).await;
    let rows = world.rows().await;
    let done = world.json(&["replay"]).await;
    let mut incomplete: Vec<&str> = done["incomplete"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|id| id.as_str())
        .collect();
    incomplete.sort_unstable();
    let mut expected = [emptied.as_str(), deleted.as_str()];
    expected.sort_unstable();
    assert_eq!(incomplete, expected, "{done:#}");
    assert_eq!(
        (&done["changed"], &done["read_again"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(world.texts(CALLS).await, before);
    assert_eq!(world.rows().await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_while_calls_go_on() {
    let world = World::new().await;
    let replaying = async {
        for _ in 0..5 {
            world.ok(&["replay"]).await;
        }
    };
    let calling = async {
        let mut calls = Vec::new();
        for n in 0..4 {
            calls.push(world.complete(&format!("desk-{n}")).await);
        }
        calls
    };
    let ((), calls) = tokio::join!(replaying, calling);
    assert_eq!(
        world.livekit.starts().len(),
        calls.len(),
        "each recorded once"
    );
    assert_eq!(world.rows().await.len(), calls.len());
}
