//! What the models of a call cost, by the user's price list.

use std::path::Path;

use serde_json::{Value, json};

use super::{MANUAL, WebhookCall, report};
use crate::{
    disk::lines,
    harness::World,
    process::{Serve, run},
    reader::Row,
    real::postgres::fresh_database,
};

const PRICES: &str = r#"
[[prices]]
provider = "openai"
model = "gpt-4o*"
unit = "1M input tokens"
usd = 2.5
as_of = 2025-01-01

[[prices]]
provider = "openai"
model = "gpt-4o*"
unit = "1M output tokens"
usd = 10
as_of = 2025-01-01

[[prices]]
model = "nova-3"
unit = "minute"
usd = 0.0043
as_of = 2025-01-01
"#;

/// The built-in schema with the column.
fn schema() -> String {
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let off = "from = \"figures.cost\"\nenabled = false\n";
    assert!(schema.contains(off));
    schema.replace(off, "from = \"figures.cost\"\n")
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A world with the column, whose service is a process of its own and has these prices.
async fn priced(settings: &[(&str, &str)], prices: &str) -> (World, Serve) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "schema.toml", &schema());
    let settings = [settings, &[MANUAL, ("AIRTABLE_SCHEMA", path.as_str())]].concat();
    let mut world = World::with(&settings).await;
    world.stop().await;
    let path = file(world.folder.path(), "schema.toml", &schema());
    world.set("AIRTABLE_SCHEMA", &path);
    let path = file(world.folder.path(), "prices.toml", prices);
    world.set("PRICES_FILE", &path);
    let serve = restarted(&mut world).await;
    (world, serve)
}

async fn restarted(world: &mut World) -> Serve {
    std::fs::remove_file(world.folder.path().join("address")).ok();
    world.serve_apart().await
}

/// A call whose models used this much.
async fn used(world: &World, sid: &str, model: &str) {
    let call = WebhookCall { world, sid };
    call.begins().await;
    let mut report = report();
    report["usage"] = json!([
        { "type": "llm_usage", "provider": "openai", "model": model, "input_tokens": 3000, "input_cached_tokens": 1000, "output_tokens": 500 },
        { "type": "stt_usage", "provider": "deepgram", "model": "nova-3", "audio_duration": 120.0 },
        { "type": "eot_usage", "provider": "livekit", "model": "turn-detector", "total_requests": 3 },
    ]);
    call.reports(&report).await;
    call.finishes(&json!({})).await;
    let is_done = |row: &Row| {
        row.contains_key("Turns") && row.get("Status").is_some_and(|it| it == "No recording")
    };
    world.row_where(sid, is_done).await;
}

async fn shown(world: &World, sid: &str) -> Value {
    let answer = world.get(&format!("/v1/calls/{sid}")).await;
    let call: Value = answer.json().await.unwrap();
    call["figures"]["cost"].clone()
}

async fn costs(settings: &[(&str, &str)]) {
    let (mut world, mut serve) = priced(settings, PRICES).await;
    // 3,000 tokens at 2.50, of which cached ones have no price of their own; 500 at 10; two minutes at 0.0043.
    used(&world, "RM_priced00001", "gpt-4o-2024-11-20").await;
    let has_cost = |row: &Row| row.get("Cost").is_some_and(|cost| *cost == json!(0.0211));
    world.row_where("RM_priced00001", has_cost).await;
    assert_eq!(shown(&world, "RM_priced00001").await, json!(0.0211));
    for sid in ["RM_unpriced001", "RM_unpriced002"] {
        used(&world, sid, "gpt-5").await;
        let row = world.row(sid).await.unwrap();
        assert!(
            !row.contains_key("Cost") && !row.contains_key("Error"),
            "{row:?}"
        );
        assert_eq!(shown(&world, sid).await, Value::Null);
    }
    for unit in [
        "1M input tokens",
        "1M cached input tokens",
        "1M output tokens",
    ] {
        let said = format!("openai/gpt-5 ({unit})");
        assert_eq!(lines(&serve, &said), 1, "{}", serve.said());
    }
    let printed = run(
        world.folder.path(),
        &["calls", "show", "RM_priced00001"],
        world.settings(),
    );
    let printed = printed.await.stdout;
    let is_cost = |line: &str| line.starts_with("cost") && line.ends_with("0.0211");
    assert!(printed.lines().any(is_cost), "{printed}");
    assert_eq!(serve.stop().await, Some(0));
    // The list gets the missing price.
    let more = PRICES.replace("gpt-4o*", "gpt-*");
    let path = file(world.folder.path(), "prices.toml", &more);
    world.set("PRICES_FILE", &path);
    let mut serve = restarted(&mut world).await;
    let done = run(world.folder.path(), &["replay"], world.settings()).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    for sid in ["RM_priced00001", "RM_unpriced001", "RM_unpriced002"] {
        world.row_where(sid, has_cost).await;
    }
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_costs_what_its_models_used_and_an_unknown_model_leaves_it_empty() {
    costs(&[]).await;
    let database = fresh_database().await;
    costs(&[("DATABASE_URL", &database)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_price_list_is_refused_with_its_line() {
    let mut world = World::new().await;
    world.stop().await;
    let wrong = PRICES.replace("unit = \"minute\"", "unit = \"hour\"");
    let path = file(world.folder.path(), "prices.toml", &wrong);
    for (path, says) in [
        (path.as_str(), "prices.toml:16: unknown unit “hour”"),
        ("/nowhere/prices.toml", "cannot be read"),
    ] {
        let mut settings = world.settings().to_vec();
        settings.push(("PRICES_FILE".into(), path.into()));
        for command in ["serve", "replay"] {
            let done = run(world.folder.path(), &[command], &settings).await;
            assert_eq!(done.code, Some(64), "{done:?}");
            let names = |line: &str| line.starts_with("PRICES_FILE: ") && line.contains(says);
            assert!(done.stderr.lines().any(names), "{}", done.stderr);
        }
    }
}
