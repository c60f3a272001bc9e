//! The health page, what needs attention, and the steps before the first call.

use std::time::Instant;

use livekit_airtable_sim::airtable::Fault;
use serde_json::Value;
use sqlx::Connection;

use super::visitor::Visitor;
use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    mirror::Receiver,
    process::run,
    real::postgres::fresh_database,
};

/// As a page has it.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// `working` or `failing`; empty: it is not on the page.
fn state(page: &str, dependency: &str) -> String {
    let row = page
        .split(&format!("data-dependency=\"{dependency}\""))
        .nth(1);
    let row = row
        .and_then(|row| row.split("</tr>").next())
        .unwrap_or_default();
    let states = ["working", "failing"].into_iter();
    let mut found = states.filter(|state| row.contains(&format!(">{state}<")));
    found.next().unwrap_or_default().to_owned()
}

async fn shows_what_fails(world: World) {
    let visitor = world.visitor(API_TOKEN).await;
    let all = ["LiveKit", "Airtable", "Database", "Disk"];
    visitor
        .page_where("/ops/health", |page| {
            all.iter().all(|one| state(page, one) == "working")
        })
        .await;
    assert!(!visitor.page("/ops").await.contains("data-failing"));
    world.airtable.stop();
    let call = world.livekit.open_room("desk");
    let page = visitor.page_where("/ops/health", |page| state(page, "Airtable") == "failing");
    let page = page.await;
    for other in all.into_iter().filter(|one| *one != "Airtable") {
        assert_eq!(state(&page, other), "working", "{other}");
    }
    assert!(page.contains("minute with an error") || page.contains("minutes with an error"));
    assert!(page.contains("requests"), "the gauges: {page}");
    assert!(visitor.page("/ops").await.contains("data-failing=\"1\""));
    used_as_in_the_metrics(&world, &visitor).await;
    assert!(visitor.page("/ops").await.contains(&call));
}

