//! Permanent links: their secret, how long they live, how they end, and how rows get new ones.

mod files;
mod kills;
mod life;
mod rewriting;
mod secrets;
mod unlink;

use hmac::{Hmac, KeyInit, Mac};
use livekit_airtable::domain::hex;
use reqwest::StatusCode;
use serde_json::json;
use sha2::Sha256;

use crate::{
    harness::World,
    play::text,
    process::{Done, run},
    reader::Row,
    real::postgres::fresh_database,
};

const PUBLIC: &str = "https://calls.example.com";
const FIRST: &str = "the-first-secret-that-signs-links-01";
const SECOND: &str = "the-second-secret-that-signs-links-02";

/// DATABASE_URL for each engine; the first is the harness' own SQLite file.
async fn engines() -> [Vec<(&'static str, String)>; 2] {
    [Vec::new(), vec![("DATABASE_URL", fresh_database().await)]]
}

/// A world with PUBLIC_URL.
async fn linked(engine: &[(&'static str, String)], more: &[(&str, &str)]) -> World {
    let engine = engine.iter().map(|(name, value)| (*name, value.as_str()));
    let public = [("PUBLIC_URL", PUBLIC)];
    let settings: Vec<(&str, &str)> = engine.chain(public).chain(more.iter().copied()).collect();
    World::with(&settings).await
}

/// What `openssl dgst -sha256 -hmac` makes of the link's target.
fn signature(secret: &str, target: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(target.as_bytes());
    hex(&mac.finalize().into_bytes()[..16])
}

/// The path of a link in a cell.
fn path(row: &Row, column: &str) -> String {
    let link = text(row, column);
    let path = link.strip_prefix(PUBLIC);
    path.unwrap_or_else(|| panic!("{column}: {link:?}"))
        .to_owned()
}

impl World {
    /// A call with a recording and a transcript that no cell holds; its row.
    async fn spoken(&self, room: &str) -> (String, String, Row) {
        let (call, egress) = self.talk(room).await;
        let words = "word ".repeat(30_000);
        let report = json!({ "room_id": call, "turns": [{ "speaker": "agent", "text": words }] });
        assert_eq!(self.post("/v1/transcripts", &report).await.status(), 202);
        self.livekit.close_room(room);
        let is_there = |row: &Row| {
            text(row, "Status") == "Complete"
                && row.contains_key("Transcript URL")
                && row.contains_key("Recording URL")
        };
        let row = self.row_where(&call, is_there).await;
        (call, egress, row)
    }

    async fn click(&self, path: &str) -> StatusCode {
        self.click_at(&self.url(""), path).await
    }

    async fn click_at(&self, base: &str, path: &str) -> StatusCode {
        let request = self.http.get(format!("{base}{path}"));
        let answer = request.send().await.unwrap();
        let location = answer.headers().contains_key("location");
        assert_eq!(location, answer.status() == StatusCode::FOUND, "{path}");
        answer.status()
    }

    async fn run(&self, args: &[&str]) -> Done {
        let done = run(self.folder.path(), args, self.settings()).await;
        assert_eq!(done.code, Some(0), "{args:?}: {done:?}");
        done
    }
}
