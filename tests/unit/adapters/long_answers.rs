//! Answers of others that never end or are far too long: no more of them is read than memory is meant for.

use livekit_airtable::{
    airtable::{self, Class},
    livekit::client::{Client, Config, ErrorKind},
};
use secrecy::SecretString;

use super::server::{Server, answer, bytes};

/// More than what is read of any answer.
const LONG: usize = 40 << 20;

fn livekit(url: String) -> Client {
    let config = Config {
        url,
        api_key: "key".into(),
        api_secret: SecretString::from("secretsecretsecretsecretsecretsecret"),
    };
    Client::new(config, livekit_airtable::telemetry::http_client().unwrap())
}

#[tokio::test]
async fn a_long_answer_of_livekit_is_not_read_to_its_end() {
    // As protobuf, this is a valid list: unknown fields are skipped.
    let field = [vec![0xfa, 0x3f, 0x80, 0x80, 0x80, 0x14], vec![b'x'; LONG]].concat();
    let server = Server::start([bytes(200, "application/protobuf", field)]).await;
    let error = livekit(server.url()).rooms(&[]).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    // Of an error, the status counts.
    let server = Server::start([answer(502, "text/plain", "x".repeat(LONG))]).await;
    let error = livekit(server.url()).rooms(&[]).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("502"), "{error}");
}

#[tokio::test]
async fn a_long_answer_of_airtable_is_not_read_to_its_end() {
    let table = format!(r#"{{"tables":[],"x":"{}"}}"#, "x".repeat(LONG));
    let server = Server::start([answer(200, "application/json", table)]).await;
    let config = airtable::Config {
        api_url: server.url(),
        token: "patSecret".into(),
        base_id: "appBase".into(),
        table: "Calls".into(),
        requests_per_second: 50.0,
    };
    let http = livekit_airtable::telemetry::http_client().unwrap();
    let client = airtable::Client::new(http, config);
    let error = client.tables().await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: None });
    assert!(error.to_string().contains("more than 32 MiB"), "{error}");
}
