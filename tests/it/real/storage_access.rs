//! Other keys and addresses of a bucket, against SeaweedFS.

use std::{net::ToSocketAddrs, time::Duration};

use livekit_airtable::{
    domain::{Addressing, StorageKey},
    storage::{Client, Config, Error, Method, Served},
};
use uuid::Uuid;

use super::{bucket, exported, pairs};
use crate::harness::{World, caller};

fn client(access_key: &str, addressing: Addressing) -> Client {
    livekit_airtable::install_crypto();
    let key = StorageKey {
        access_key: exported(access_key),
        secret_key: exported("S3_TEST_SECRET_KEY").into(),
        session_token: None,
    };
    Client::new(Config {
        key: key.into(),
        bucket: exported("S3_TEST_BUCKET"),
        endpoint: Some(exported("S3_TEST_ENDPOINT").replace("127.0.0.1", "localhost")),
        region: "auto".into(),
        addressing,
    })
}

#[tokio::test]
async fn a_link_with_the_bucket_in_its_host_plays() {
    let key = format!("virtual/{}/call-+1555 #1.mp3", Uuid::now_v7());
    let path = client("S3_TEST_ACCESS_KEY", Addressing::Path);
    path.put_text(&key, "words".into()).await.unwrap();
    let endpoint = exported("S3_TEST_ENDPOINT");
    let address = endpoint.strip_prefix("http://").unwrap();
    let address = address.to_socket_addrs().unwrap().next().unwrap();
    let host = format!("{}.localhost", exported("S3_TEST_BUCKET"));
    let browser = reqwest::Client::builder()
        .resolve(&host, address)
        .build()
        .unwrap();
    let client = client("S3_TEST_ACCESS_KEY", Addressing::Virtual);
    let url = client
        .presign(
            &key,
            Duration::from_secs(60),
            Method::Get,
            Served::default(),
        )
        .await
        .unwrap();
    assert!(url.starts_with(&format!("http://{host}:")));
    let answer = browser.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "words");
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_uploads_with_a_key_that_may_only_write() {
    let writer = client("S3_TEST_WRITER", Addressing::Path);
    let key = format!("writer/{}.txt", Uuid::now_v7());
    writer.put_text(&key, "words".into()).await.unwrap();
    let head = writer.head(&key).await;
    assert!(matches!(head, Err(Error::Forbidden)), "{head:?}");
    let (access, secret) = (exported("S3_TEST_WRITER"), exported("S3_TEST_SECRET_KEY"));
    let mut settings = bucket();
    settings.push(("S3_EGRESS_ACCESS_KEY".into(), access));
    settings.push(("S3_EGRESS_SECRET_KEY".into(), secret));
    let world = World::with(&pairs(&settings)).await;
    let call = world.livekit.open_room("writer");
    world.livekit.join("writer", caller("+15551234567"));
    world.starts("writer", 1).await;
    world.livekit.speak("writer");
    world.livekit.close_room("writer");
    let row = world.row_is(&call, "Complete").await;
    let url = row["Recording URL"].as_str().unwrap();
    assert_eq!(world.http.get(url).send().await.unwrap().status(), 200);
}
