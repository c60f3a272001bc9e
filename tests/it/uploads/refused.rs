//! Uploads that are refused: in the form that the SDK retries if that may help, and never in one that ends its uploads.

use serde_json::json;

use super::{
    KEY, PYTHON, PYTHON_ROOM, SECRET, begun, chat, header, multipart, post, request, retry_after,
    token, upload,
};
use crate::{
    harness::{API_TOKEN, World, token as room_token},
    signed_webhooks::inbox,
    uploads::spooled,
};

const PATHS: [&str; 4] = [
    "recordings/v0",
    "traces/otlp/v0",
    "logs/otlp/v0",
    "metrics/otlp/v0",
];

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_an_agent_of_ours_opens_them_and_no_refusal_ends_the_sdks_uploads() {
    let world = World::new().await;
    let grants = livekit_api::access_token::VideoGrants {
        room_admin: true,
        room: "desk".into(),
        ..Default::default()
    };
    let cases = [
        (String::new(), 401),
        ("nonsense".to_owned(), 401),
        (token("otherkey", SECRET, true), 401),
        (token(KEY, "othersecretothersecretothersecret", true), 401),
        (token(KEY, SECRET, false), 403),
        (room_token(grants), 403),
        (API_TOKEN.to_owned(), 403),
    ];
    let before = inbox(&world, "report").await.len();
    for path in PATHS {
        for (token, status) in &cases {
            let url = world.url(&format!("/observability/{path}"));
            let refused = world.http.post(url).bearer_auth(token).body(PYTHON);
            let refused = refused.send().await.unwrap();
            assert_eq!(refused.status(), *status, "{path}");
            let text = refused.text().await.unwrap().to_lowercase();
            assert!(!text.contains("disabled"), "{text}");
            assert_eq!(retry_after(text.as_bytes()), None);
        }
        let taken = world
            .http
            .post(world.url(&format!("/observability/{path}")));
        if path != PATHS[0] {
            let taken = taken.bearer_auth(token(KEY, SECRET, true)).body("{}");
            assert_eq!(taken.send().await.unwrap().status(), 200);
        }
    }
    assert_eq!(inbox(&world, "report").await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_body_is_read_before_its_sender_is_known() {
    let world = World::new().await;
    let length = format!("content-length: {}\r\nexpect: 100-continue", 400 << 20);
    let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let (mut read, mut write) = socket.into_split();
    let head = format!("POST /observability/recordings/v0 HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut read, &mut answer)
        .await
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_for_good() {
    let world = World::new().await;
    let good = header("RM_1", "AJ_1", 0, &json!({}));
    let chat = chat(&["Some words of a caller."]);
    let cases = [
        (multipart(&[]), 400),
        (multipart(std::slice::from_ref(&chat)), 400),
        (
            multipart(&[("header", b"\xff\xff\xff".to_vec()), chat.clone()]),
            400,
        ),
        (
            multipart(&[header("", "AJ_1", 0, &json!({})), chat.clone()]),
            400,
        ),
        (
            multipart(&[header("console", "AJ_1", 0, &json!({})), chat.clone()]),
            400,
        ),
        (
            multipart(&[header("RM_../x", "AJ_1", 0, &json!({})), chat.clone()]),
            400,
        ),
        (
            multipart(&[good.clone(), ("chat_history", b"{no json".to_vec())]),
            400,
        ),
        (
            multipart(&[good.clone(), ("chat_history", b"{\"a\":1}".to_vec())]),
            400,
        ),
        (
            multipart(&[("header", vec![0; 2 << 20]), chat.clone()]),
            413,
        ),
        (
            multipart(&[good, ("chat_history", vec![b' '; 17 << 20])]),
            413,
        ),
    ];
    for (n, (body, status)) in cases.into_iter().enumerate() {
        let refused = post(&world, body).await;
        assert_eq!(refused.status(), status, "case {n}");
        let kind = refused.headers()["content-type"].clone();
        assert_eq!(kind, "application/problem+json", "case {n}");
    }
    let token = token(KEY, SECRET, true);
    let brotli = request(&world, &token, PYTHON).header("content-encoding", "br");
    assert_eq!(brotli.send().await.unwrap().status(), 415);
    let url = world.url("/observability/recordings/v0");
    let form = world.http.post(url).bearer_auth(token).body("x=1");
    assert_eq!(form.send().await.unwrap().status(), 400);
    assert_eq!(spooled(&world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_is_refused_until_it_has_its_words() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let header = header(&call, "AJ_1", 1_795_889_000, &json!({}));
    let words = chat(&["The words came through."]);
    let whole = multipart(&[header, words, ("audio", super::ogg(60, 200_000))]);
    let length = format!("content-length: {}", whole.len());
    let in_words = whole.windows(9).position(|it| it == b"The words").unwrap();
    // The connection breaks.
    drop(begun(&world, &length, &whole[..in_words]).await);
    // Another program has cut the body.
    let cut = post(&world, whole[..in_words].to_vec()).await;
    assert_eq!(cut.status(), 408);
    assert!(retry_after(&cut.bytes().await.unwrap()).is_some());
    assert_eq!(world.glance(&call).unwrap().get("Transcript"), None);
    let cut = post(&world, whole[..whole.len() - 100].to_vec()).await;
    assert_eq!(cut.status(), 408, "it is sent again for its audio");
    let has_words = |row: &crate::reader::Row| {
        row.get("Transcript")
            .is_some_and(|text| text == "Caller: The words came through.")
    };
    world.row_where(&call, has_words).await;
    assert_eq!(spooled(&world), [""; 0], "half an audio is none");
    assert_eq!(post(&world, whole).await.status(), 200);
    assert_eq!(spooled(&world).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_is_asked_to_retry_what_the_database_or_the_disk_cannot_take() {
    let (world, mut serve, others) = crate::bounds::reserve_world().await;
    std::fs::write(&others, vec![1; 52 << 20]).unwrap();
    let refused = post(&world, PYTHON).await;
    assert_eq!(refused.status(), 507);
    let kind = refused.headers()["content-type"].clone();
    assert_eq!(kind, "application/octet-stream");
    let seconds = retry_after(&refused.bytes().await.unwrap());
    assert!(
        seconds.is_some_and(|it| (1..=5).contains(&it)),
        "{seconds:?}"
    );
    std::fs::remove_file(&others).unwrap();
    assert_eq!(post(&world, PYTHON).await.status(), 200);
    let room = json!({ "sid": PYTHON_ROOM, "name": "desk" });
    let opened = json!({ "event": "room_started", "id": "EV_1", "room": room });
    world.hook(&opened).await;
    world
        .row_where(PYTHON_ROOM, |row| row.contains_key("Transcript"))
        .await;
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_call_is_not_changed() {
    let world = World::with(&[(
        "LIVEKIT_WEBHOOK_KEYS",
        "theirs:theirsecrettheirsecrettheirsecret00",
    )])
    .await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let parts = [
        header(&call, "AJ_1", 0, &json!({})),
        chat(&["Words of another project."]),
    ];
    let body = multipart(&parts);
    let theirs = token("theirs", "theirsecrettheirsecrettheirsecret00", true);
    // Until LiveKit has said whose the key is, the upload waits; then it is refused.
    let answer = request(&world, &theirs, body).send().await.unwrap();
    assert!([200, 403].contains(&answer.status().as_u16()));
    assert_eq!(
        upload(
            &world,
            &[
                header(&call, "AJ_2", 0, &json!({})),
                chat(&["Words of our own."])
            ]
        )
        .await,
        200
    );
    let has = |row: &crate::reader::Row| {
        row.get("Transcript")
            .is_some_and(|text| text == "Caller: Words of our own.")
    };
    world.row_where(&call, has).await;
}
