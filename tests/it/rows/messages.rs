//! The messages that people read if Airtable rejects everything: they must say what to do.

use livekit_airtable_sim::airtable::Fault;
use serde_json::json;

use super::UNRECORDED;
use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    process::Serve,
};

/// The row's last error in `/v1` and what the log says, when Airtable answers so from the start.
async fn reported(settings: &[(&str, &str)], prepare: impl Fn(&World)) -> String {
    let mut world = World::with(&[UNRECORDED]).await;
    world.stop().await;
    let mut pairs = world.settings().to_vec();
    pairs.extend(settings.iter().map(|(k, v)| (k.to_string(), v.to_string())));
    pairs.push(("LOG_FORMAT".into(), "json".into()));
    prepare(&world);
    let mut serve = Serve::start(world.folder.path(), &pairs).await;
    world.is_served_at(&serve.address);
    let call = world.livekit.open_room("desk");
    let asked = std::time::Instant::now();
    let due_deliveries = loop {
        let known = world.get(&format!("/v1/calls/{call}")).await.status() == 200;
        if known {
            let due_deliveries = world.due_deliveries(&call).await;
            // A paused sink is logged before the outcome of this attempt is stored.
            if due_deliveries["last_error"].is_string() && due_deliveries["attempts"] != 0 {
                break due_deliveries;
            }
        }
        assert!(asked.elapsed() < PATIENCE, "{}", serve.said());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let said = serve.said();
    assert!(
        !said.contains("patTest") && !said.contains(API_TOKEN),
        "{said}"
    );
    serve.stop().await;
    let log = said.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let of = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let loud = matches!(&*of("level"), "ERROR" | "WARN");
        loud.then(|| format!("log {}: {}: {}", of("level"), of("message"), of("error")))
    });
    let log: Vec<String> = log.take(1).collect();
    format!(
        "{}: {}\n{}",
        due_deliveries["state"].as_str().unwrap(),
        due_deliveries["last_error"].as_str().unwrap(),
        log.join("\n")
    )
}

fn refusal(kind: &str, message: &str) -> String {
    json!({"error": {"type": kind, "message": message}}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_base_and_table() {
    let none = |_: &World| {};
    let unknown = |world: &World| {
        let words = refusal("AUTHENTICATION_REQUIRED", "Authentication required");
        world.airtable.fail_next(1000, Fault::Status(401, words));
    };
    let forbidden = |world: &World| {
        let words = refusal(
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
            "Invalid permissions, or the requested model was not found.",
        );
        // The schema may be read; the rows may not be written.
        world
            .airtable
            .fail_next(1, Fault::Slow(std::time::Duration::ZERO));
        world.airtable.fail_next(1000, Fault::Status(403, words));
    };
    let texts = [
        ("401", reported(&[], unknown).await),
        (
            "wrong base",
            reported(&[("AIRTABLE_BASE_ID", "appNobodyKnows001")], none).await,
        ),
        ("missing scope", reported(&[], forbidden).await),
        (
            "no table",
            reported(&[("AIRTABLE_TABLE", "Nobody's")], none).await,
        ),
        (
            "quota",
            reported(&[], |world| world.airtable.fail_next(1000, Fault::Quota)).await,
        ),
        (
            "key of a wrong type",
            reported(&[], |world| {
                assert!(
                    world
                        .airtable
                        .change_type("Calls", "Call ID", "number", None)
                )
            })
            .await,
        ),
        (
            "away",
            reported(&[("AIRTABLE_API_URL", "http://127.0.0.1:9")], none).await,
        ),
    ];
    let texts = texts.map(|(what, text)| format!("== {what}\n{text}"));
    insta::assert_snapshot!(texts.join("\n"));
}
