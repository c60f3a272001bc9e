//! The forms of a transcript: JSON, text, WebVTT, SubRip, by suffix and by `Accept`.

use serde_json::json;

use super::{File, ended, transcript};
use crate::harness::{API_TOKEN, World};

async fn prepared() -> World {
    let world = World::new().await;
    let file = File {
        egress: "one",
        begin: 0.0,
        length: 4000.0,
    };
    ended(&world, "RM_forms", &[file]).await;
    let body = json!({ "room_id": "RM_forms", "turns": [
        { "speaker": "agent", "text": "Before.", "start": -3, "end": -1 },
        { "speaker": "agent", "text": "a <b> & c --> d", "start": 1.5, "end": 2.25 },
        { "speaker": "caller", "text": "One.\n\n2\n00:00:09,000 --> 00:00:10,000\r\nTwo.", "start": 3661.001, "end": 3662 },
    ] });
    assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
    transcript(&world, "RM_forms", 3).await;
    world
}

const VTT: &str = "WEBVTT\n\nNOTE before the recording\nAgent: Before.\n\n\
    00:00:01.500 --> 00:00:02.250\nAgent: a &lt;b&gt; &amp; c --&gt; d\n\n\
    01:01:01.001 --> 01:01:02.000\nCaller: One.  2 00:00:09,000 --&gt; 00:00:10,000  Two.\n";
const SRT: &str = "1\n00:00:01,500 --> 00:00:02,250\nAgent: a <b> & c --> d\n\n\
    2\n01:01:01,001 --> 01:01:02,000\nCaller: One.  2 00:00:09,000 --> 00:00:10,000  Two.\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_has_the_form_that_is_asked_for() {
    let world = prepared().await;
    let path = "/v1/calls/RM_forms/transcript";
    for (suffix, accept, kind, text) in [
        (".vtt", "*/*", "text/vtt; charset=utf-8", VTT),
        (".srt", "*/*", "application/x-subrip; charset=utf-8", SRT),
        (
            ".srt",
            "application/json",
            "application/x-subrip; charset=utf-8",
            SRT,
        ),
        ("", "text/vtt", "text/vtt; charset=utf-8", VTT),
        (
            "",
            "application/x-subrip",
            "application/x-subrip; charset=utf-8",
            SRT,
        ),
        (
            "",
            "text/html;q=0.9, text/vtt;q=0.1, application/x-subrip;q=0.2",
            "application/x-subrip; charset=utf-8",
            SRT,
        ),
    ] {
        let request = world.http.get(world.url(&format!("{path}{suffix}")));
        let request = request.bearer_auth(API_TOKEN).header("accept", accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{suffix} {accept}");
        assert_eq!(answer.headers()["content-type"], kind);
        assert_eq!(answer.text().await.unwrap(), text, "{suffix} {accept}");
    }
    let text = world
        .get(&format!("{path}.txt"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.starts_with("Agent: Before.\nAgent: a <b> & c --> d\nCaller: One."),
        "{text}"
    );
    assert_eq!(world.get(&format!("{path}.doc")).await.status(), 404);
    let anonymous = world
        .http
        .get(world.url(&format!("{path}.srt")))
        .send()
        .await;
    assert_eq!(anonymous.unwrap().status(), 401);
}
