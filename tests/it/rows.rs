//! The rows: the effects of Airtable, its limits and its users on them, and their final content.

mod attachments;
mod callers;
mod final_writes;
mod firewall;
mod firewall_pairs;
mod full_base;
mod locks;
mod messages;
mod people;
mod permissions;
mod refusals;
mod storm;
mod texts;
mod unlocked;
mod values;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::Connection;

use crate::{
    harness::{PATIENCE, World},
    play::answer,
    reader::Row,
};

/// Nothing is recorded, so that a call is one row and nothing else.
const UNRECORDED: (&str, &str) = ("RECORD_ON", "manual");

impl World {
    /// Like `redrive --all` while the service is down: all rows are rewritten completely, in one batch. `forget`: even
    /// their record IDs are deleted.
    async fn redrive(&mut self, forget: bool) {
        self.stop().await;
        let sink_state = if forget { ", memo = '{}'" } else { "" };
        let again = format!(
            "UPDATE deliveries SET delivered = 0, state = 'pending', due_at = 1{sink_state} WHERE sink = 'airtable'"
        );
        let again = sqlx::query(sqlx::AssertSqlSafe(again));
        again.execute(&mut self.connected().await).await.unwrap();
        self.start().await;
    }

    async fn connected(&self) -> sqlx::AnyConnection {
        sqlx::any::install_default_drivers();
        sqlx::AnyConnection::connect(&self.database())
            .await
            .unwrap()
    }

    /// The state of the call's Airtable delivery, as returned by `/v1`.
    async fn due_deliveries(&self, call: &str) -> Value {
        let detail = answer(self.get(&format!("/v1/calls/{call}")).await, 200).await;
        let all = detail["deliveries"].as_array().unwrap();
        let ours = all.iter().find(|delivery| delivery["sink"] == "airtable");
        ours.unwrap().clone()
    }

    /// Waits until the delivery of the call's row is in this state.
    async fn owed_is(&self, call: &str, state: &str) -> Value {
        let asked = Instant::now();
        loop {
            let known = self.get(&format!("/v1/calls/{call}")).await;
            let mut due_deliveries = Value::Null;
            if known.status() != 404 {
                due_deliveries = self.due_deliveries(call).await;
            }
            if due_deliveries["state"] == state {
                return due_deliveries;
            }
            assert!(asked.elapsed() < PATIENCE, "{due_deliveries:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Advances the time to the next check of the call's row, and waits for that check.
    async fn look_again(&self, call: &str) {
        let mut database = self.connected().await;
        let due = "UPDATE deliveries SET due_at = 1 WHERE sink = 'airtable' AND call_id = $1";
        let due = sqlx::query(due).bind(call.to_owned());
        assert_eq!(due.execute(&mut database).await.unwrap().rows_affected(), 1);
        let asked = Instant::now();
        loop {
            let still = "SELECT COUNT(*) FROM deliveries WHERE sink = 'airtable' AND call_id = $1 AND due_at = 1";
            let still = sqlx::query_scalar::<_, i64>(still).bind(call.to_owned());
            if still.fetch_one(&mut database).await.unwrap() == 0 {
                return;
            }
            assert!(asked.elapsed() < PATIENCE, "it is never looked at");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// As a person asks Airtable for something, in the table Calls.
    async fn person(&self, method: &str, path: &str, body: &Value) -> Value {
        let (base, airtable) = (self.airtable.base_id(), self.airtable.url());
        let url = format!("{airtable}/v0/{base}/{path}");
        let request = self.http.request(method.parse().unwrap(), url);
        let request = request.bearer_auth("patPerson").json(body);
        answer(request.send().await.unwrap(), 200).await
    }

    /// As a person writes into a cell.
    async fn edit(&self, record: &str, column: &str, value: Value) {
        let fields = json!({"fields": {column: value}});
        self.person("PATCH", &format!("Calls/{record}"), &fields)
            .await;
    }

    /// The call's only row.
    async fn only_row(&self, call: &str) -> Row {
        let mut rows = self.rows_of(call).await;
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    /// A change of the call: a new transcript.
    async fn say(&self, call: &str, words: &str) {
        let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": words}]});
        answer(self.post("/v1/transcripts", &report).await, 202).await;
    }

    /// Says something and waits until it is in the row.
    async fn say_and_read(&self, call: &str, words: &str) -> Row {
        self.say(call, words).await;
        let line = format!("Agent: {words}");
        let said = |row: &Row| row.get("Transcript").is_some_and(|text| *text == line);
        self.row_where(call, said).await;
        self.only_row(call).await
    }

    /// An open call whose row is there.
    async fn open(&self, room: &str) -> String {
        let call = self.livekit.open_room(room);
        self.row_is(&call, "Live").await;
        call
    }
}

/// A choice of a select column.
fn choices(names: &[&str]) -> Option<Value> {
    let choices: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    Some(json!({"choices": choices}))
}
