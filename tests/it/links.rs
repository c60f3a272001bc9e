//! The recording's link: presigned and renewed, or permanent.

use livekit_airtable_sim::airtable::Fault;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{harness::World, play::text};

const PERMANENT: (&str, &str) = ("PUBLIC_URL", "https://calls.example.com/");

/// A call that has ended: its row's id is in it.
async fn complete(world: &World) -> (String, String) {
    let (call, egress) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    (call, egress)
}

/// The permanent link's path in the row.
async fn permanent(world: &World, call: &str) -> String {
    let row = world.row_is(call, "Complete").await;
    let link = text(&row, "Recording URL").to_owned();
    assert_eq!(text(&row, "Recording URL expires"), "", "it never does");
    let path = link.strip_prefix("https://calls.example.com");
    path.expect("the link is below PUBLIC_URL").to_owned()
}

async fn ask(world: &World, method: Method, url: &str) -> reqwest::Response {
    let request = world.http.request(method, url);
    let request = request.header("range", "bytes=0-99");
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_public_url_the_row_holds_a_presigned_url() {
    let world = World::new().await;
    let (call, _) = complete(&world).await;
    let row = world.row_is(&call, "Complete").await;
    let url = text(&row, "Recording URL");
    assert!(url.starts_with(&world.storage.url()), "{url}");
    assert!(url.contains("X-Amz-Expires=604800"), "{url}");
    let audio = ask(&world, Method::GET, url).await;
    assert_eq!(audio.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(audio.headers()["content-type"], "audio/mpeg");
    assert!(text(&row, "Recording URL expires") > text(&row, "Ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_link_leads_to_a_fresh_url_for_each_method() {
    let world = World::with(&[PERMANENT]).await;
    let (call, egress) = complete(&world).await;
    let path = permanent(&world, &call).await;
    assert!(path.starts_with(&format!("/r/{egress}/")), "{path}");
    for (method, status) in [(Method::GET, 206), (Method::HEAD, 200)] {
        let led = ask(&world, method.clone(), &world.url(&path)).await;
        assert_eq!(led.status(), StatusCode::FOUND);
        assert_eq!(led.headers()["cache-control"], "no-store");
        let target = led.headers()["location"].to_str().unwrap();
        let audio = ask(&world, method.clone(), target).await;
        assert_eq!(audio.status(), status, "{method}");
        assert_eq!(audio.headers()["accept-ranges"], "bytes");
    }
    let download = format!("{path}?download=1");
    let led = ask(&world, Method::GET, &world.url(&download)).await;
    let target = led.headers()["location"].to_str().unwrap();
    let audio = ask(&world, Method::GET, target).await;
    let disposition = audio.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert!(
        disposition.contains(&format!("{call}.mp3")),
        "{disposition}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_link_outlives_a_restart() {
    let mut world = World::with(&[PERMANENT]).await;
    let (call, _) = complete(&world).await;
    let path = permanent(&world, &call).await;
    world.stop().await;
    world.start().await;
    let led = ask(&world, Method::GET, &world.url(&path)).await;
    assert_eq!(led.status(), StatusCode::FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_link_leads_nowhere_and_a_deleted_object_is_gone() {
    let world = World::with(&[PERMANENT]).await;
    let (call, egress) = complete(&world).await;
    let path = permanent(&world, &call).await;
    let (_, signature) = path.rsplit_once('/').unwrap();
    let flipped = if signature.ends_with('0') { "1" } else { "0" };
    let cut = &signature[..signature.len() - 1];
    let wrong = [
        format!("/r/{egress}/{cut}{flipped}"),
        format!("/r/{egress}/{cut}"),
        format!("/r/{egress}/{signature}0"),
        format!("/r/EG_other/{signature}"),
        format!("/r/{egress}/%00"),
        format!("/r/{egress}/"),
        format!("/r/{egress}"),
    ];
    for path in wrong {
        let refused = ask(&world, Method::GET, &world.url(&path)).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!refused.headers().contains_key("location"));
    }
    std::fs::remove_file(world.object(&format!("recordings/{call}.mp3"))).unwrap();
    for method in [Method::GET, Method::HEAD] {
        let gone = ask(&world, method, &world.url(&path)).await;
        assert_eq!(gone.status(), StatusCode::GONE);
    }
    let clicked = world.http.get(world.url(&path));
    let clicked = clicked.header("accept", "text/html,*/*;q=0.8");
    let page = clicked.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::GONE);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<p>The recording is no longer in the bucket.</p>"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_renewed_before_it_dies_and_nothing_else_is_touched() {
    let world = World::with(&[("RECORDING_URL_TTL", "4s")]).await;
    let (call, _) = complete(&world).await;
    let row = world.row_is(&call, "Complete").await;
    edit(&world, text(&row, "id"), "Agent", "a person's words").await;
    let first = text(&row, "Recording URL").to_owned();
    let renewed = world
        .row_where(&call, |row| text(row, "Recording URL") != first)
        .await;
    assert!(text(&renewed, "Recording URL expires") > text(&row, "Recording URL expires"));
    assert_eq!(text(&renewed, "Agent"), "a person's words");
    let audio = ask(&world, Method::GET, text(&renewed, "Recording URL")).await;
    assert_eq!(audio.status(), 206);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_row_is_not_renewed() {
    let settings = [("RECORDING_URL_TTL", "4s"), ("RECORDING_URL_REFRESH", "0s")];
    let world = World::with(&settings).await;
    let (call, _) = complete(&world).await;
    // It would never come to rest otherwise.
    world.processed(&call, "airtable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_comes_back_whole_with_news_and_not_for_a_fresh_url() {
    let world = World::with(&[("RECORDING_URL_TTL", "4s")]).await;
    let (call, _) = complete(&world).await;
    let row = world.row_is(&call, "Complete").await;
    world.airtable.delete_row("Calls", text(&row, "id"));
    // The renewal finds the row missing, and there is no further one.
    world.processed(&call, "airtable").await;
    assert!(
        world.row(&call).await.is_none(),
        "it came back for a fresh URL"
    );
    let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let back = world.row_is(&call, "Complete").await;
    assert_eq!(text(&back, "Transcript"), "Agent: Hello.");
    for column in ["Room", "Agent", "Caller", "Started", "Recording URL"] {
        assert!(back.contains_key(column), "{column} is missing: {back:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_not_lost_with_a_request_that_airtable_refused() {
    let world = World::new().await;
    let (call, _) = world.talk("desk").await;
    world.processed(&call, "airtable").await;
    let fault = Fault::Status(500, "{}".into());
    world.airtable.fail_next(2, fault);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    let audio = ask(&world, Method::GET, text(&row, "Recording URL")).await;
    assert_eq!(audio.status(), StatusCode::PARTIAL_CONTENT);
}

/// An agent's report that no cell can hold; its words are in the row when this returns.
async fn report_at_length(world: &World, call: &str) {
    let words = "word ".repeat(30_000);
    let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": words}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_to_a_long_transcript_is_renewed_too() {
    let world = World::with(&[("RECORDING_URL_TTL", "4s")]).await;
    let (call, _) = complete(&world).await;
    report_at_length(&world, &call).await;
    let row = world.row_where(&call, |row| row.contains_key("Transcript URL"));
    let first = text(&row.await, "Transcript URL").to_owned();
    let renewed = world
        .row_where(&call, |row| text(row, "Transcript URL") != first)
        .await;
    let full = ask(&world, Method::GET, text(&renewed, "Transcript URL")).await;
    assert_eq!(full.status(), StatusCode::PARTIAL_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_to_a_long_transcript_is_permanent_too() {
    permanent_transcript(&[]).await;
}

pub async fn permanent_transcript(more: &[(&str, &str)]) {
    let world = World::with(&[&[PERMANENT], more].concat()).await;
    let (call, egress) = world.talk("desk").await;
    report_at_length(&world, &call).await;
    let linked = |row: &serde_json::Map<_, _>| row.contains_key("Transcript URL");
    let row = world.row_where(&call, linked).await;
    let link = text(&row, "Transcript URL").to_owned();
    let path = link.strip_prefix("https://calls.example.com").unwrap();
    let prefix = format!("/r/{call}/transcript/");
    let signature = path.strip_prefix(&prefix).expect("a link of its own");
    leads_to_text(&world, path).await;

    // The recording's end moves nothing.
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Transcript URL"), link);
    assert_eq!(text(&row, "Recording URL expires"), "");
    world.processed(&call, "airtable").await;
    leads_to_text(&world, path).await;
    let download = format!("{path}?download=1");
    let led = ask(&world, Method::GET, &world.url(&download)).await;
    let text = ask(&world, Method::GET, location(&led)).await;
    let disposition = text.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.contains(&format!("{call}.txt")),
        "{disposition}"
    );

    let (head, recording) = (&signature[1..], permanent(&world, &call).await);
    let (_, recordings) = recording.rsplit_once('/').unwrap();
    let wrong = [
        format!("{prefix}{head}"),
        format!("{prefix}x{head}"),
        format!("/r/RM_other/transcript/{signature}"),
        format!("{prefix}{recordings}"),
        format!("/r/{egress}/{signature}"),
        format!("/r/{call}/{signature}"),
    ];
    for path in wrong {
        let refused = ask(&world, Method::GET, &world.url(&path)).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!refused.headers().contains_key("location"));
    }
    std::fs::remove_file(world.object(&format!("recordings/{call}.txt"))).unwrap();
    for method in [Method::GET, Method::HEAD] {
        let gone = ask(&world, method, &world.url(path)).await;
        assert_eq!(gone.status(), StatusCode::GONE);
    }
}

/// The permanent link's path leads to the words, for GET and HEAD.
async fn leads_to_text(world: &World, path: &str) {
    for (method, status) in [(Method::GET, 206), (Method::HEAD, 200)] {
        let led = ask(world, method.clone(), &world.url(path)).await;
        assert_eq!(led.status(), StatusCode::FOUND, "{path}");
        let full = ask(world, method, location(&led)).await;
        assert_eq!(full.status(), status);
        assert_eq!(full.headers()["content-type"], "text/plain; charset=utf-8");
    }
}

fn location(led: &reqwest::Response) -> &str {
    led.headers()["location"].to_str().unwrap()
}

/// As a person writes into a cell.
async fn edit(world: &World, id: &str, column: &str, value: &str) {
    let (base, airtable) = (world.airtable.base_id(), world.airtable.url());
    let request = world.http.patch(format!("{airtable}/v0/{base}/Calls/{id}"));
    let fields = json!({"fields": {column: value}});
    let request = request.bearer_auth("patPerson").json(&fields);
    assert_eq!(request.send().await.unwrap().status(), 200);
}
