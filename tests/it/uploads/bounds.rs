//! What an upload may have beside the content of its parts.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{BOUNDARY, Part, both, chat, header, multipart, post, request, token};
use crate::{
    harness::{KEY, SECRET, World},
    memory::settled,
};

const MIB: usize = 1 << 20;
/// What the service may take at most besides its code, in MiB: together with the 15 MiB of a released program's, 200 MB.
const MOST: u64 = 175;

fn good(call: &str) -> [Part; 2] {
    [header(call, "AJ_1", 0, &json!({})), chat(&["Some words."])]
}

/// A body that has this between the name of a part and the end of its headers.
fn with_headers(call: &str, headers: &[u8]) -> Vec<u8> {
    let mut body =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"x\"\r\n").into_bytes();
    body.extend(headers);
    body.extend(b"\r\n\r\nx\r\n");
    body.extend(multipart(&good(call)));
    body
}

fn long_header(bytes: usize) -> Vec<u8> {
    let mut line = b"x: ".to_vec();
    line.resize(bytes, b'a');
    line
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A call that nobody records.
async fn opened(world: &World) -> String {
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    call
}

async fn status(world: &World, body: Vec<u8>) -> u16 {
    post(world, body).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_a_part_and_what_is_before_the_first_are_bounded() {
    for world in both(&[("RECORD_ON", "manual")]).await {
        let call = opened(&world).await;
        let before =
            |bytes: usize| [vec![b'x'; bytes], b"\r\n".to_vec(), multipart(&good(&call))].concat();
        let many = b"x: a\r\n".repeat(MIB / 6);
        let refused = [
            with_headers(&call, &long_header(MIB)),
            with_headers(&call, &many[..many.len() - 2]),
            before(MIB),
        ];
        for (n, body) in refused.into_iter().enumerate() {
            let answer = post(&world, body.clone()).await;
            assert_eq!(answer.status(), 400, "body {n}");
            let problem: Value = answer.json().await.unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("headers are too long"), "{detail}");
            assert_eq!(status(&world, gzip(&body)).await, 400, "body {n}");
        }
        let many_parts = [
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n")
                .repeat(20_000)
                .into_bytes(),
            multipart(&good(&call)),
        ];
        let accepted = [
            with_headers(&call, &long_header(30_000)),
            before(30_000),
            many_parts.concat(),
        ];
        for (n, body) in accepted.into_iter().enumerate() {
            assert_eq!(status(&world, body.clone()).await, 200, "body {n}");
            assert_eq!(status(&world, gzip(&body)).await, 200, "body {n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_never_fills_the_memory() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = opened(&world).await;
    let mut serve = world.serve_apart().await;
    let plain = vec![b'a'; 400 * MIB];
    let parts = [vec![("x", plain.clone())], good(&call).to_vec()].concat();
    assert_eq!(status(&world, gzip(&multipart(&parts))).await, 200);
    let headers = long_header(400 * MIB);
    assert_eq!(
        status(&world, gzip(&with_headers(&call, &headers))).await,
        400
    );
    let peak = serve.peak_without_code() / MIB as u64;
    assert!(peak < MOST, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_of_any_shape_take_little_memory() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = opened(&world).await;
    let mut serve = world.serve_apart().await;
    let small = vec![json!({ "": 0 }); 125_000];
    let bodies: Vec<Vec<u8>> = (0..24)
        .map(|n| {
            let summary = json!({ "a": small });
            let header = header(&call, &format!("AJ_{n}"), 0, &summary);
            multipart(&[header, chat(&["Some words."])])
        })
        .collect();
    let token = token(KEY, SECRET, true);
    let sent = bodies
        .into_iter()
        .map(|body| tokio::spawn(request(&world, &token, body).send()));
    let sent: Vec<_> = sent.collect();
    for one in sent {
        assert_eq!(one.await.unwrap().unwrap().status(), 200);
    }
    settled(&serve).await;
    let peak = serve.peak_without_code() / MIB as u64;
    assert!(peak < MOST, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}
