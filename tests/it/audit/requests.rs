//! Who listened, who read words, who started and stopped recordings.

use std::time::Instant;

use livekit_airtable::telemetry::now;
use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::{Value, json};

use super::{PUBLIC_URL, on_postgres};
use crate::harness::{KEY, PATIENCE, SECRET, World, agent};

/// Two tokens with names.
const TOKENS: (&str, &str) = (
    "API_TOKENS",
    "board words board-token-of-32-characters-000; reader read reader-token-of-32-characters-00",
);

async fn listens_and_reads(mut world: World) {
    let (call, egress, path) = world.linked("desk").await;
    let began = now().as_second() / 3600;
    for n in 0..50 {
        let range = format!("bytes={}-{}", n * 100, n * 100 + 99);
        let request = world.http.get(world.url(&path)).header("range", range);
        assert_eq!(request.send().await.unwrap().status(), 302);
    }
    assert_eq!(
        world
            .http
            .head(world.url(&path))
            .send()
            .await
            .unwrap()
            .status(),
        302
    );
    world.stop().await;
    world.start().await;
    assert_eq!(world.forwarded(&path, ("range", "bytes=0-9")).await, 302);
    let hours = now().as_second() / 3600 - began + 1;
    let lines = world.audit(&["--call", &call]).await;
    let listens: Vec<&Value> = lines.iter().filter(|it| it["action"] == "listen").collect();
    assert!(
        (1..=hours as usize).contains(&listens.len()),
        "{listens:#?}"
    );
    let line = listens[0];
    assert_eq!(
        (
            &line["who"],
            &line["call_id"],
            &line["egress_id"],
            &line["status"],
            &line["client"]
        ),
        (
            &json!("link"),
            &json!(call),
            &json!(egress),
            &json!(302),
            &json!("127.0.0.1")
        )
    );
    reads_words(&world, &call).await;
}

async fn reads_words(world: &World, call: &str) {
    let report = json!({ "room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}] });
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let path = format!("/v1/calls/{call}/transcript");
    for suffix in ["", ".txt"] {
        let url = world.url(&format!("{path}{suffix}"));
        let board = "board-token-of-32-characters-000";
        let status = async || {
            let request = world.http.get(&url).bearer_auth(board);
            request.send().await.unwrap().status().as_u16()
        };
        let asked = Instant::now();
        while status().await != 200 {
            assert!(asked.elapsed() < PATIENCE);
        }
    }
    let lines = world.audit(&["--call", call]).await;
    let reads = lines.iter().filter(|it| it["action"] == "read_words");
    let reads: Vec<&Value> = reads.filter(|it| it["status"] == 200).collect();
    assert_eq!(reads.len(), 2, "{lines:#?}");
    for line in reads {
        assert_eq!(line["who"], "token:board");
        assert_eq!(line["client"], "127.0.0.1");
    }
    let answer = |token: &str| {
        let request = world
            .http
            .get(world.url(&format!("/v1/audit?call={call}&since=1h")));
        request.bearer_auth(token.to_owned()).send()
    };
    assert_eq!(
        answer("board-token-of-32-characters-000")
            .await
            .unwrap()
            .status(),
        403
    );
    let page = answer("reader-token-of-32-characters-00").await.unwrap();
    let page: Value = page.json().await.unwrap();
    let mut newest_first = page["lines"].as_array().unwrap().clone();
    newest_first.reverse();
    assert_eq!(newest_first, lines, "the request has the same lines");
    let verified = world.audited(&["audit", "--verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_one_line_and_each_reading_another() {
    listens_and_reads(World::with(&[PUBLIC_URL, TOKENS]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_one_line_on_postgres() {
    listens_and_reads(on_postgres(&[PUBLIC_URL, TOKENS]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_long_transcript_is_reading() {
    let world = World::with(&[PUBLIC_URL]).await;
    let (call, _) = world.talk("desk").await;
    let turns: Vec<Value> = (0..3000)
        .map(|n| json!({ "speaker": "agent", "text": format!("{n} {}", "word ".repeat(20)) }))
        .collect();
    let report = json!({ "room_id": call, "turns": turns });
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("desk");
    let row = world
        .row_where(&call, |row| row.contains_key("Transcript URL"))
        .await;
    let link = row["Transcript URL"].as_str().unwrap();
    let path = link.strip_prefix(PUBLIC_URL.1).unwrap();
    for _ in 0..3 {
        assert_eq!(world.forwarded(path, ("a", "b")).await, 302);
    }
    let line = &world.lines("read_words", 1).await[0];
    assert_eq!(
        (&line["who"], &line["call_id"], &line["status"]),
        (&json!("link"), &json!(call), &json!(302))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_started_and_stopped_by_somebody() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.row_is(&call, "Live").await;
    let grants = VideoGrants {
        room: "desk".into(),
        room_record: true,
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET).with_identity("sip_+15551234567");
    let token = token.with_grants(grants).to_jwt().unwrap();
    let ask = async |path: &str| {
        let request = world.http.post(world.url(path)).bearer_auth(&token);
        let answer = request.json(&json!({ "room_name": "desk" })).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap()
    };
    let egress = ask("/v1/recordings").await["egress_id"].clone();
    let stop = format!("/v1/recordings/{}/stop", egress.as_str().unwrap());
    ask(&stop).await;
    for action in ["record_start", "record_stop"] {
        let line = &world.lines(action, 1).await[0];
        assert_eq!(line["who"], "livekit:sip_***", "the number is masked");
        assert_eq!(
            (&line["call_id"], &line["egress_id"]),
            (&json!(call), &egress)
        );
    }
    let all = world.audited(&["audit"]).await.stdout;
    assert!(!all.contains("5551234567"), "{all}");
}
