//! PUBLIC_URL, clocks, the mirror and alerts, with servers that answer in other ways.

use axum::{
    http::{Method, StatusCode, Uri, header},
    response::IntoResponse,
};

use super::{doctor, failures::free_address, other::other};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn public_url_must_lead_here_without_a_redirect() {
    let world = World::new().await;
    let here = world.url("");
    let checked = doctor(&world, &[], &[("PUBLIC_URL", &here)]).await;
    assert_eq!(checked.level("Links", "PUBLIC_URL"), "ok");
    let redirect = |_: &Method, _: &Uri| {
        let to = [(header::LOCATION, "https://example.com/")];
        (StatusCode::MOVED_PERMANENTLY, to).into_response()
    };
    for (server, expected) in [
        (other(redirect).await, "answers 301, a redirect"),
        (
            other(|_, _| StatusCode::OK.into_response()).await,
            "did not arrive here",
        ),
        (
            other(|_, _| StatusCode::UNAUTHORIZED.into_response()).await,
            "removes or replaces the Authorization header",
        ),
        (
            other(|_, _| StatusCode::NOT_FOUND.into_response()).await,
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
    let late = |_: &Method, _: &Uri| {
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
    let n8n = other(|_, uri| match uri.path() {
        "/" => "n8n is starting up. Please wait".into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let alerts = other(|_, _| StatusCode::OK.into_response()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_test_of_the_mirror_and_of_alerts_says_why() {
    let world = World::new().await;
    let refusing = other(|method, _| match *method {
        Method::POST => (
            StatusCode::NOT_FOUND,
            "The requested webhook is not registered.",
        )
            .into_response(),
        _ => StatusCode::OK.into_response(),
    });
    let url = format!("{}/webhook/secret-path", refusing.await.url);
    let settings = [
        ("EGRESS_WEBHOOK_URL", url.as_str()),
        ("ALERT_WEBHOOK_URL", url.as_str()),
    ];
    let checked = doctor(&world, &["--mirror-test", "--alert-test"], &settings).await;
    for (group, remedy) in [
        ("Mirror", "EGRESS_WEBHOOK_URL: in n8n, open the workflow"),
        ("Alerts", "ALERT_WEBHOOK_URL: api.slack.com/apps"),
    ] {
        let found = checked.find(group, "test");
        assert_eq!(found["level"], "warning", "{found:#}");
        let detail = found["detail"].as_str().unwrap();
        assert!(detail.contains("404"), "{found:#}");
        assert!(!detail.contains("secret-path"), "{found:#}");
        let advice = found["remedy"].as_str().unwrap();
        assert!(advice.starts_with(remedy), "{found:#}");
    }
    assert_eq!(checked.code, Some(0));
}

/// A server with a certificate of its own for `localhost`, valid for so many days; its address and its certificate.
struct Certified {
    url: String,
    certificate: String,
    server: std::process::Child,
}

impl Certified {
    fn start(folder: &std::path::Path, days: &str) -> Certified {
        let file = |name: &str| {
            folder
                .join(format!("{name}-{days}.pem"))
                .display()
                .to_string()
        };
        let (key, certificate) = (file("key"), file("certificate"));
        let made = std::process::Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", days,
            ])
            .args([
                "-keyout",
                &key,
                "-out",
                &certificate,
                "-subj",
                "/CN=localhost",
            ])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .output();
        let made = made.unwrap();
        assert!(made.status.success(), "{made:?}");
        let address = free_address();
        let server = std::process::Command::new("openssl")
            .args(["s_server", "-www", "-quiet", "-accept", &address])
            .args(["-key", &key, "-cert", &certificate])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn();
        let (_, port) = address.rsplit_once(':').unwrap();
        Certified {
            url: format!("https://localhost:{port}"),
            certificate,
            server: server.unwrap(),
        }
    }
}

impl Drop for Certified {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_trusted_and_last_two_weeks() {
    let world = World::new().await;
    for (days, level, expected) in [
        ("5", "failure", "the certificate expires in 4 days"),
        ("30", "ok", "trusted, and valid for 29 days"),
    ] {
        let server = Certified::start(world.folder.path(), days);
        let trusted = [
            ("PUBLIC_URL", server.url.as_str()),
            ("SSL_CERT_FILE", server.certificate.as_str()),
        ];
        let checked = doctor(&world, &[], &trusted).await;
        assert_eq!(checked.detail("Links", "certificate"), expected);
        assert_eq!(checked.level("Links", "certificate"), level);
    }
    let server = Certified::start(world.folder.path(), "31");
    let checked = doctor(&world, &[], &[("PUBLIC_URL", &server.url)]).await;
    let detail = checked.detail("Links", "certificate");
    let expected = "the certificate or its chain is not accepted";
    assert!(detail.starts_with(expected), "{detail}");
}
