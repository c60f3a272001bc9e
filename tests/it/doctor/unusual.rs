//! Services that answer, but not as they should.

use std::os::unix::fs::PermissionsExt;

use axum::{
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use livekit_airtable::{store::Store, telemetry};
use serde_json::json;

use super::{changed, doctor, failures::free_address, other::other};
use crate::{
    harness::{PATIENCE, World, patient_client},
    process::Serve,
};

/// A storage without keys that ignores ranges, deletes after five days and keeps versions.
fn careless(method: &Method, uri: &Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let text = match (method.as_str(), query) {
        ("GET", query) if query.contains("lifecycle") => {
            "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter/><Expiration><Days>5</Days></Expiration></Rule></LifecycleConfiguration>"
        }
        ("GET", query) if query.contains("versioning") => {
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        }
        ("GET", query) if query.contains("list-type") => {
            return StatusCode::FORBIDDEN.into_response();
        }
        ("GET", _) => "doctor-and-more",
        ("HEAD", _) => "",
        _ => return StatusCode::OK.into_response(),
    };
    text.into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusual_bucket_is_described() {
    let world = World::new().await;
    let storage = other(careless).await;
    let cloud = "https://nowhere-12345.livekit.cloud";
    let settings = [
        ("S3_ENDPOINT", storage.url.as_str()),
        ("LIVEKIT_URL", cloud),
        // That of the tests is refused for a public server.
        ("LIVEKIT_API_KEY", "APIofOurProject"),
    ];
    let checked = doctor(&world, &[], &settings).await;
    let detail = checked.detail("Bucket", "objects");
    assert!(
        detail.starts_with("the storage ignores ranges: of the first byte it sent 15 bytes"),
        "{detail}"
    );
    let detail = checked.detail("Bucket", "lifecycle and versions");
    assert!(detail.contains("deletes objects after 5 days"), "{detail}");
    assert!(detail.contains("keeps earlier versions"), "{detail}");
    assert_eq!(checked.level("Bucket", "list"), "warning");
    let detail = checked.detail("Bucket", "address for LiveKit");
    assert!(
        detail.starts_with("S3_ENDPOINT leads to this machine or a private network"),
        "{detail}"
    );
    assert_eq!(checked.level("Bucket", "address for LiveKit"), "warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_bucket_and_a_bucket_elsewhere_are_reported() {
    let world = World::new().await;
    let public = other(|method, uri| match (method.as_str(), uri.path()) {
        ("GET", path) if path.contains("doctor-") => {
            (StatusCode::PARTIAL_CONTENT, "d").into_response()
        }
        _ => StatusCode::OK.into_response(),
    });
    let public = public.await;
    let checked = doctor(&world, &[], &[("S3_ENDPOINT", &public.url)]).await;
    assert_eq!(checked.level("Bucket", "signed reads"), "ok");
    assert_eq!(checked.level("Bucket", "anonymous reads"), "warning");
    let detail = checked.detail("Bucket", "anonymous reads");
    assert!(detail.contains("the bucket is public"), "{detail}");
    let elsewhere = other(|_, _| {
        let region = [("x-amz-bucket-region", "eu-central-1")];
        (StatusCode::MOVED_PERMANENTLY, region).into_response()
    });
    let elsewhere = elsewhere.await;
    let checked = doctor(&world, &[], &[("S3_ENDPOINT", &elsewhere.url)]).await;
    let detail = checked.detail("Bucket", "region and endpoint");
    assert_eq!(detail, "the bucket is in the region eu-central-1");
    assert_eq!(checked.code, Some(64));
}

/// LiveKit, but for starts of recordings, which it refuses like this.
async fn livekit_that_refuses(status: StatusCode, code: &'static str) -> String {
    let answer = move |_: &Method, uri: &Uri| match uri.path().ends_with("StartRoomCompositeEgress")
    {
        true => (
            status,
            json!({ "code": code, "msg": "as it says" }).to_string(),
        )
            .into_response(),
        false => StatusCode::OK.into_response(),
    };
    other(answer).await.url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_and_a_project_that_may_not_record_are_distinguished() {
    let world = World::new().await;
    for (status, code, expected, exit) in [
        (
            StatusCode::TOO_MANY_REQUESTS,
            "resource_exhausted",
            "the project's limit of concurrent egresses is reached",
            69,
        ),
        (
            StatusCode::FORBIDDEN,
            "permission_denied",
            "LiveKit did not start a recording",
            77,
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "no egress worker is free",
            69,
        ),
    ] {
        let livekit = livekit_that_refuses(status, code).await;
        let checked = doctor(&world, &[], &[("LIVEKIT_URL", &livekit)]).await;
        let detail = checked.detail("LiveKit", "egress worker");
        assert!(detail.starts_with(expected), "{detail}");
        assert_eq!(checked.code, Some(exit));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_no_fault_of_the_key() {
    let world = World::new().await;
    let away = other(|_, _| StatusCode::BAD_GATEWAY.into_response()).await;
    for (variable, group, check, remedy) in [
        (
            "LIVEKIT_URL",
            "LiveKit",
            "key and secret",
            "LIVEKIT_URL: look whether LiveKit itself",
        ),
        (
            "AIRTABLE_API_URL",
            "Airtable",
            "token",
            "no variable: status.airtable.com",
        ),
        (
            "S3_ENDPOINT",
            "Bucket",
            "region and endpoint",
            "S3_ENDPOINT, S3_REGION",
        ),
    ] {
        let checked = doctor(&world, &[], &[(variable, &away.url)]).await;
        let found = checked.find(group, check);
        assert_eq!(found["level"], "failure", "{found:#}");
        let advice = found["remedy"].as_str().unwrap();
        assert!(advice.starts_with(remedy), "{found:#}");
        assert_eq!(checked.names("failure"), [format!("{group}: {check}")]);
        assert_eq!(checked.code, Some(69), "{found:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_do_not_change_the_exit_code() {
    let world = World::new().await;
    let file = world.folder.path().join(".env");
    std::fs::write(&file, "RECORD_ROOM=*\nAIRTABLE_SECRET=x\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&world.database(), telemetry::now())
        .await
        .unwrap();
    let base = world.airtable.base_id();
    let call = world.livekit.open_room("warned");
    world.row_is(&call, "Live").await;
    let now = telemetry::now();
    store.lower(&base, 2.0, now, now).await.unwrap();
    let sent = patient_client().post(world.url("/v1/transcripts?room=warned"));
    let sent = sent.bearer_auth("unknown").body("{}").send().await.unwrap();
    assert_eq!(sent.status(), 401);
    let week = now - jiff::SignedDuration::from_hours(1);
    let asked = std::time::Instant::now();
    while store.refused_reports(week).await.unwrap().is_empty() {
        assert!(asked.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    store.close().await;
    let checked = doctor(&world, &[], &[]).await;
    for (group, check, expected) in [
        (
            "Here",
            "names of variables",
            "RECORD_ROOM is no variable: did you mean RECORD_ROOMS?",
        ),
        (
            "Here",
            "files with secrets",
            "other users of this machine can read .env",
        ),
        (
            "Airtable",
            "other programs",
            "Airtable answered 429 0 minutes ago",
        ),
        (
            "Agents",
            "keys",
            "transcripts were refused with 401 this week",
        ),
    ] {
        assert_eq!(checked.level(group, check), "warning", "{group}: {check}");
        let detail = checked.detail(group, check);
        assert!(detail.starts_with(expected), "{detail}");
    }
    assert_eq!(checked.code, Some(0), "{:?}", checked.with_level("failure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_is_asked_for_its_version_and_state() {
    let mut world = World::new().await;
    world.stop().await;
    let listen = free_address();
    let own = [
        ("LISTEN_ADDR", listen.as_str()),
        ("DATABASE_URL", "sqlite:own.db"),
    ];
    let settings = changed(world.settings(), &own);
    let mut serve = Serve::start(world.folder.path(), &settings).await;
    world.is_served_at(&serve.address);
    let checked = doctor(&world, &[], &own).await;
    let expected = format!("version {}, /readyz is green", env!("CARGO_PKG_VERSION"));
    assert_eq!(checked.detail("Here", "service"), expected);
    assert_eq!(checked.with_level("failure"), [""; 0]);
    assert_eq!(serve.stop().await, Some(0));
    let checked = doctor(&world, &["--no-write"], &own).await;
    assert_eq!(checked.level("Here", "service"), "warning");
    let detail = checked.detail("Here", "service");
    assert!(
        detail.starts_with("`serve` does not run on this database"),
        "{detail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_reports_are_told_apart_by_what_to_do_about_them() {
    let world = World::new().await;
    let sent = async |path: &str, token: &str| {
        let request = patient_client().post(world.url(path)).bearer_auth(token);
        assert_eq!(request.body("{}").send().await.unwrap().status(), 401);
    };
    let upload = "/observability/recordings/v0";
    let wrong = crate::uploads::token(crate::harness::KEY, "another-secret-of-this-key-0000", true);
    let unknown = crate::uploads::token("unknown", "another-secret-of-this-key-0000", true);
    let cases = [
        (upload, &wrong, "LIVEKIT_API_SECRET: give the agent"),
        (upload, &unknown, "uploads take no API_TOKEN"),
        ("/v1/transcripts", &unknown, "API_TOKEN: give it"),
    ];
    let store = Store::open(&world.database(), telemetry::now())
        .await
        .unwrap();
    let week = telemetry::now() - jiff::SignedDuration::from_hours(1);
    for (n, (path, token, _)) in cases.iter().enumerate() {
        sent(path, token).await;
        let asked = std::time::Instant::now();
        while store.refused_reports(week).await.unwrap().len() <= n {
            assert!(asked.elapsed() < PATIENCE);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let checked = doctor(&world, &[], &[]).await;
        let found = checked.find("Agents", "keys");
        let remedy = found["remedy"].as_str().unwrap();
        for (m, (_, _, advice)) in cases.iter().enumerate() {
            assert_eq!(remedy.contains(advice), m <= n, "{n} {m}: {remedy}");
        }
    }
    store.close().await;
}
