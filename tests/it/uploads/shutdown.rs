//! Uploads while the service stops, and the addresses that agents upload to.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{KEY, SECRET, begun, chat, header, multipart, ogg, retry_after, token};
use crate::{
    harness::{API_TOKEN, World, eventually, in_time},
    uploads::spooled,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_end_of_the_service_interrupts_is_sent_again() {
    let mut world = World::new().await;
    let mut serve = world.serve_apart().await;
    let parts = [
        header("RM_stopped", "AJ_1", 1_795_889_000, &json!({})),
        chat(&["What was said before the end."]),
        ("audio", ogg(60, 400_000)),
    ];
    let body = multipart(&parts);
    let length = format!("content-length: {}", body.len());
    let arriving = || {
        let part = spooled(&world)
            .iter()
            .any(|name| name.ends_with("audio.part"));
        part.then_some(())
    };
    let mut socket = begun(&world, &length, &body[..body.len() / 2]).await;
    assert!(eventually(arriving).await.is_some());
    let (code, answer) = tokio::join!(serve.stop(), async {
        let mut answer = Vec::new();
        in_time(socket.read_to_end(&mut answer)).await.ok();
        answer
    });
    assert_eq!(code, Some(0));
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let body_of_answer = &answer[end + 4..];
    assert!(retry_after(body_of_answer).is_some(), "{text}");
    // Sent again to the next process, it is whole.
    let mut serve = world.serve_apart().await;
    assert_eq!(super::post(&world, body).await.status(), 200);
    assert_eq!(spooled(&world).len(), 1, "{:?}", spooled(&world));
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_ends_with_a_slash_is_as_good() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    let body = multipart(&[
        header(&call, "AJ_1", 0, &json!({})),
        chat(&["Words with two slashes."]),
    ]);
    let send = async |path: &str, body: Vec<u8>| {
        let request = world.http.post(world.url(path)).body(body);
        let request = request.bearer_auth(token(KEY, SECRET, true));
        let kind = format!("multipart/form-data; boundary={}", super::BOUNDARY);
        let sent = request.header("content-type", kind).send().await.unwrap();
        sent.status().as_u16()
    };
    assert_eq!(send("//observability/recordings/v0", body).await, 200);
    assert_eq!(
        send("//observability/traces/otlp/v0", Vec::new()).await,
        200
    );
    assert_eq!(send("//v1/transcripts", Vec::new()).await, 404);
    world
        .row_where(&call, |row| row.contains_key("Transcript"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_token_an_upload_takes() {
    let world = World::new().await;
    let tokens = [
        String::new(),
        "nonsense".to_owned(),
        token("otherkey", SECRET, true),
        token(KEY, SECRET, false),
        API_TOKEN.to_owned(),
    ];
    for path in ["recordings/v0", "logs/otlp/v0"] {
        for token in &tokens {
            let url = world.url(&format!("/observability/{path}"));
            let refused = world.http.post(url).bearer_auth(token).send().await;
            let refused: Value = refused.unwrap().json().await.unwrap();
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("observability.write"), "{detail}");
            assert!(detail.contains("LIVEKIT_API_KEY"), "{detail}");
            assert!(!detail.contains("API_TOKEN"), "{detail}");
            assert!(!detail.contains("/v1"), "{detail}");
        }
    }
}
