//! What needs attention: what fails, as soon as the health page has it, and alerts with what to do about them.

use livekit_airtable_sim::airtable::Fault;
use serde_json::json;

use super::visitor::Visitor;
use crate::{
    harness::{API_TOKEN, World, agent},
    real::postgres::fresh_database,
};

/// The number beside *Needs attention* in the bar at the top.
fn counted(page: &str) -> Option<usize> {
    let (_, rest) = page.split_once("data-attention=\"")?;
    rest.split('"').next()?.parse().ok()
}

/// The cards of the page.
fn cards(page: &str) -> usize {
    page.matches("data-alert=").count() + page.matches("data-failing-dependency=").count()
}

async fn shows_what_fails(world: World) {
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page("/ops/attention").await;
    assert!(page.contains("Nothing needs your attention"), "{page}");
    assert_eq!(counted(&page), None, "{page}");
    world.airtable.stop();
    world.livekit.open_room("desk");
    visitor
        .page_where("/ops/health", |page| page.contains("data-failing=\"1\""))
        .await;
    // At once: nothing waits for an alert.
    let page = visitor.page("/ops/attention").await;
    let card = page.split("data-failing-dependency=\"Airtable\"").nth(1);
    let card = card.and_then(|card| card.split("</section>").next());
    let card = card.unwrap_or_else(|| panic!("{page}"));
    assert!(card.contains("Airtable is failing: "), "{card}");
    assert!(
        card.contains("AIRTABLE_API_URL") || card.contains("Airtable"),
        "{card}"
    );
    assert!(card.contains("href=\"../ops/health\""), "{card}");
    assert!(!page.contains("Nothing needs your attention"), "{page}");
    assert_eq!(counted(&page), Some(cards(&page)), "{page}");
    let list = visitor.page("/ops").await;
    assert!(counted(&list).is_some(), "every page has the count: {list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_needs_attention_as_soon_as_the_health_page_says_so() {
    shows_what_fails(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_needs_attention_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    shows_what_fails(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_leads_to_its_calls_and_says_the_button_before_the_command() {
    let reader = "reader-token-with-32-characters-xx";
    let tokens = format!("reader read {reader}");
    let settings = [("RECORD_ON", "manual"), ("API_TOKENS", tokens.as_str())];
    let world = World::with(&settings).await;
    world.refuse_rows().await;
    let call = world.livekit.open_room("desk");
    let visitor = world.visitor(API_TOKEN).await;
    let has_alert = |page: &str| page.contains("data-alert=\"dead_airtable\"");
    let page = visitor.page_where("/ops/attention", has_alert).await;
    let card = page.split("data-alert=\"dead_airtable\"").nth(1).unwrap();
    let card = card.split("</section>").next().unwrap();
    let at = |text: &str| {
        let found = card.find(text);
        found.unwrap_or_else(|| panic!("{text}: {card}"))
    };
    let order = [
        at("failed permanently."),
        at(&format!("href=\"../ops/calls/{call}\"")),
        at("href=\"../ops?delivery=dead\""),
        at("href=\"../ops/redrive?all=1&amp;delivery=dead\""),
        at("On the command line: "),
        at("redrive --dead"),
    ];
    assert!(order.is_sorted(), "{order:?} {card}");
    let asked = visitor.page("/ops/redrive?all=1&delivery=dead").await;
    assert!(asked.contains("Retry 1 delivery?"), "{asked}");
    let reader = world.visitor(reader).await;
    let page = reader.page("/ops/attention").await;
    assert!(has_alert(&page), "{page}");
    assert!(!page.contains("ops/redrive"), "they may not retry: {page}");
}

/// The reason in the list's row of a call, as text, once it has all of these.
async fn reason_with(visitor: &Visitor<'_>, call: &str, parts: [&str; 2]) -> String {
    let reason = |page: &str| {
        let row = page.split(&format!("data-call=\"{call}\"")).nth(1)?;
        let cell = row.split("<td class=\"reason\"").nth(1)?;
        Some(cell.split("</td>").next()?.to_owned())
    };
    let has_all = |page: &str| {
        let reason = reason(page);
        reason.is_some_and(|text| parts.iter().all(|part| text.contains(part)))
    };
    let page = visitor.page_where("/ops", has_all).await;
    reason(&page).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_the_reason_of_a_call_before_what_waits() {
    let world = World::new().await;
    let silent = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.starts("desk", 1).await;
    world
        .row_where(&silent, |row| row.contains_key("Egress ID"))
        .await;
    let (failed, egress) = world.talk_unheard("back").await;
    let busy = json!({ "error": { "type": "SERVICE_UNAVAILABLE", "message": "busy" } });
    let busy = Fault::Status(503, busy.to_string());
    world.airtable.fail_next(1_000_000, busy);
    world.livekit.close_room("desk");
    let ids = (failed.as_str(), egress.as_str());
    world.ended(ids, "EGRESS_FAILED", json!({})).await;
    let visitor = world.visitor(API_TOKEN).await;
    for (call, parts) in [
        (&silent, ["Nobody spoke", "Airtable: "]),
        (
            &failed,
            ["the recorder ran out of disk space", "Airtable: "],
        ),
    ] {
        let reason = reason_with(&visitor, call, parts).await;
        let [own, waits] = parts.map(|part| reason.find(part).unwrap());
        assert!(own < waits, "{reason}");
    }
}
