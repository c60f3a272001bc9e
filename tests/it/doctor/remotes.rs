//! PUBLIC_URL, clocks, the mirror and alerts, with servers that answer in other ways.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::doctor;
use crate::harness::World;

/// A server that answers everything alike, and what it was asked.
struct Other {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn other(answer: impl Fn(&Uri) -> Response + Clone + Send + Sync + 'static) -> Other {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let app = Router::new().fallback(
        async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let signed = headers.contains_key("webhook-signature");
            let body = String::from_utf8_lossy(&body).into_owned();
            let line = format!("{method} {} {signed} {body}", uri.path());
            noted.lock().unwrap().push(line);
            answer(&uri)
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    Other { url, asked }
}

#[tokio::test(flavor = "multi_thread")]
async fn public_url_must_lead_here_without_a_redirect() {
    let world = World::new().await;
    let here = world.url("");
    let checked = doctor(&world, &[], &[("PUBLIC_URL", &here)]).await;
    assert_eq!(checked.level("Links", "PUBLIC_URL"), "ok");
    let redirect = |_: &Uri| {
        let to = [(header::LOCATION, "https://example.com/")];
        (StatusCode::MOVED_PERMANENTLY, to).into_response()
    };
    for (server, expected) in [
        (other(redirect).await, "answers 301, a redirect"),
        (
            other(|_| StatusCode::OK.into_response()).await,
            "did not arrive here",
        ),
        (
            other(|_| StatusCode::UNAUTHORIZED.into_response()).await,
            "removes or replaces the Authorization header",
        ),
        (
            other(|_| StatusCode::NOT_FOUND.into_response()).await,
            "answers 404 to POST",
        ),
    ] {
        let checked = doctor(&world, &[], &[("PUBLIC_URL", &server.url)]).await;
        assert_eq!(
            checked.level("Links", "PUBLIC_URL"),
            "failure",
            "{expected}"
        );
        let detail = checked.detail("Links", "PUBLIC_URL");
        assert!(detail.contains(expected), "{detail}");
        assert_eq!(checked.code, Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_recording_plays_through_its_link() {
    let mut world = World::new().await;
    let here = world.url("");
    world.set("PUBLIC_URL", &here);
    let call = world.livekit.open_room("played");
    world.starts("played", 1).await;
    world.livekit.speak("played");
    world.livekit.close_room("played");
    world.row_is(&call, "Complete").await;
    let checked = doctor(&world, &[], &[]).await;
    assert_eq!(
        checked.detail("Links", "newest recording"),
        "its link plays (302, then 206)"
    );
    assert_eq!(checked.level("Agents", "words"), "warning");
    let file = world
        .storage
        .folder()
        .join(format!("recordings/recordings/{call}.mp3"));
    std::fs::remove_file(file).unwrap();
    let checked = doctor(&world, &[], &[]).await;
    let detail = checked.detail("Links", "newest recording");
    assert!(detail.contains("answers 410 instead of 302"), "{detail}");
    assert_eq!(checked.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_by_minutes_is_a_failure() {
    let world = World::new().await;
    let late = |_: &Uri| {
        let date = [(header::DATE, "Sun, 17 Mar 2030 17:46:40 GMT")];
        (date, "").into_response()
    };
    let ahead = other(late).await;
    let checked = doctor(&world, &[], &[("AIRTABLE_API_URL", &ahead.url)]).await;
    assert_eq!(checked.level("Clock", "Airtable"), "failure");
    let detail = checked.detail("Clock", "Airtable");
    assert!(
        detail.starts_with("our clock is ") && detail.contains("behind Airtable's"),
        "{detail}"
    );
    let remedy = checked.find("Clock", "Airtable")["remedy"]
        .as_str()
        .unwrap();
    assert!(remedy.contains("timedatectl set-ntp true"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_and_alerts_get_something_only_when_asked() {
    let world = World::new().await;
    let n8n = other(|uri| match uri.path() {
        "/" => "n8n is starting up. Please wait".into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let alerts = other(|_| StatusCode::OK.into_response()).await;
    let hook = format!("{}/webhook/secret-path", n8n.url);
    let settings = [
        ("EGRESS_WEBHOOK_URL", hook.as_str()),
        (
            "EGRESS_WEBHOOK_SECRET",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        ("ALERT_WEBHOOK_URL", alerts.url.as_str()),
    ];
    let checked = doctor(&world, &[], &settings).await;
    assert_eq!(checked.level("Mirror", "address"), "warning");
    let detail = checked.detail("Mirror", "address");
    assert!(detail.contains("n8n is still starting up"), "{detail}");
    assert_eq!(checked.level("Alerts", "test"), "skipped");
    assert_eq!(checked.code, Some(0));
    let asked = std::mem::take(&mut *n8n.asked.lock().unwrap());
    assert_eq!(asked, ["HEAD /webhook/secret-path false ", "GET / false "]);
    assert!(alerts.asked.lock().unwrap().is_empty());
    let checked = doctor(&world, &["--mirror-test", "--alert-test"], &settings).await;
    assert_eq!(checked.level("Mirror", "test"), "ok");
    assert_eq!(checked.level("Alerts", "test"), "ok");
    let posts = n8n.asked.lock().unwrap();
    let posts = posts
        .iter()
        .filter(|line| line.starts_with("POST /webhook/secret-path true {"));
    assert_eq!(posts.count(), 1);
    let sent = alerts.asked.lock().unwrap();
    assert!(
        sent[0].contains("doctor: a test, nothing is wrong"),
        "{sent:?}"
    );
    assert_eq!(sent.len(), 1);
}
