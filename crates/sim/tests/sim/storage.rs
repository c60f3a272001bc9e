//! The stand-in for the bucket does what the program needs from R2, and refuses what R2 refuses.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::presigning::PresigningConfig;
use livekit_airtable_sim::storage::{self, Options, Storage};
use tempfile::TempDir;

const BUCKET: &str = "recordings";

async fn bucket() -> (Storage, TempDir) {
    livekit_airtable_sim::install_crypto();
    let folder = TempDir::new().unwrap();
    let options = Options {
        folder: folder.path().to_owned(),
        bucket: BUCKET.to_owned(),
        access_key: "access".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let storage = storage::start(([127, 0, 0, 1], 0).into(), options)
        .await
        .unwrap();
    (storage, folder)
}

fn client(storage: &Storage, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("auto"))
        .credentials_provider(Credentials::new("access", secret, None, None, "test"))
        .endpoint_url(storage.url())
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

async fn put(client: &Client, key: &str, body: &'static [u8]) {
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .content_type("audio/mpeg");
    put.body(body.to_vec().into()).send().await.unwrap();
}

async fn presigned(client: &Client, key: &str, life: Duration) -> String {
    let get = client.get_object().bucket(BUCKET).key(key);
    let get = get.response_content_disposition("attachment; filename*=UTF-8''call.mp3");
    get.presigned(PresigningConfig::expires_in(life).unwrap())
        .await
        .unwrap()
        .uri()
        .to_owned()
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

#[tokio::test]
async fn objects_of_every_name_are_kept_and_served_in_ranges() {
    let (storage, _folder) = bucket().await;
    let client = client(&storage, "secret");
    let long = format!("recordings/{}/{}.mp3", "n".repeat(200), "é".repeat(98));
    let keys = [
        "plain.mp3",
        "calls/call-+1555 #7?&=%25.mp3",
        "ünï/📞 call.mp3",
        "a//b.mp3",
        &long,
    ];
    for key in keys {
        put(&client, key, b"0123456789").await;
        let head = client
            .head_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        assert_eq!(head.content_length(), Some(10), "{key}");
        assert_eq!(head.content_type(), Some("audio/mpeg"), "{key}");

        let url = presigned(&client, key, Duration::from_mins(1)).await;
        let part = browser()
            .get(&url)
            .header("range", "bytes=2-4")
            .send()
            .await
            .unwrap();
        assert_eq!(part.status(), 206, "{key}");
        assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
        assert_eq!(part.headers()["accept-ranges"], "bytes");
        assert_eq!(part.headers()["content-type"], "audio/mpeg");
        assert_eq!(
            part.headers()["content-disposition"],
            "attachment; filename*=UTF-8''call.mp3"
        );
        assert_eq!(part.text().await.unwrap(), "234");
    }
    client
        .delete_object()
        .bucket(BUCKET)
        .key("plain.mp3")
        .send()
        .await
        .unwrap();
    let gone = client
        .head_object()
        .bucket(BUCKET)
        .key("plain.mp3")
        .send()
        .await
        .unwrap_err();
    assert!(gone.into_service_error().is_not_found());
}

#[tokio::test]
async fn a_range_past_the_end_is_cut_and_one_behind_it_is_416() {
    let (storage, _folder) = bucket().await;
    let client = client(&storage, "secret");
    put(&client, "call.mp3", b"0123456789").await;
    let url = presigned(&client, "call.mp3", Duration::from_mins(1)).await;
    for (range, status, body) in [
        ("bytes=0-", 206, "0123456789"),
        ("bytes=8-99", 206, "89"),
        ("bytes=-3", 206, "789"),
    ] {
        let part = browser()
            .get(&url)
            .header("range", range)
            .send()
            .await
            .unwrap();
        assert_eq!(part.status(), status, "{range}");
        assert_eq!(part.text().await.unwrap(), body, "{range}");
    }
    let behind = browser()
        .get(&url)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(behind.status(), 416);
}

#[tokio::test]
async fn a_signature_must_be_right_in_time_and_for_the_method() {
    let (storage, _folder) = bucket().await;
    let ours = client(&storage, "secret");
    put(&ours, "call.mp3", b"sound").await;

    let wrong = client(&storage, "wrong")
        .head_object()
        .bucket(BUCKET)
        .key("call.mp3")
        .send()
        .await
        .unwrap_err();
    assert_eq!(wrong.raw_response().unwrap().status().as_u16(), 403);
    let unsigned = browser()
        .get(format!("{}/{BUCKET}/call.mp3", storage.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 403);

    let url = presigned(&ours, "call.mp3", Duration::from_mins(1)).await;
    assert_eq!(browser().get(&url).send().await.unwrap().status(), 200);
    assert_eq!(browser().head(&url).send().await.unwrap().status(), 403);
    assert_eq!(
        browser()
            .get(url.replace("call.mp3?", "other.mp3?"))
            .send()
            .await
            .unwrap()
            .status(),
        403
    );

    let expired = presigned(&ours, "call.mp3", Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(browser().get(&expired).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn it_refuses_as_often_as_asked_and_stops() {
    let (storage, _folder) = bucket().await;
    let client = client(&storage, "secret");
    storage.refuse(1, 503);
    let refused = client
        .head_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 503);
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    storage.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client.head_bucket().bucket(BUCKET).send().await.is_err());
}
