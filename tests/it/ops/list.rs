//! The list: the counts and calls of `/v1/calls`, filters, search, and pages that do not jump.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, World, agent, caller},
    real::postgres::fresh_database,
};

const STATUSES: [&str; 5] = ["live", "processing", "complete", "no_recording", "failed"];

/// The calls of a page, in order.
fn calls(page: &str) -> Vec<String> {
    let rows = page.split("data-call=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap().to_owned())
        .collect()
}

fn count(page: &str, status: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("data-count=\"{status}\">"))
        .unwrap();
    rest.split('<').next().unwrap().to_owned()
}

async fn api(world: &World, query: &str) -> Vec<String> {
    let answer = world.get(&format!("/v1/calls?limit=500{query}")).await;
    let page: Value = answer.json().await.unwrap();
    let calls = page["calls"].as_array().unwrap().iter();
    calls
        .map(|it| it["call_id"].as_str().unwrap().to_owned())
        .collect()
}

/// A complete call, a failed one, one that is live, and one without a recording.
async fn four_calls(world: &World) -> [String; 4] {
    let (complete, _) = world.talk("front").await;
    let report = json!({"room_name": "front", "turns": [{"speaker": "agent", "text": "The Zebra is Grün."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("front");
    world.row_is(&complete, "Complete").await;
    let (failed, egress) = world.talk_unheard("back").await;
    world
        .ended((&failed, &egress), "EGRESS_FAILED", json!({}))
        .await;
    world.row_is(&failed, "Failed").await;
    let silent = world.livekit.open_room("silent 100%");
    world.livekit.join("silent 100%", agent());
    world.starts("silent 100%", 1).await;
    world.livekit.close_room("silent 100%");
    world.row_is(&silent, "No recording").await;
    let live = world.livekit.open_room("live");
    world.livekit.join("live", caller("+4915112345678"));
    world
        .row_where(&live, |row| row.contains_key("Caller"))
        .await;
    [complete, failed, silent, live]
}

async fn shows_what_the_api_lists(world: World) {
    let [complete, failed, silent, live] = four_calls(&world).await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page("/ops").await;
    assert_eq!(calls(&page), api(&world, "").await);
    assert_eq!(count(&page, "all"), "4");
    for status in STATUSES {
        let listed = api(&world, &format!("&status={status}")).await;
        assert_eq!(count(&page, status), listed.len().to_string(), "{status}");
        let tab = visitor.page(&format!("/ops?status={status}")).await;
        assert_eq!(calls(&tab), listed, "{status}");
    }
    assert!(
        page.contains("the recorder ran out of disk space"),
        "the reason is in the list"
    );

    let found = async |query: &str| calls(&visitor.page(&format!("/ops?{query}")).await);
    for (query, expected) in [
        ("q=front", vec![&complete]),
        ("q=FRONT", vec![&complete]),
        ("q=zebra", vec![&complete]),
        ("q=gr%C3%BCn", vec![&complete]),
        ("q=100%25", vec![&silent]),
        ("q=0%25", vec![&silent]),
        ("q=room_name", vec![]),
        ("q=%2B49+151+1234-5678", vec![&live]),
        ("number=4915112345678", vec![&live]),
        ("number=15112345678&q=live", vec![&live]),
        ("number=15112345678&q=front", vec![]),
        ("agent=ava&status=failed", vec![&failed]),
        ("agent=nobody", vec![]),
        ("from=1h&status=live", vec![&live]),
        ("to=1h", vec![]),
        ("from=2030-01-01", vec![]),
        (&format!("q={}", failed.to_lowercase()), vec![&failed]),
    ] {
        assert_eq!(
            found(query).await.iter().collect::<Vec<_>>(),
            expected,
            "{query}"
        );
    }
    for wrong in ["status=x", "delivery=x", "cursor=x", "from=soon"] {
        let answer = visitor.open(&format!("/ops?{wrong}")).await;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_the_api_lists() {
    shows_what_the_api_lists(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_the_api_lists_on_postgres() {
    let database = fresh_database().await;
    shows_what_the_api_lists(World::with(&[("DATABASE_URL", &database)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_searched_with_the_scope_words_only() {
    let lines = format!("reader read {:x<32}", "reader");
    let world = World::with(&[("API_TOKENS", &lines)]).await;
    let [complete, ..] = four_calls(&world).await;
    let reader = world.visitor(&format!("{:x<32}", "reader")).await;
    assert_eq!(calls(&reader.page("/ops?q=zebra").await), [""; 0]);
    assert_eq!(calls(&reader.page("/ops?q=front").await), [complete]);
}

/// Bytes of a page as gzip.
fn compressed(page: &str) -> usize {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(page.as_bytes()).unwrap();
    writer.finish().unwrap().len()
}

async fn pages_do_not_jump(world: World) {
    let mut opened = Vec::new();
    for n in 0..120 {
        opened.push(world.livekit.open_room(&format!("room-{n:03}")));
    }
    world.row_is(&opened[119], "Live").await;
    for call in &opened {
        world.row_is(call, "Live").await;
    }
    let visitor = world.visitor(API_TOKEN).await;
    let (mut address, mut seen, mut pages) = ("/ops?status=live".to_owned(), Vec::new(), 0);
    loop {
        let page = visitor.page(&address).await;
        seen.extend(calls(&page));
        assert!(compressed(&page) < 60_000, "a page is small");
        pages += 1;
        let newer = world.livekit.open_room(&format!("newer-{pages}"));
        world.row_is(&newer, "Live").await;
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else {
            break;
        };
        let (_, next) = before.rsplit_once("href=\"./").unwrap();
        address = format!("/{}", next.replace("&amp;", "&"));
    }
    assert_eq!(pages, 3);
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len(), "none is shown twice");
    opened.sort();
    assert_eq!(unique, opened, "and none is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_do_not_jump_while_calls_come_in() {
    pages_do_not_jump(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_do_not_jump_on_postgres() {
    let database = fresh_database().await;
    let settings = [("DATABASE_URL", database.as_str()), ("RECORD_ON", "manual")];
    pages_do_not_jump(World::with(&settings).await).await;
}
