//! No secret is ever printed or returned: a complete call in which everything fails, at the most verbose log level.

use livekit_airtable_sim::airtable::Fault;
use livekit_api::access_token::VideoGrants;
use serde_json::json;

use crate::{
    harness::{API_TOKEN, SECRET, World, agent, caller, eventually, token},
    process::Serve,
    signed_webhooks::signature,
};

/// Made up, so that they are found wherever they turn up.
const LINK_SECRET: &str = "link-secret-that-signs-with-32-characters";
const MIRROR_SECRET: &str = "mirror-secret-that-signs";
const WRONG_SECRET: &str = "wrongwrongwrongwrongwrongwrongwrong";
const AIRTABLE_TOKEN: &str = "patSecretSecret.0123456789";
const NUMBER: &str = "+15551239876";
const WORDS: &str = "my diagnosis is private";

/// The texts that must be nowhere.
fn secrets() -> Vec<&'static str> {
    vec![
        SECRET,
        WRONG_SECRET,
        API_TOKEN,
        LINK_SECRET,
        MIRROR_SECRET,
        AIRTABLE_TOKEN,
        "patTest",
        "testsecret",
        "eyJ",
        NUMBER,
        &NUMBER[1..],
        WORDS,
        "diagnosis",
        "X-Amz-Signature",
        "x-amz-signature",
        "turnPassword",
        "8QR2a4rcjj5igzxGNAaOtXlU1Stu7B8MKie45y3M2eR",
    ]
}

fn assert_clean(what: &str, text: &str) {
    for secret in secrets() {
        if let Some(at) = text.find(secret) {
            let line = text[..at].lines().count();
            let lines: Vec<&str> = text.lines().skip(line.saturating_sub(1)).take(2).collect();
            panic!("{secret:?} in {what}, line {line}: {lines:#?}");
        }
    }
}

