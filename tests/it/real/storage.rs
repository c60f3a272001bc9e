//! storage::Client against SeaweedFS.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use livekit_airtable::{
    domain::{Addressing, StorageKey},
    storage::{Client, Config, Error, Method, ObjectHead, Served},
    telemetry,
};
use uuid::Uuid;

use super::exported;
use crate::harness::PATIENCE;

const HOUR: Duration = Duration::from_secs(3600);

fn client(secret_key: &str) -> Client {
    livekit_airtable::install_crypto();
    Client::new(Config {
        key: StorageKey {
            access_key: exported("S3_TEST_ACCESS_KEY"),
            secret_key: secret_key.into(),
            session_token: None,
        }
        .into(),
        addressing: Addressing::Path,
        bucket: exported("S3_TEST_BUCKET"),
        endpoint: Some(exported("S3_TEST_ENDPOINT")),
        region: "auto".into(),
    })
}

fn right() -> Client {
    client(&exported("S3_TEST_SECRET_KEY"))
}

/// A key of its own for every test.
fn key(name: &str) -> String {
    format!("storage/{}/{name}", Uuid::now_v7())
}

#[tokio::test]
async fn any_key_is_put_found_and_fetched_by_its_url() {
    let (client, http) = (right(), telemetry::http_client().unwrap());
    let names = [
        "plain.mp3",
        "+15551234567.mp3",
        "a#b.mp3",
        "a b  c.mp3",
        "deep/er/file.mp3",
        "büro-🎧.mp3",
        "100%.mp3",
        "a%2Fb.mp3",
        "q?x=1&y=2.mp3",
        "it's (1) *~!.mp3",
    ];
    for name in names {
        let key = key(name);
        client.put_text(&key, name.to_owned()).await.unwrap();
        let size = name.len() as u64;
        let found = client.head(&key).await.unwrap();
        assert_eq!(found, ObjectHead::Found { size }, "{name}");
        let url = client
            .presign(&key, HOUR, Method::Get, Served::default())
            .await
            .unwrap();
        let got = http.get(&url).send().await.unwrap();
        assert_eq!(got.status(), 200, "{name}");
        assert_eq!(got.text().await.unwrap(), name);
    }
    assert_eq!(
        client.head(&key("none")).await.unwrap(),
        ObjectHead::Missing
    );
}

#[tokio::test]
async fn a_url_serves_ranges_heads_and_a_file_name() {
    let (client, http, key) = (right(), telemetry::http_client().unwrap(), key("range.txt"));
    client.put_text(&key, "0123456789".into()).await.unwrap();
    let served = Served {
        content_type: Some("audio/mpeg"),
        download_name: Some("call +1555.mp3"),
    };
    let url = client.presign(&key, HOUR, Method::Get, served);
    let url = url.await.unwrap();
    let part = http.get(&url).header("range", "bytes=2-4").send();
    let part = part.await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    let disposition = part.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("call +1555.mp3"), "{disposition}");
    assert_eq!(part.headers()["content-type"], "audio/mpeg");
    assert_eq!(part.text().await.unwrap(), "234");
    let url = client
        .presign(&key, HOUR, Method::Head, Served::default())
        .await
        .unwrap();
    let head = http.head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], "10");
}

#[tokio::test]
async fn a_url_dies_and_a_wrong_key_gets_nothing() {
    let (client, http, key) = (
        right(),
        telemetry::http_client().unwrap(),
        key("secret.txt"),
    );
    client.put_text(&key, "secret".into()).await.unwrap();
    let short = Duration::from_secs(1);
    let dying = client
        .presign(&key, short, Method::Get, Served::default())
        .await
        .unwrap();
    let signed = Instant::now();
    let wrong = self::client("not the secret key");
    let refused = wrong.head(&key).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "{refused:?}");
    let forged = wrong
        .presign(&key, HOUR, Method::Get, Served::default())
        .await
        .unwrap();
    assert_eq!(http.get(&forged).send().await.unwrap().status(), 403);
    while http.get(&dying).send().await.unwrap().status() == 200 {
        assert!(signed.elapsed() < PATIENCE, "it lives on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(http.get(&dying).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn more_objects_than_a_page_are_listed_in_order() {
    let (client, prefix) = (right(), key(""));
    let put = |n: usize| {
        let (client, key) = (client.clone(), format!("{prefix}call+ {n:04}.mp3"));
        async move { client.put_text(&key, "x".repeat(n % 7)).await.unwrap() }
    };
    let puts = futures_util::stream::iter((0..1005).map(put));
    let done: Vec<()> = puts.buffer_unordered(32).collect().await;
    let (mut listed, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let page = client.list(&prefix, from).await.unwrap();
        listed.extend(page.objects);
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((listed.len(), pages), (done.len(), 2));
    assert_eq!(listed[1004].key, format!("{prefix}call+ 1004.mp3"));
    assert_eq!(listed[1004].size, 1004 % 7);
    let age = telemetry::now().duration_since(listed[0].modified_at);
    assert!(age.as_secs().abs() < 300, "{age}");
    let nothing = client.list(&key("none"), None).await.unwrap();
    assert!(nothing.objects.is_empty() && nothing.next.is_none());
    let refused = self::client("not the secret key").list("", None).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "{refused:?}");
}
