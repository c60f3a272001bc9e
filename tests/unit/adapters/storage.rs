use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use livekit_airtable::domain::{Addressing, StorageKey};
use livekit_airtable::storage::{Client, Config, Error, Method, ObjectHead, Served};

use super::server::{Answer, Server, answer, hangs_up, http, json, nobody};

/// As room names make them.
const KEY: &str = "recordings/call-+1555 #1/ä%2F.mp3";
const HOUR: Duration = Duration::from_secs(3600);

fn client(endpoint: String) -> Client {
    Client::new(Config {
        key: StorageKey {
            access_key: "access".into(),
            secret_key: "storage-secret".to_owned().into(),
            session_token: None,
        }
        .into(),
        addressing: Addressing::Path,
        bucket: "calls".into(),
        endpoint: Some(endpoint),
        region: "auto".into(),
    })
}

fn object(size: u64) -> Answer {
    (200, vec![(CONTENT_LENGTH, size.to_string())], Vec::new())
}

#[tokio::test]
async fn head_tells_the_size_or_that_it_is_missing() {
    let server = Server::start([object(1_354_028), json(404, "")]).await;
    let client = client(server.url());
    assert_eq!(
        client.head(KEY).await.unwrap(),
        ObjectHead::Found { size: 1_354_028 }
    );
    assert_eq!(client.head(KEY).await.unwrap(), ObjectHead::Missing);
    let seen = &server.seen()[0];
    assert_eq!(seen.method, "HEAD");
    assert_eq!(
        seen.uri.path(),
        "/calls/recordings/call-%2B1555%20%231/%C3%A4%252F.mp3"
    );
    assert!(
        seen.header("authorization")
            .contains("/auto/s3/aws4_request")
    );
}

#[tokio::test]
async fn a_refusal_is_not_a_missing_object() {
    let server = Server::start([json(403, "")]).await;
    assert!(matches!(
        client(server.url()).head(KEY).await,
        Err(Error::Forbidden)
    ));
    let server = Server::start([json(400, "")]).await;
    assert!(matches!(
        client(server.url()).head(KEY).await,
        Err(Error::Refused { status: 400, .. })
    ));
    let server = Server::start([json(301, "")]).await;
    assert!(matches!(
        client(server.url()).head(KEY).await,
        Err(Error::Refused { status: 301, .. })
    ));
    let denied = "<Error><Code>NoSuchBucket</Code><Message>SECRET</Message></Error>";
    let server = Server::start([answer(404, "application/xml", denied)]).await;
    let error = client(server.url())
        .put_text(KEY, "text".into())
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the storage rejected the request (404 NoSuchBucket): check S3_ENDPOINT, S3_REGION and S3_BUCKET"
    );
}

#[tokio::test]
async fn an_ill_storage_is_away() {
    let server = Server::start([json(503, "")]).await;
    let error = client(server.url()).head(KEY).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the storage is unreachable: it answered 503"
    );
    for url in [nobody().await, hangs_up("").await] {
        let error = client(url).head(KEY).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the storage is unreachable: no connection"
        );
    }
}

#[tokio::test]
async fn texts_are_put_without_the_checksums_that_others_reject() {
    let server = Server::start([json(200, "")]).await;
    client(server.url())
        .put_text("recordings/RM_1.txt", "Agent: Grüß Gott".into())
        .await
        .unwrap();
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.uri.path()),
        ("PUT", "/calls/recordings/RM_1.txt")
    );
    assert_eq!(seen.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(seen.body, "Agent: Grüß Gott".as_bytes());
    let checksums = seen
        .headers
        .keys()
        .filter(|k| k.as_str().starts_with("x-amz-checksum") || *k == "x-amz-trailer");
    assert_eq!(checksums.count(), 0);
}