/// A world whose service is a process of its own, as talkative as can be.
async fn talkative(world: &mut World, more: &[(&str, &str)]) -> Serve {
    world.stop().await;
    let mut settings = world.settings().to_vec();
    let always = [
        ("RUST_LOG", "debug"),
        ("LINK_SECRET", LINK_SECRET),
        (
            "EGRESS_WEBHOOK_URL",
            "http://127.0.0.1:9/mirror?key=mirror-secret-that-signs",
        ),
        ("EGRESS_WEBHOOK_SECRET", MIRROR_SECRET),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    let more = always.iter().chain(more);
    settings.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let serve = Serve::start(world.folder.path(), &settings).await;
    world.is_served_at(&serve.address);
    serve
}

/// Every kind of refused request that is answered at once; the answers.
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn refusals(world: &World) -> String {
    let grants = VideoGrants {
        room: "elsewhere".into(),
        ..Default::default()
    };
    let foreign = token(grants);
    let turn_password =
        std::fs::read("tests/fixtures/livekit-captured/001_room_started.json").unwrap();
    let broken = [turn_password.as_slice(), b"oops"].concat();
    let words = json!({ "transcript": WORDS, "caller": NUMBER }).to_string();
    let requests = [
        (
            "/webhooks/livekit",
            signature(b"another"),
            turn_password.clone(),
        ),
        ("/webhooks/livekit", signature(&broken), broken.clone()),
        ("/webhooks/livekit", "eyJ.eyJ.eyJ".to_owned(), turn_password),
        (
            "/v1/transcripts",
            format!("Bearer {foreign}"),
            words.clone().into(),
        ),
        (
            "/v1/transcripts",
            format!("Bearer {AIRTABLE_TOKEN}"),
            words.clone().into(),
        ),
        (
            "/v1/transcripts",
            format!("Bearer {API_TOKEN}"),
            words.clone().into(),
        ),
        (
            "/v1/transcripts",
            format!("Bearer {API_TOKEN}"),
            format!("{words} oops").into(),
        ),
        (
            "/v1/transcripts?room=a&room=eyJ",
            format!("Bearer {API_TOKEN}"),
            words.into(),
        ),
        (
            "/v1/recordings",
            format!("Bearer {foreign}"),
            br#"{"room_name":"x"}"#.to_vec(),
        ),
        (
            "/v1/recordings",
            format!("Bearer {API_TOKEN}"),
            NUMBER.into(),
        ),
    ];
    let mut answers = String::new();
    for (path, authorization, body) in requests {
        let request = world.http.post(world.url(path)).body(body);
        let request = request.header("authorization", authorization);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert!(status.as_u16() != 500, "{path}");
        answers += &format!("{status} {}\n", answer.text().await.unwrap());
    }
    for path in [
        "/readyz",
        "/healthz",
        "/r/EG_1/signature",
        "/metrics",
        "/nowhere",
    ] {
        let answer = world.http.get(world.url(path)).send().await.unwrap();
        answers += &format!("{path} {}\n", answer.text().await.unwrap());
    }
    answers + &world.get("/metrics").await.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_call_with_faults_prints_no_secret() {
    for format in ["text", "json"] {
        let mut world = World::new().await;
        let mut serve = talkative(&mut world, &[("LOG_FORMAT", format)]).await;
        let refusal = |message: &str| {
            let body = json!({ "error": { "type": "SERVER_ERROR", "message": message } });
            Fault::Status(500, body.to_string())
        };
        world.airtable.fail_next(1, refusal("it broke"));
        let call = world.livekit.open_room("private");
        world.livekit.join("private", agent());
        world.livekit.join("private", caller(NUMBER));
        world.starts("private", 1).await;
        world.livekit.speak("private");
        let turns = json!([{ "speaker": "caller", "text": WORDS }]);
        let report = json!({ "room_id": call, "turns": turns });
        assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
        world.storage.refuse(1, 503);
        world.livekit.close_room("private");
        let ended = |row: &serde_json::Map<String, serde_json::Value>| {
            let done = ["Complete", "Failed"].contains(&row["Status"].as_str().unwrap_or(""));
            done && row
                .get("Transcript")
                .is_some_and(|text| text.as_str().unwrap().contains(WORDS))
        };
        world.row_where(&call, ended).await;
        assert_clean("the answers", &refusals(&world).await);
        let reported = eventually(|| serve.said().contains("mirror").then_some(())).await;
        assert!(reported.is_some(), "{}", serve.said());
        assert_eq!(serve.stop().await, Some(0));
        let said = serve.said();
        assert!(said.contains("listening") && said.contains(&call), "{said}");
        assert_clean(format, &said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_reported_without_being_printed() {
    let mut world = World::new().await;
    let wrong = [
        ("LIVEKIT_API_SECRET", WRONG_SECRET),
        (
            "LIVEKIT_WEBHOOK_KEYS",
            "devkey:secretsecretsecretsecretsecretsecret",
        ),
        ("AIRTABLE_TOKEN", AIRTABLE_TOKEN),
    ];
    let body = json!({ "error": { "type": "AUTHENTICATION_REQUIRED", "message": "no" } });
    world
        .airtable
        .fail_next(1000, Fault::Status(401, body.to_string()));
    let mut serve = talkative(&mut world, &wrong).await;
    let call = world.livekit.open_room("wrong-keys");
    world.livekit.join("wrong-keys", caller(NUMBER));
    let reported = || {
        let said = serve.said();
        let both = said.contains("AIRTABLE_TOKEN") && said.contains("LIVEKIT_API_SECRET");
        both.then_some(())
    };
    assert!(eventually(reported).await.is_some(), "{}", serve.said());
    let shown = world.get(&format!("/v1/calls/{call}/transcript")).await;
    let mut answers = shown.text().await.unwrap();
    answers += &world.get("/readyz").await.text().await.unwrap();
    answers += &refusals(&world).await;
    assert_clean("the answers", &answers);
    assert_eq!(serve.stop().await, Some(0));
    assert_clean("the log", &serve.said());
}
