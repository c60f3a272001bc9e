//! Pages for people: what they load, the page of a recording's link, and how browsers show it.

mod assets;
mod browser;
mod memory;
mod play;
mod visitors;
mod waveforms;

use reqwest::Response;

use crate::{
    harness::World,
    play::text,
    words_in_time::{File, ended_with},
};

const PUBLIC_URL: (&str, &str) = ("PUBLIC_URL", "https://calls.example.com");
const ON: (&str, &str) = ("PLAY_PAGE", "on");
/// What Chromium sends when somebody clicks a link.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8";

/// What a browser gets.
async fn browse(world: &World, path: &str) -> Response {
    let request = world.http.get(world.url(path)).header("accept", BROWSER);
    request.send().await.unwrap()
}

/// The path of the link in the call's row.
async fn link(world: &World, call: &str) -> String {
    let row = world.row_where(call, |row| row.contains_key("Recording URL"));
    let row = row.await;
    let path = text(&row, "Recording URL").strip_prefix(PUBLIC_URL.1);
    path.unwrap().to_owned()
}

/// A call with a recording of a minute, and its link.
async fn recorded(world: &World, call: &str) -> String {
    let file = File {
        egress: "one",
        begin: 2.0,
        length: 60.0,
    };
    ended_with(world, call, &[(file, &[0; 1_000])]).await;
    link(world, call).await
}
