//! Chromium plays a finished call's link.

use std::process::{Child, Command, Stdio};

use axum::{
    Router,
    response::Html,
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::mpsc};

use super::{bucket, pairs};
use crate::harness::{PATIENCE, World, agent};

/// In a folder of its own, without access to the network.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
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
    let played = plays(&world, row["Recording URL"].as_str().unwrap()).await;
    assert!((played.duration - 3.0).abs() < 0.1, "{played:?}");
    assert!(played.position > 0.2, "{played:?}");
}

/// What a browser has played, in seconds.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) duration: f64,
    /// How far it got.
    pub(super) position: f64,
}

/// Has a browser play what is at this address.
pub(super) async fn plays(world: &World, url: &str) -> Played {
    let (page, mut reported) = page(url).await;
    let mut browser = chromium(world, &page);
    let reported = tokio::time::timeout(PATIENCE, reported.recv()).await;
    browser.kill().unwrap();
    browser.wait().unwrap();
    let reported = reported.expect("the browser says something").unwrap();
    let (duration, position) = reported
        .split_once(' ')
        .unwrap_or_else(|| panic!("{reported}"));
    let seconds = |text: &str| text.parse().unwrap_or_else(|_| panic!("{reported}"));
    Played {
        duration: seconds(duration),
        position: seconds(position),
    }
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

/// A page with a player, which reports the duration of what it plays and how far it got, in seconds, or an error.
async fn page(recording: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let html = format!(
        r#"<!doctype html><audio id="player" preload="auto" src="{}"></audio><script>
            const player = document.getElementById("player");
            const tell = (text) => fetch("/position", {{ method: "POST", body: String(text) }});
            player.addEventListener("canplaythrough", () => player.play().catch(tell), {{ once: true }});
            player.addEventListener("timeupdate", () => {{
                if (player.currentTime > 0.2) tell(`${{player.duration}} ${{player.currentTime}}`);
            }});
            player.addEventListener("error", () => tell(player.error.message));
        </script>"#,
        recording.replace('&', "&amp;")
    );
    let (sender, reported) = mpsc::unbounded_channel();
    let app = Router::new()
        .route("/", get(|| async { Html(html) }))
        .route(
            "/position",
            post(|text: String| async move { drop(sender.send(text)) }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, reported)
}
