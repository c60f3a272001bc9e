//! The mirror's `figures`.

use serde_json::{Value, json};

use super::report;
use crate::{
    harness::{World, agent, caller},
    mirror::Receiver,
};

async fn body(settings: &[(&str, &str)]) -> Value {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [settings, &[("EGRESS_WEBHOOK_URL", url.as_str())]].concat();
    let world = World::with(&settings).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    let mut report = report();
    report["room_id"] = json!(call);
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world
        .row_where(&call, |row| row.contains_key("Turns"))
        .await;
    world.livekit.close_room("desk");
    let (_, body) = receiver.hears(1).await.remove(0);
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_sent_when_they_are_asked_for() {
    let with = body(&[("EGRESS_WEBHOOK_FIGURES", "on")]).await;
    let figures = &with["figures"];
    for (name, value) in [
        ("turns", json!(5)),
        ("interruptions", json!(1)),
        ("response_latency", json!(0.7)),
        ("talk_share", json!(0.667)),
        ("longest_silence", json!(5.0)),
        ("outcome", json!("Success")),
    ] {
        assert_eq!(figures[name], value, "{name}: {figures}");
    }
    assert_eq!(figures["cost"], Value::Null, "without a price list");
    for name in ["end_reason", "ended_by"] {
        assert!(figures.get(name).is_some(), "{name}: {figures}");
    }
    let without = body(&[]).await;
    assert!(without.get("figures").is_none(), "{without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_is_among_them_with_a_price_list() {
    let folder = tempfile::tempdir().unwrap();
    let prices = folder.path().join("prices.toml");
    let price = |unit: &str, usd: f64| {
        format!(
            "[[prices]]\nmodel = \"gpt-4o\"\nunit = \"{unit}\"\nusd = {usd}\nas_of = 2025-01-01\n"
        )
    };
    let list = price("1M input tokens", 1000.0) + &price("1M output tokens", 2000.0);
    std::fs::write(&prices, list).unwrap();
    let settings = [
        ("EGRESS_WEBHOOK_FIGURES", "on"),
        ("PRICES_FILE", prices.to_str().unwrap()),
    ];
    let with = body(&settings).await;
    // 10 tokens in and 5 out.
    assert_eq!(with["figures"]["cost"], json!(0.02), "{with}");
}
