//! Chromium plays a finished call's link.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{
    Router,
    response::Html,
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::mpsc};

use super::{bucket, pairs};
use crate::harness::{World, agent};

/// In a folder of its own, without access to the network.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_the_link_of_a_row() {
    let bucket = bucket();
    let world = World::with(&pairs(&bucket)).await;
    let call = world.livekit.open_room("played");
    world.livekit.join("played", agent());
    world.starts("played", 1).await;
    world.livekit.speak("played");
    world.livekit.close_room("played");
    let row = world.row_is(&call, "Complete").await;
    let (page, mut told) = page(row["Recording URL"].as_str().unwrap()).await;
    let mut browser = chromium(&world, &page);
    let told = tokio::time::timeout(Duration::from_secs(60), told.recv()).await;
    browser.kill().unwrap();
    browser.wait().unwrap();
    let told = told.expect("the browser says something").unwrap();
    let seconds: f64 = told.parse().unwrap_or_else(|_| panic!("{told}"));
    assert!((seconds - 3.0).abs() < 0.1, "{seconds} s");
}

fn chromium(world: &World, page: &str) -> Child {
    let profile = world.folder.path().join("chromium");
    let mut browser = Command::new("chromium");
    browser
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(page);
    let quiet = browser.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().unwrap()
}

/// A page with a player, which reports the duration of what it plays, in seconds, or an error.
async fn page(recording: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let html = format!(
        r#"<!doctype html><audio id="player" preload="auto" src="{}"></audio><script>
            const player = document.getElementById("player");
            const tell = (text) => fetch("/told", {{ method: "POST", body: String(text) }});
            player.addEventListener("canplaythrough", () => tell(player.duration));
            player.addEventListener("error", () => tell(player.error.message));
        </script>"#,
        recording.replace('&', "&amp;")
    );
    let (sender, told) = mpsc::unbounded_channel();
    let app = Router::new()
        .route("/", get(|| async { Html(html) }))
        .route(
            "/told",
            post(|text: String| async move { drop(sender.send(text)) }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, told)
}
