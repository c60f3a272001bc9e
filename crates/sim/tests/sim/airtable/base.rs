//! A stand-in with one table, and a client for it.

use std::time::Duration;

use livekit_airtable_sim::airtable::{self, Airtable, Options};
use serde_json::{Value, json};

/// A stand-in with one table and a client for it.
pub(super) struct Sim {
    pub airtable: Airtable,
    pub client: reqwest::Client,
}

impl Sim {
    pub(super) async fn start(requests_per_second: f64, lockout: Duration) -> Self {
        livekit_airtable_sim::install_crypto();
        let seed = json!({"tables": [{"name": "Calls", "fields": [
            {"id": "fldCallID00000000", "name": "Call ID", "type": "singleLineText"},
            {"name": "Status", "type": "singleSelect", "options": {"choices": [{"name": "Live"}]}},
            {"name": "Started", "type": "dateTime", "options": {"timeZone": "utc"}},
            {"name": "Duration", "type": "duration", "options": {"durationFormat": "h:mm:ss"}},
            {"name": "Size", "type": "number", "options": {"precision": 0}},
            {"name": "Caller", "type": "phoneNumber"},
            {"name": "Transcript", "type": "multilineText"},
            {"name": "Recording", "type": "multipleAttachments"},
            {"name": "Number", "type": "autoNumber"},
        ], "records": [{"id": "recSeeded00000001", "fields": {"Call ID": "RM_0", "Number": 1}}]}]});
        let options = Options {
            requests_per_second,
            lockout,
            seed: Some(seed),
            ..Options::unlimited()
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let airtable = airtable::start(listen, options).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { airtable, client }
    }

    pub(super) async fn unlimited() -> Self {
        Self::start(0.0, Duration::ZERO).await
    }

    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!(
            "{}/v0/{}{path}",
            self.airtable.url(),
            self.airtable.base_id()
        );
        let method = method.parse().unwrap();
        self.client.request(method, url).bearer_auth("patTest")
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(super) async fn create(&self, fields: Value) -> (u16, Value) {
        self.call("POST", "/Calls", json!({"fields": fields})).await
    }

    pub(super) async fn upsert(&self, merge_on: Value, records: Value) -> (u16, Value) {
        let body = json!({"performUpsert": {"fieldsToMergeOn": merge_on}, "records": records});
        self.call("PATCH", "/Calls", body).await
    }

    pub(super) async fn refusal(&self, fields: Value) -> (String, String) {
        let (status, body) = self.create(fields).await;
        assert_eq!(status, 422, "{body}");
        let text = |key: &str| body["error"][key].as_str().unwrap().to_owned();
        (text("type"), text("message"))
    }
}

pub(super) fn kind(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["type"].as_str().unwrap_or_default(),
    )
}