#[tokio::test]
async fn a_presigned_url_leads_to_the_key() {
    let server = Server::start([object(0)]).await;
    let client = client(server.url());
    let download = Served {
        content_type: Some("audio/mpeg"),
        download_name: Some("Büro.mp3"),
    };
    let get = client
        .presign(KEY, HOUR, Method::Get, download)
        .await
        .unwrap();
    let head = client
        .presign(KEY, HOUR, Method::Head, Served::default())
        .await
        .unwrap();
    assert!(server.seen().is_empty(), "signing asks nobody");
    http().get(&get).send().await.unwrap();
    http().head(&head).send().await.unwrap();

    let seen = server.seen();
    assert_eq!(
        seen[0].uri.path(),
        "/calls/recordings/call-%2B1555%20%231/%C3%A4%252F.mp3"
    );
    let query = |name: &str, url: &str| {
        let url = url::Url::parse(url).unwrap();
        url.query_pairs()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.into_owned())
    };
    assert_eq!(query("X-Amz-Expires", &get).as_deref(), Some("3600"));
    let disposition = query("response-content-disposition", &get).unwrap();
    assert_eq!(
        disposition,
        "attachment; filename=\"B_ro.mp3\"; filename*=UTF-8''B%C3%BCro.mp3"
    );
    let content_type = query("response-content-type", &get);
    assert_eq!(content_type.as_deref(), Some("audio/mpeg"));
    assert_eq!(query("response-content-disposition", &head), None);
    assert_ne!(
        query("X-Amz-Signature", &get),
        query("X-Amz-Signature", &head)
    );
}

#[tokio::test]
async fn a_url_lives_at_most_a_week() {
    let client = client(nobody().await);
    assert!(
        client
            .presign(KEY, 168 * HOUR, Method::Get, Served::default())
            .await
            .is_ok()
    );
    let error = client
        .presign(KEY, 169 * HOUR, Method::Get, Served::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Presign(_)));
}

/// A bucket that checks every signature, in a folder.
async fn strict_bucket(folder: &std::path::Path) -> String {
    livekit_airtable::install_crypto();
    let options = livekit_airtable_sim::storage::Options {
        folder: folder.to_owned(),
        bucket: "calls".into(),
        access_key: "access".into(),
        secret_key: "storage-secret".into(),
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let storage = livekit_airtable_sim::storage::start(listen, options).await;
    storage.unwrap().url()
}

#[tokio::test]
async fn signatures_hold_for_keys_of_any_room_name() {
    let folder = tempfile::tempdir().unwrap();
    let url = strict_bucket(folder.path()).await;
    let ours = client(url.clone());
    for key in [
        KEY,
        "call-+15550100.txt",
        "a b/c?d=e&f#g.txt",
        "recordings/Größe 'x' (1)~!*.txt",
    ] {
        assert_eq!(ours.head(key).await.unwrap(), ObjectHead::Missing, "{key}");
        ours.put_text(key, "Grüße".into()).await.unwrap();
        assert_eq!(
            ours.head(key).await.unwrap(),
            ObjectHead::Found { size: 7 },
            "{key}"
        );
        let get = ours
            .presign(key, HOUR, Method::Get, Served::download("ä \"b\".txt"))
            .await
            .unwrap();
        let got = http().get(&get).send().await.unwrap();
        let name = got
            .headers()
            .get("content-disposition")
            .map(|v| v.to_str().unwrap().to_owned());
        assert!(
            name.is_some_and(|n| n.ends_with("filename*=UTF-8''%C3%A4%20%22b%22.txt")),
            "{key}"
        );
        assert_eq!(got.text().await.unwrap(), "Grüße", "{key}");
        assert_eq!(
            http().head(&get).send().await.unwrap().status(),
            403,
            "{key}: signed for GET alone"
        );
        let head = ours
            .presign(key, HOUR, Method::Head, Served::default())
            .await
            .unwrap();
        assert_eq!(
            http().head(&head).send().await.unwrap().status(),
            200,
            "{key}"
        );
    }
    let stranger = Client::new(Config {
        key: StorageKey {
            access_key: "access".into(),
            secret_key: "wrong".to_owned().into(),
            session_token: None,
        }
        .into(),
        addressing: Addressing::Path,
        bucket: "calls".into(),
        endpoint: Some(url),
        region: "auto".into(),
    });
    assert!(matches!(stranger.head(KEY).await, Err(Error::Forbidden)));
}
