//! Errors of LiveKit's API, and what each asks for.

use super::*;

async fn start(answer: Answer) -> Error {
    let (client, _) = with([answer]).await;
    started(&client, "a.mp3").await.unwrap_err()
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let twirp = |status, code: &str| {
        json(
            status,
            object!({"code": code, "msg": "twirp error unknown: no\nroom"}),
        )
    };
    let html = |status| answer(status, "text/html", "<html>HIDDEN</html>");
    let kinds = [
        (twirp(503, "unavailable"), ErrorKind::Transient),
        (twirp(500, "internal"), ErrorKind::Transient),
        (twirp(429, "resource_exhausted"), ErrorKind::Transient),
        (twirp(404, "not_found"), ErrorKind::NotFound),
        (twirp(404, "bad_route"), ErrorKind::BadRequest),
        (twirp(400, "invalid_argument"), ErrorKind::BadRequest),
        (twirp(412, "failed_precondition"), ErrorKind::BadRequest),
        (twirp(401, "unauthenticated"), ErrorKind::Unauthorized),
        (twirp(408, "deadline_exceeded"), ErrorKind::UnknownOutcome),
        (twirp(409, "already_exists"), ErrorKind::UnknownOutcome),
        (twirp(403, "permission_denied"), ErrorKind::BadRequest),
        (twirp(403, "resource_exhausted"), ErrorKind::Transient),
        (twirp(451, "unavailable"), ErrorKind::BadRequest),
        (html(451), ErrorKind::BadRequest),
        (html(401), ErrorKind::Transient),
        (html(403), ErrorKind::Transient),
        (html(502), ErrorKind::UnknownOutcome),
        (html(504), ErrorKind::UnknownOutcome),
        (html(503), ErrorKind::Transient),
        (html(302), ErrorKind::Transient),
        (html(404), ErrorKind::Transient),
        (html(200), ErrorKind::UnknownOutcome),
        (
            answer(200, "application/protobuf", ""),
            ErrorKind::UnknownOutcome,
        ),
    ];
    for (answer, kind) in kinds {
        let what = format!("{answer:?}");
        let error = start(answer).await;
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(!error.to_string().contains("HIDDEN"), "{error}");
    }
    let error = start(twirp(404, "not_found")).await;
    assert_eq!(
        error.to_string(),
        "LiveKit answered not_found (404): no room"
    );
    let (client, _) = with([html(502)]).await;
    assert_eq!(
        client
            .list(None, Egresses::Running)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Transient
    );
}

#[tokio::test]
async fn a_wrong_secret_is_reported_without_the_token_that_livekit_repeats() {
    let token = "invalid token: eyJhbGciOiJIUzI1NiJ9.e30.c2ln, error: go-jose/go-jose: error in cryptographic primitive";
    let error = start(answer(401, "text/plain", token)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(
        error.to_string(),
        "LiveKit rejected the API key (401): check LIVEKIT_API_KEY, LIVEKIT_API_SECRET and this machine's clock"
    );
    let error = start(json(400, object!({"code": "malformed", "msg": token}))).await;
    assert!(!format!("{error} {error:?}").contains("eyJ"));
}

#[tokio::test]
async fn a_lost_answer_to_a_start_is_not_a_passing_error() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"egress_id\":",
    ] {
        let client = client(hangs_up(reply).await);
        assert_eq!(
            started(&client, "a.mp3").await.unwrap_err().kind(),
            ErrorKind::UnknownOutcome
        );
        assert_eq!(
            client
                .list(None, Egresses::Running)
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::Transient
        );
    }
    let client = client(nobody().await);
    assert_eq!(
        started(&client, "a.mp3").await.unwrap_err().kind(),
        ErrorKind::Transient
    );
}

#[tokio::test]
async fn a_start_that_times_out_may_have_happened() {
    let impatient = reqwest::Client::builder().read_timeout(std::time::Duration::from_millis(50));
    let client = Client::new(
        config(server::never_answers().await),
        impatient.build().unwrap(),
    );
    let error = started(&client, "a.mp3").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::UnknownOutcome,
            "LiveKit does not respond: timed out"
        )
    );
    assert_eq!(
        client.rooms(&[]).await.unwrap_err().kind(),
        ErrorKind::Transient
    );
}

#[test]
fn livekits_own_access_tokens_are_read() {
    let video = VideoGrants {
        room_admin: true,
        room: "lobby".into(),
        ..Default::default()
    };
    let token = AccessToken::with_api_key("devkey", "livekit-secret")
        .with_identity("agent-1")
        .with_grants(video);
    let room = Some("lobby".to_owned());
    let expected = Grants {
        identity: "agent-1".into(),
        room,
        room_admin: true,
        room_record: false,
    };
    assert_eq!(
        grants(&format!("Bearer {}", token.to_jwt().unwrap())),
        expected
    );
}
