//! Chromium shows the page of a link, whose recording is in SeaweedFS: it plays by ranges, marks the line that is heard, seeks by
//! click and key, works without JavaScript, in light and dark and on a phone, and axe-core finds nothing.

use std::path::Path;

use aws_sdk_s3::{
    config::{BehaviorVersion, Credentials, Region},
    primitives::ByteStream,
};
use serde_json::json;

use super::{ON, PUBLIC_URL, browse, link};
use crate::{
    harness::World,
    real::{bucket, exported, pairs, postgres::fresh_database, python, run},
    words_in_time::{File, ROOM, ended_with, message, session, sound::talk, speech::Talk},
};

/// Puts a file into SeaweedFS.
async fn put(key: &str, bytes: &[u8]) {
    livekit_airtable::install_crypto();
    let https = aws_smithy_http_client::Builder::new().tls_provider(
        aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ),
    );
    let (id, secret) = (
        exported("S3_TEST_ACCESS_KEY"),
        exported("S3_TEST_SECRET_KEY"),
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("auto"))
        .endpoint_url(exported("S3_TEST_ENDPOINT"))
        .force_path_style(true)
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .http_client(https.build_https());
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let put = client
        .put_object()
        .bucket(exported("S3_TEST_BUCKET"))
        .key(key);
    let body = ByteStream::from(bytes.to_vec());
    put.body(body).send().await.unwrap();
}

/// What agent and caller say in turn.
const CONVERSATION: [&str; 10] = [
    "Hello, this is the clinic, how can I help you?",
    "Hi, I would like to make an appointment.",
    "Gladly. Which day would suit you best?",
    "Tuesday morning, if that is possible at all, otherwise some time on Thursday afternoon.",
    "Let me see. On Tuesday we have half past nine, and a quarter",
    "Half past nine, please.",
    "And your name?",
    "Miller, M, I, L, L, E, R.",
    "Thank you. You will get a message with the address and the time.",
    "Great, that is all. Goodbye.",
];

/// The report of a talk, with words that people say.
fn report(call: &str, talk: &Talk) -> serde_json::Value {
    let sides = [("assistant", &talk.said.agent), ("user", &talk.said.caller)];
    let turns = sides.into_iter();
    let turns = turns.flat_map(|(role, said)| said.iter().map(move |it| (*it, role)));
    let mut turns: Vec<((i64, i64), &str)> = turns.collect();
    turns.sort_unstable();
    let at = |ms: i64| ROOM as f64 + 2.0 + ms as f64 / 1e3;
    let items = turns.iter().enumerate().map(|(n, ((from, to), role))| {
        let metrics = json!({ "started_speaking_at": at(*from), "stopped_speaking_at": at(*to) });
        let mut item = message(role, CONVERSATION[n % CONVERSATION.len()], at(*to), metrics);
        item["interrupted"] = json!(n == 4);
        item
    });
    session(call, &items.collect::<Vec<_>>())
}

async fn is_played_and_read(settings: &[(&str, &str)], call: &str, theme: &str) {
    let bucket = bucket();
    let settings = [settings, &[PUBLIC_URL, ON], &pairs(&bucket)].concat();
    let world = World::with(&settings).await;
    let talk = talk(0.0);
    let mp3 = talk.mp3();
    put(&format!("recordings/{call}-0.mp3"), &mp3).await;
    let file = File {
        egress: "one",
        begin: 2.0,
        length: talk.length(),
    };
    ended_with(&world, call, &[(file, &mp3)]).await;
    let sent = world.post("/v1/transcripts", &report(call, &talk)).await;
    assert_eq!(sent.status(), 202);
    let path = link(&world, call).await;
    let begun = std::time::Instant::now();
    while !browse(&world, &path)
        .await
        .text()
        .await
        .unwrap()
        .contains("data-peaks")
    {
        assert!(begun.elapsed() < crate::harness::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let axe = Path::new(&exported("TEST_NODE_MODULES")).join("axe-core/axe.min.js");
    let mut command = python("pages/play.py");
    command.args([&world.url(&path), &exported("S3_TEST_ENDPOINT"), theme]);
    command.arg(axe);
    let said = run(command, Vec::new()).await;
    assert_eq!(said.trim(), "fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_played_and_read_in_light() {
    is_played_and_read(&[], "RM_light", "light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_played_and_read_in_dark_on_postgres() {
    let database = fresh_database().await;
    is_played_and_read(&[("DATABASE_URL", &database)], "RM_dark", "dark").await;
}
