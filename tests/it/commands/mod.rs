//! `calls`, `redrive`, `replay` and `backfill`, as people run them: beside the service and without it, on both engines.

mod backfill;
mod calls;
mod on_postgres;
mod redrive;
mod replay;
mod replay_columns;

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use crate::{
    harness::{PATIENCE, World, agent, caller},
    process::{Done, run},
};

/// What commands print if no process sends deliveries.
const NOBODY: &str = "No service is running on this database";

impl World {
    /// Runs a command with this world's settings to completion, while the service keeps running.
    async fn cli(&self, args: &[&str]) -> Done {
        run(self.folder.path(), args, self.settings()).await
    }

    /// Its output, if it succeeded.
    async fn ok(&self, args: &[&str]) -> Done {
        let done = self.cli(args).await;
        assert_eq!(done.code, Some(0), "{args:?}: {done:?}");
        done
    }

    async fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["--json"]].concat();
        let done = self.ok(&args).await;
        serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"))
    }

    /// A finished call with a recording and a transcript that has been delivered to the base and the mirror.
    async fn complete(&self, room: &str) -> String {
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15551234567"));
        self.starts(room, 1).await;
        self.livekit.speak(room);
        let report = serde_json::json!({ "room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}], "speed": 0.1 });
        assert_eq!(self.post("/v1/transcripts", &report).await.status(), 202);
        self.livekit.close_room(room);
        self.row_where(&call, |row| {
            row.get("Status").is_some_and(|status| status == "Complete")
                && row.contains_key("Transcript")
        })
        .await;
        self.rests(&call).await;
        call
    }

    /// Waits until everything that has happened to a call is delivered, but for the mirror's share.
    async fn rests(&self, call: &str) {
        let query = format!(
            "SELECT sink FROM deliveries WHERE call_id = '{call}' AND sink <> 'mirror' AND state <> 'done'
             UNION ALL SELECT kind FROM inbox WHERE processed_at IS NULL"
        );
        let asked = Instant::now();
        loop {
            let open = self.texts(&query).await;
            if open.is_empty() {
                return;
            }
            assert!(asked.elapsed() < PATIENCE, "{call}: {open:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the store says this of a delivery.
    async fn delivery_is(&self, call: &str, sink: &str, state: &str) {
        let asked = Instant::now();
        while self.delivery_state(call, sink).await.as_deref() != Some(state) {
            assert!(
                asked.elapsed() < PATIENCE,
                "{call} is not {state} for {sink}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn delivery_is_stored(&self, call: &str, sink: &str, state: &str) {
        let stored = self.delivery_state(call, sink).await;
        assert_eq!(stored.as_deref(), Some(state));
    }

    async fn delivery_state(&self, call: &str, sink: &str) -> Option<String> {
        let query =
            format!("SELECT state FROM deliveries WHERE call_id = '{call}' AND sink = '{sink}'");
        self.texts(&query).await.pop()
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let mut settings = self.settings().iter().rev();
        let (_, url) = settings.find(|(name, _)| name == "DATABASE_URL").unwrap();
        AnyConnection::connect(url).await.unwrap()
    }

    /// Does something to the database behind everybody's back.
    async fn sql(&self, statement: &str) {
        let mut database = self.connect().await;
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }

    /// The texts of a query's only column.
    async fn texts(&self, query: &str) -> Vec<String> {
        let mut database = self.connect().await;
        let query = sqlx::query(AssertSqlSafe(query.to_owned()));
        let rows = query.fetch_all(&mut database).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}
