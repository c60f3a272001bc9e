//! Several processes, a killed one, and the log.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Executor};

use super::{PUBLIC_URL, on_postgres};
use crate::{
    harness::{PATIENCE, World},
    process::Serve,
};

/// Another service on the world's database, that logs JSON.
async fn another(world: &World) -> Serve {
    let mut settings = world.settings().to_vec();
    let more = [("LOG_FORMAT", "json"), ("RUST_LOG", "warn")];
    settings.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Serve::start(world.folder.path(), &settings).await
}

/// The log's events of the target `audit` about links.
fn logged(serve: &Serve) -> Vec<Value> {
    let said = serve.said();
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let ours = |line: &Value| line["target"] == "audit" && line["action"] == "listen";
    lines.filter(ours).collect()
}

async fn ask(world: &World, address: &str, path: &str) -> u16 {
    let request = world.http.get(format!("http://{address}{path}"));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_each_line_also_one_that_a_kill_took_from_the_table() {
    let mut world = World::with(&[PUBLIC_URL]).await;
    let (call, egress, path) = world.linked("desk").await;
    world.stop().await;
    let serve = another(&world).await;
    assert_eq!(ask(&world, &serve.address, &path).await, 302);
    let stored = &world.lines("listen", 1).await[0];
    let line = &logged(&serve)[0];
    assert_eq!(
        (&line["hash"], &line["who"]),
        (&stored["hash"], &json!("link"))
    );
    assert_eq!(
        (&line["call"], &line["egress"]),
        (&json!(call), &json!(egress))
    );
    drop(serve);
    std::fs::remove_file(world.folder.path().join("address")).unwrap();
    let mut world = world;
    world.set("TRUSTED_PROXIES", "loopback");
    let serve = another(&world).await;
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let request = world.http.get(format!("http://{}{path}", serve.address));
    let request = request.header("x-forwarded-for", "203.0.113.1");
    assert_eq!(request.send().await.unwrap().status(), 302);
    let lines = logged(&serve);
    let said = serve.said();
    drop(serve);
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(lines.len(), 1, "{said}");
    assert_eq!(lines[0]["client"], "203.0.113.1");
    assert_eq!(lines[0]["status"], 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_stores_what_waits() {
    let mut world = World::with(&[PUBLIC_URL]).await;
    let (_, egress, _) = world.linked("desk").await;
    for _ in 0..7 {
        let forged = format!("/r/{egress}/0");
        assert_eq!(ask(&world, &world.address.to_string(), &forged).await, 404);
    }
    world.stop().await;
    let lines = world.audit(&["--call", &egress]).await;
    let count: i64 = lines.iter().filter_map(|line| line["count"].as_i64()).sum();
    assert_eq!(count, 7, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_make_one_line_and_a_locked_chain_stops_no_webhook() {
    let world = on_postgres(&[PUBLIC_URL]).await;
    let (_, _, path) = world.linked("desk").await;
    let serve = another(&world).await;
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    let lock = "UPDATE audit_chain SET number = number WHERE name = 'head'";
    other.execute(lock).await.unwrap();
    let began = hour();
    let ours = world.address.to_string();
    let links = async {
        for _ in 0..3 {
            assert_eq!(ask(&world, &ours, &path).await, 302);
            assert_eq!(ask(&world, &serve.address, &path).await, 302);
        }
    };
    let webhooks = async {
        for n in 0..20 {
            let asked = Instant::now();
            world
                .hook(&json!({ "event": "room_started", "id": format!("EV_{n}") }))
                .await;
            assert!(
                asked.elapsed() < Duration::from_secs(4),
                "the chain is in its way"
            );
        }
    };
    tokio::join!(links, webhooks);
    other.execute("ROLLBACK").await.unwrap();
    let asked = Instant::now();
    let lines = loop {
        let mut lines = world.audit(&[]).await;
        lines.retain(|line| line["action"] == "listen");
        if !lines.is_empty() {
            break lines;
        }
        assert!(asked.elapsed() < PATIENCE);
    };
    let hours = (hour() - began + 1) as usize;
    assert!(lines.len() <= hours, "{lines:#?}");
    let verified = world.audited(&["audit", "--verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

fn hour() -> i64 {
    livekit_airtable::telemetry::now().as_second() / 3600
}
