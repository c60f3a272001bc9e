//! Bytes that are not quite JSON, not quite UTF-8, or compressed.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{both, post, row_has};
use crate::harness::World;

fn header(name: reqwest::header::HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// The room's transcript after this body.
async fn becomes(world: &World, room: &str, headers: HeaderMap, body: Vec<u8>, words: &str) {
    let call = world.livekit.open_room(room);
    world.row_is(&call, "Live").await;
    let (status, answer) = post(world, &format!("?room={room}"), headers, body).await;
    assert_eq!(status, 202, "{room}: {answer}");
    row_has(world, &call, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_is_taken() {
    let none = HeaderMap::new;
    let text = || header(CONTENT_TYPE, "text/plain");
    let cases: [(&str, HeaderMap, &[u8], &str); 8] = [
        ("surrogate", none(), br#"[{"role":"user","content":"a \ud83d b \udc00 \ud83d\ude00"}]"#, "Caller: a \u{FFFD} b \u{FFFD} 😀"),
        ("latin", none(), b"[{\"role\":\"user\",\"content\":\"caf\xE9\"}]", "Caller: caf\u{FFFD}"),
        ("latin-text", text(), b"Caller: caf\xE9", "Caller: caf\u{FFFD}"),
        ("nan", none(), br#"{"usage":[NaN,-Infinity],"turns":[{"role":"user","content":"NaN","created_at":NaN,"x":Infinity}]}"#, "Caller: NaN"),
        ("bom", none(), b"\xEF\xBB\xBF[{\"role\":\"user\",\"content\":\"hi\"}]", "Caller: hi"),
        ("bom-text", text(), b"\xEF\xBB\xBFCaller: hi", "Caller: hi"),
        ("newline", none(), b"[{\"role\":\"user\",\"content\":\"one\ttwo\"}]", "Caller: one\ttwo"),
        ("nan-text", text(), br#"[{"role":"user","content":"hi","created_at":NaN}]"#, "Caller: hi"),
    ];
    for world in both().await {
        for (room, headers, body, words) in &cases {
            becomes(&world, room, headers.clone(), body.to_vec(), words).await;
        }
        let body = gzip(br#"[{"role":"user","content":"packed"}]"#);
        becomes(
            &world,
            "gzip",
            header(CONTENT_ENCODING, "gzip"),
            body.clone(),
            "Caller: packed",
        )
        .await;
        becomes(
            &world,
            "gzip-unsaid",
            HeaderMap::new(),
            body,
            "Caller: packed",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_is_refused_with_a_sentence() {
    let world = World::new().await;
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let bomb = gzip(&vec![b' '; 17 << 20]);
    assert!(bomb.len() < 1 << 20);
    let mut broken = gzip(br#"[{"role":"user","content":"packed"}]"#);
    broken.truncate(broken.len() - 12);
    let gzipped = || header(CONTENT_ENCODING, "gzip");
    let cases = [
        (HeaderMap::new(), wide("\u{FEFF}[]"), 400, "UTF-16"),
        (HeaderMap::new(), wide(r#"{"turns":[]}"#), 400, "UTF-16"),
        (
            header(CONTENT_TYPE, "text/plain"),
            wide("Agent: Hello"),
            400,
            "UTF-16",
        ),
        (
            header(CONTENT_TYPE, "text/plain; charset=UTF-16"),
            wide("您好，这里是牙科诊所"),
            400,
            "UTF-16",
        ),
        (gzipped(), bomb, 413, "16 MiB"),
        (gzipped(), broken, 400, "gzip"),
        (header(CONTENT_ENCODING, "br"), b"[]".to_vec(), 415, "gzip"),
        (
            header(CONTENT_ENCODING, "gzip, gzip"),
            b"[]".to_vec(),
            415,
            "gzip",
        ),
    ];
    for (headers, body, status, words) in cases {
        let (got, problem) = post(&world, "?room=a", headers, body).await;
        assert_eq!(got, status, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{problem}"
        );
    }
}
