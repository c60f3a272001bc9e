//! The page of a call with the longest transcript that is accepted.

use serde_json::json;

use super::{ON, PUBLIC_URL, browse, recorded};
use crate::harness::{API_TOKEN, World};

const MIB: usize = 1 << 20;
/// Turns that are accepted.
const MOST_TURNS: usize = 250_000;
/// What the service may take at most.
const MOST: u64 = 200;

/// Turns of this text, as many as are accepted.
fn report(call: &str, text: &str) -> String {
    let turn = json!({ "role": "user", "content": text }).to_string();
    let count = (15 * MIB / (turn.len() + 1)).min(MOST_TURNS);
    let turns = vec![turn.as_str(); count];
    format!(r#"{{"room_id":"{call}","items":[{}]}}"#, turns.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_longest_transcript_is_bounded() {
    let mut world = World::with(&[PUBLIC_URL, ON]).await;
    let serve = world.serve_apart().await;
    for (call, text) in [
        ("RM_many", "a"),
        ("RM_marks", "<&>\"".repeat(2_000).as_str()),
    ] {
        let path = recorded(&world, call).await;
        let request = world
            .http
            .post(world.url("/v1/transcripts"))
            .bearer_auth(API_TOKEN);
        let sent = request.body(report(call, text)).send().await.unwrap();
        assert_eq!(sent.status(), 202);
        world
            .row_where(call, |row| row.contains_key("Transcript URL"))
            .await;
        let opened = (0..4).map(|_| async {
            let answer = browse(&world, &path).await;
            assert_eq!(answer.status(), 200);
            let policy = answer.headers()["content-security-policy"].clone();
            assert!(policy.to_str().unwrap().contains("media-src"));
            answer.text().await.unwrap()
        });
        for page in futures_util::future::join_all(opened).await {
            assert!(page.len() < 8 * MIB, "{}", page.len());
            let full = page.split("href=\"../../r/").nth(1).unwrap();
            let full = format!("/r/{}", full.split('"').next().unwrap());
            let text = world.http.get(world.url(&full)).send().await.unwrap();
            assert_eq!(text.status(), 302, "{full}");
        }
        let peak = serve.peak_bytes() / MIB as u64;
        assert!(peak < MOST, "{call}: {peak} MiB");
    }
}
