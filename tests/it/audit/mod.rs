//! The audit trail: who listened, read, linked or changed something, as commands and requests show it.

mod busy;
mod chain;
mod clients;
mod commands;
mod configuration;
mod pages;
mod processes;
mod refused;
mod requests;

use std::time::Instant;

use serde_json::Value;

use crate::{
    harness::{PATIENCE, World},
    process::{Done, run},
    real::postgres::fresh_database,
};

const PUBLIC_URL: (&str, &str) = ("PUBLIC_URL", "https://calls.example.com");

/// A world on PostgreSQL.
async fn on_postgres(settings: &[(&str, &str)]) -> World {
    let database = fresh_database().await;
    World::with(&[settings, &[("DATABASE_URL", database.as_str())]].concat()).await
}

impl World {
    async fn audited(&self, args: &[&str]) -> Done {
        run(self.folder.path(), args, self.settings()).await
    }

    /// The lines that `audit --json` prints with these arguments.
    async fn audit(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["audit", "--json"], args].concat();
        let done = self.audited(&args).await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let answer: Value = serde_json::from_str(&done.stdout).unwrap();
        answer["lines"].as_array().unwrap().clone()
    }

    /// The lines with this action, once there are so many.
    async fn lines(&self, action: &str, count: usize) -> Vec<Value> {
        let asked = Instant::now();
        loop {
            let mut lines = self.audit(&[]).await;
            lines.retain(|line| line["action"] == action);
            if lines.len() >= count {
                assert_eq!(lines.len(), count, "{lines:#?}");
                return lines;
            }
            assert!(asked.elapsed() < PATIENCE, "{action}: {lines:#?}");
        }
    }

    /// A finished call: its ID, its egress and the path of its permanent link.
    async fn linked(&self, room: &str) -> (String, String, String) {
        let (call, egress) = self.talk(room).await;
        self.livekit.close_room(room);
        let row = self.row_is(&call, "Complete").await;
        let link = row["Recording URL"].as_str().unwrap();
        let path = link.strip_prefix(PUBLIC_URL.1).unwrap().to_owned();
        (call, egress, path)
    }

    /// The status of a request without a token, as a proxy of this machine forwards it.
    async fn forwarded(&self, path: &str, header: (&str, &str)) -> u16 {
        let request = self.http.get(self.url(path)).header(header.0, header.1);
        request.send().await.unwrap().status().as_u16()
    }
}
