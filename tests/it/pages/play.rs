//! What the page of a link says, and what it does not.

use serde_json::json;

use super::{ON, PUBLIC_URL, browse, link, recorded};
use crate::{
    harness::World,
    words_in_time::{File, ROOM, both, ended_with, message, session},
};

/// What was said in a file that begins 2 s after the room.
fn words(call: &str) -> serde_json::Value {
    let at = |seconds: f64| ROOM as f64 + 2.0 + seconds;
    let spoken = |from: f64, to: f64| json!({ "started_speaking_at": at(from), "stopped_speaking_at": at(to) });
    let mut cut = message(
        "assistant",
        "We have a <b>slot</b> at",
        at(20.0),
        spoken(20.0, 23.0),
    );
    cut["interrupted"] = json!(true);
    let items = [
        message("assistant", "Hello.", at(1.0), spoken(1.0, 2.5)),
        message("user", "Hi, a table please.", at(6.0), spoken(4.0, 6.0)),
        cut,
        message("user", "Before.", at(-9.0), spoken(-10.0, -9.0)),
    ];
    session(call, &items)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_the_words_at_their_times_and_nothing_else_of_the_call() {
    for world in both(&[PUBLIC_URL, ON]).await {
        let path = recorded(&world, "RM_said").await;
        let sent = world.post("/v1/transcripts", &words("RM_said")).await;
        assert_eq!(sent.status(), 202);
        world
            .row_where("RM_said", |row| row.contains_key("Transcript"))
            .await;
        let answer = browse(&world, &format!("{path}?t=19.5")).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers().clone();
        let page = answer.text().await.unwrap();
        let signature = path.rsplit('/').next().unwrap();
        for part in [
            "<title>Call recording</title>",
            "Sunday, 23 November 2025, 08:00 UTC",
            "<span>1:00</span>",
            &format!("href=\"{signature}?download=1\""),
            &format!("<audio controls preload=\"none\" src=\"{signature}#t=19.5\">"),
            "data-start=\"1\" data-end=\"2.5\"",
            "href=\"?t=0.7\"",
            "href=\"?t=19.7\"",
            "We have a &lt;b&gt;slot&lt;/b&gt; at",
            "<rect class=\"agent\" x=\"1\" y=\"0\" width=\"1.5\"",
            "<rect class=\"caller\" x=\"4\" y=\"0\" width=\"2\"",
            "<rect class=\"silence\" x=\"6\" y=\"0\" width=\"14\"",
            "<rect class=\"interruption\" x=\"23\"",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        // What was said before the file begins is not to be found in it.
        let before = page
            .split("<li")
            .find(|line| line.contains("Before."))
            .unwrap();
        assert!(!before.contains("data-start"), "{before}");
        for part in ["RM_said", "EG_RM_said", "+1555", "style=\"", "<script>"] {
            assert!(!page.contains(part), "{part}\n{page}");
        }
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-robots-tag"], "noindex, nofollow");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["vary"], "accept, range, sec-fetch-dest");
        let policy = headers["content-security-policy"].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap();
        let nonce = nonce.split('\'').next().unwrap();
        let expected = format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; media-src 'self' {}; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            world.storage.url()
        );
        assert_eq!(policy, expected);
        let again = browse(&world, &path).await;
        assert!(
            !again.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .contains(nonce)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_part_has_the_words_of_that_part() {
    let world = World::with(&[PUBLIC_URL, ON]).await;
    let part = |egress, begin, length| File {
        egress,
        begin,
        length,
    };
    let files: [(File, &[u8]); 2] = [
        (part("long", 2.0, 60.0), &[0; 1_000]),
        (part("short", 70.0, 30.0), &[0; 1_000]),
    ];
    ended_with(&world, "RM_parts", &files).await;
    let at = |seconds: f64| ROOM as f64 + seconds;
    let spoken = |from: f64| json!({ "started_speaking_at": at(from), "stopped_speaking_at": at(from + 2.0) });
    let items = [
        message("assistant", "In the first.", at(5.0), spoken(5.0)),
        message("user", "In the second.", at(75.0), spoken(75.0)),
    ];
    let sent = world
        .post("/v1/transcripts", &session("RM_parts", &items))
        .await;
    assert_eq!(sent.status(), 202);
    let first = link(&world, "RM_parts").await;
    world
        .row_where("RM_parts", |row| row.contains_key("Transcript"))
        .await;
    let made = world.program(&["calls", "link", "RM_parts", "--json"]);
    let made = String::from_utf8(made.stdout).unwrap();
    assert!(made.contains("EG_RM_parts_long"), "{made}");
    let page = browse(&world, &first).await.text().await.unwrap();
    assert!(
        page.contains("In the first.") && !page.contains("In the second."),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_words_and_one_with_plain_text_have_pages_too() {
    let world = World::with(&[PUBLIC_URL, ON]).await;
    let path = recorded(&world, "RM_silent").await;
    let page = browse(&world, &path).await.text().await.unwrap();
    assert!(
        page.contains("There are no words for this recording."),
        "{page}"
    );
    let path = recorded(&world, "RM_text").await;
    let text = json!({ "room_id": "RM_text", "transcript": "Agent & caller spoke." });
    assert_eq!(world.post("/v1/transcripts", &text).await.status(), 202);
    world
        .row_where("RM_text", |row| row.contains_key("Transcript"))
        .await;
    let page = browse(&world, &path).await.text().await.unwrap();
    assert!(page.contains("Agent &amp; caller spoke."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_opens_the_page_is_in_the_audit_trail_once_an_hour() {
    for world in both(&[PUBLIC_URL, ON]).await {
        let path = recorded(&world, "RM_seen").await;
        browse(&world, &path).await;
        let sent = world.post("/v1/transcripts", &words("RM_seen")).await;
        assert_eq!(sent.status(), 202);
        world
            .row_where("RM_seen", |row| row.contains_key("Transcript"))
            .await;
        let actions = async || {
            let page = world
                .get("/v1/audit")
                .await
                .json::<serde_json::Value>()
                .await
                .unwrap();
            let lines = page["lines"].as_array().unwrap().clone();
            let of_link = lines.into_iter().filter(|line| line["who"] == "link");
            let of_link = of_link.map(|line| {
                assert_eq!(line["call_id"], "RM_seen", "{line}");
                assert_eq!(line["egress_id"], "EG_RM_seen_one", "{line}");
                line["action"].as_str().unwrap().to_owned()
            });
            let mut actions: Vec<String> = of_link.collect();
            actions.sort();
            actions
        };
        assert_eq!(actions().await, ["listen"], "there were no words");
        for _ in 0..3 {
            assert_eq!(browse(&world, &path).await.status(), 200);
        }
        assert_eq!(actions().await, ["listen", "read_words"]);
    }
}