/// Waits until the page shows the requests of the metrics: meanwhile others go.
async fn used_as_in_the_metrics(world: &World, visitor: &Visitor<'_>) {
    let asked = Instant::now();
    loop {
        let used = metric(world, "month_requests_used").await;
        let page = visitor.page("/ops/health").await;
        let (_, shown) = page.split_once("data-gauge=\"used\">").unwrap();
        if shown.starts_with(&format!("{used}<")) {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "{used}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_fails_is_shown_as_failing() {
    shows_what_fails(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_fails_is_shown_as_failing_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    shows_what_fails(World::with(&settings).await).await;
}

/// The dependencies that fail, once it is this one; everything worked before.
async fn failing_after(world: &mut World, broken: &str, breaks: impl AsyncFnOnce(&mut World)) {
    let all = [
        "LiveKit", "Bucket", "Airtable", "Mirror", "Database", "Disk", "Clock",
    ];
    let token = world.visitor(API_TOKEN).await.cookie;
    let works = |page: &str| all.iter().all(|one| state(page, one) == "working");
    world
        .visitor_with(&token)
        .page_where("/ops/health", works)
        .await;
    breaks(world).await;
    let fails = |page: &str| state(page, broken) == "failing";
    let page = world
        .visitor_with(&token)
        .page_where("/ops/health", fails)
        .await;
    for other in all.into_iter().filter(|one| *one != broken) {
        assert_eq!(state(&page, other), "working", "{other} beside {broken}");
    }
}

/// A world with everything, whose LiveKit is asked every second.
async fn complete_world() -> (World, Receiver) {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [
        ("EGRESS_WEBHOOK_URL", url.as_str()),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    (World::with(&settings).await, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_livekit_only_livekit_fails() {
    let (mut world, _receiver) = complete_world().await;
    failing_after(&mut world, "LiveKit", async |world| world.livekit.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bucket_only_the_bucket_fails() {
    let (mut world, _receiver) = complete_world().await;
    failing_after(&mut world, "Bucket", async |world| world.storage.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_mirror_refuses_only_the_mirror_fails() {
    let (mut world, receiver) = complete_world().await;
    failing_after(&mut world, "Mirror", async |world| {
        receiver.refuses(1_000);
        let (call, _) = world.talk("desk").await;
        world.livekit.close_room("desk");
        world.row_is(&call, "Complete").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_writable_database_only_the_database_fails() {
    let (mut world, _receiver) = complete_world().await;
    let database = world.database();
    let mut lock = sqlx::SqliteConnection::connect(&database).await.unwrap();
    failing_after(&mut world, "Database", async |_| {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut lock)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lockout_and_the_rows_are_shown_as_in_the_metrics() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.close_room("desk");
    world.row_is(&call, "No recording").await;
    world.processed(&call, "airtable").await;
    let visitor = world.visitor(API_TOKEN).await;
    let gauge = |page: &str, name: &str| {
        let (_, rest) = page.split_once(&format!("data-gauge=\"{name}\">"))?;
        Some(rest.split('<').next().unwrap().to_owned())
    };
    let page = visitor.page("/ops/health").await;
    assert_eq!(gauge(&page, "rows").as_deref(), Some("1"), "{page}");
    assert_eq!(gauge(&page, "lockout"), None, "{page}");
    assert_eq!(metric(&world, "rows_written").await, "1");
    assert_eq!(metric(&world, "lockout_seconds").await, "0");
    world.airtable.fail_next(1, Fault::Locked(60));
    world.livekit.open_room("next");
    let is_locked = |page: &str| gauge(page, "lockout").is_some();
    let page = visitor.page_where("/ops/health", is_locked).await;
    let shown = gauge(&page, "lockout").unwrap();
    let seconds = shown.strip_prefix("ends in ").unwrap().strip_suffix(" s");
    let seconds: i64 = seconds.unwrap().parse().unwrap();
    let exact: i64 = metric(&world, "lockout_seconds").await.parse().unwrap();
    assert!(
        (1..=62).contains(&seconds) && exact <= seconds && exact > 0,
        "{shown}, {exact}"
    );
}

/// A gauge's value.
async fn metric(world: &World, name: &str) -> String {
    let text = world.get("/metrics").await.text().await.unwrap();
    let name = format!("livekit_airtable_{name} ");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&name));
    values.next().unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_have_the_text_of_the_alert_webhook() {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [("ALERT_WEBHOOK_URL", url.as_str()), ("RECORD_ON", "manual")];
    let world = World::with(&settings).await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page("/ops/attention").await;
    assert!(page.contains("Nothing needs your attention"), "{page}");
    world.refuse_rows().await;
    world.livekit.open_room("desk");
    let came = receiver.hears(1).await;
    let body: Value = serde_json::from_slice(&came[0].1).unwrap();
    let text = body["text"].as_str().unwrap();
    let text = text.strip_prefix("livekit-airtable: ").unwrap();
    // The page has a link for each call, and buttons between the sentences.
    let (sentences, calls) = text.rsplit_once(" (").unwrap();
    let parts = sentences.split(". ").chain([calls.trim_end_matches(')')]);
    let parts: Vec<String> = parts.map(escaped).collect();
    let page = visitor
        .page_where("/ops/attention", |page| {
            let plain = page.replace("<code>", "`").replace("</code>", "`");
            parts.iter().all(|part| plain.contains(part))
        })
        .await;
    assert!(page.contains("data-alert=\"dead_airtable\""), "{page}");
    assert!(page.contains("ops?delivery=dead"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_lead_to_the_first_call() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page_where("/ops", |page| {
        page.matches("data-done=\"done\"").count() >= 2
    });
    let page = page.await;
    assert!(page.contains("webhooks/livekit"), "{page}");
    assert!(
        !page.contains("role=\"search\""),
        "nothing to search: {page}"
    );
    world.livekit.open_room("desk");
    let page = visitor
        .page_where("/ops", |page| page.contains("data-call"))
        .await;
    assert!(!page.contains("first-run"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_page_says_what_bootstrap_checks() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let visitor = world.visitor(API_TOKEN).await;
    let before = visitor.page("/ops/schema").await;
    assert!(!before.contains("id=\"plan\""), "{before}");
    let checked = visitor.send("/ops/schema", &[]).await;
    assert_eq!(checked.status(), 200);
    let page = checked.text().await.unwrap();
    let done = run(
        world.folder.path(),
        &["bootstrap", "--check", "--json"],
        world.settings(),
    )
    .await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let plan: Value = serde_json::from_str(&done.stdout).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    assert!(steps.len() > 10, "{plan:#}");
    assert_eq!(page.matches("data-column=").count(), steps.len());
    for step in steps {
        let name = step["column"].as_str().unwrap();
        let (_, row) = page
            .split_once(&format!("data-column=\"{}\"", escaped(name)))
            .unwrap();
        let row = row.split("</tr>").next().unwrap();
        assert!(
            row.contains(step["type"].as_str().unwrap()),
            "{step}: {row}"
        );
        assert!(row.contains("as it should be"), "{step}: {row}");
    }
    let refused = visitor.send_from("same-origin", "/ops/schema", &[]).await;
    assert_eq!(refused.status(), 403, "without the form token");
}
