//! The Airtable stand-in keeps Airtable's rules. Foreign clients: see tests/clients/airtable.

use std::process::Command;
use std::time::Duration;

use livekit_airtable::sim::airtable::{self, Airtable, Fault, Options};
use serde_json::{Value, json};

/// A stand-in with one table and a client for it.
struct Sim {
    airtable: Airtable,
    client: reqwest::Client,
}

impl Sim {
    async fn start(requests_per_second: f64, lockout: Duration) -> Self {
        livekit_airtable::install_crypto();
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
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let airtable = airtable::start(listen, options).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { airtable, client }
    }

    async fn unlimited() -> Self {
        Self::start(0.0, Duration::ZERO).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!(
            "{}/v0/{}{path}",
            self.airtable.url(),
            self.airtable.base_id()
        );
        let method = method.parse().unwrap();
        self.client.request(method, url).bearer_auth("patTest")
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn create(&self, fields: Value) -> (u16, Value) {
        self.call("POST", "/Calls", json!({"fields": fields})).await
    }

    async fn upsert(&self, merge_on: Value, records: Value) -> (u16, Value) {
        let body = json!({"performUpsert": {"fieldsToMergeOn": merge_on}, "records": records});
        self.call("PATCH", "/Calls", body).await
    }

    async fn refusal(&self, fields: Value) -> (String, String) {
        let (status, body) = self.create(fields).await;
        assert_eq!(status, 422, "{body}");
        let text = |key: &str| body["error"][key].as_str().unwrap().to_owned();
        (text("type"), text("message"))
    }
}

fn kind(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["type"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn one_request_too_many_locks_the_base() {
    let sim = Sim::start(5.0, Duration::from_millis(300)).await;
    for _ in 0..5 {
        assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 200);
    }
    let (status, body) = sim.call("GET", "/Calls", Value::Null).await;
    assert_eq!(
        (status, &body["errors"][0]["error"]),
        (429, &json!("RATE_LIMIT_REACHED"))
    );
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 429);
    assert_eq!((sim.airtable.requests(), sim.airtable.breaches()), (7, 2));
    // The lockout is over before the second is: what was answered in it still counts.
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 200);
}

#[tokio::test]
async fn the_lockout_outlasts_the_second() {
    let sim = Sim::start(1000.0, Duration::from_millis(400)).await;
    let burst = (0..1001).map(|_| sim.call("GET", "/Calls?maxRecords=1", Value::Null));
    let answers = futures_util::future::join_all(burst).await;
    if answers.iter().all(|(status, _)| *status == 200) {
        return; // The machine was too slow for a thousand requests in a second.
    }
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 429);
}

#[tokio::test]
async fn upsert_matches_none_one_or_fails() {
    let sim = Sim::unlimited().await;
    let rows = json!([{"fields": {"Call ID": "RM_1"}}, {"fields": {"Call ID": "RM_0", "Size": 3}}]);
    let (status, body) = sim.upsert(json!(["Call ID"]), rows).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["records"][1]["id"], "recSeeded00000001");
    assert_eq!(body["updatedRecords"], json!(["recSeeded00000001"]));
    assert_eq!(body["createdRecords"], json!([body["records"][0]["id"]]));
    assert_eq!(
        body["records"][1]["fields"]["Number"], 1,
        "other cells stay"
    );

    sim.create(json!({"Call ID": "RM_0"})).await;
    let two = sim
        .upsert(json!(["Call ID"]), json!([{"fields": {"Call ID": "RM_0"}}]))
        .await;
    assert_eq!(two.0, 422);
    for fields in [json!([]), json!(["Caller"]), json!(["Started"])] {
        let refused = sim
            .upsert(fields, json!([{"fields": {"Call ID": "x"}}]))
            .await;
        assert_eq!(kind(&refused), (422, "INVALID_REQUEST_UNKNOWN"));
    }
    let by_field_id = json!([{"fields": {"fldCallID00000000": "RM_1", "Size": 9}}]);
    let (_, body) = sim.upsert(json!(["fldCallID00000000"]), by_field_id).await;
    assert_eq!(body["createdRecords"], json!([]));
    let gone = sim
        .upsert(
            json!(["Call ID"]),
            json!([{"id": "recNobody00000001", "fields": {}}]),
        )
        .await;
    assert_eq!(kind(&gone), (422, "ROW_DOES_NOT_EXIST"));
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused_with_the_name_of_the_field() {
    let sim = Sim::unlimited().await;
    for (field, value) in [
        ("Call ID", json!(5)),
        ("Started", json!("yesterday")),
        ("Started", json!(1_700_000_000)),
        ("Duration", json!("0:01:00")),
        ("Size", json!("12")),
        ("Recording", json!("https://example.com/a.mp3")),
        ("Transcript", json!("x".repeat(100_001))),
        ("Transcript", json!("😀".repeat(50_001))),
        ("Number", json!(2)),
    ] {
        let (kind, message) = sim.refusal(json!({field: value})).await;
        assert_eq!(kind, "INVALID_VALUE_FOR_COLUMN", "{field}");
        assert!(message.contains(&format!("\"{field}\"")), "{message}");
    }
    assert_eq!(
        sim.create(json!({"Transcript": "x".repeat(100_000)}))
            .await
            .0,
        200
    );
    let (kind, message) = sim.refusal(json!({"Nope": 1})).await;
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("UNKNOWN_FIELD_NAME", "Unknown field name: \"Nope\"")
    );
    let (kind, message) = sim.refusal(json!({"Status": "Odd"})).await;
    assert_eq!(kind, "INVALID_MULTIPLE_CHOICE_OPTIONS");
    assert!(message.contains("\"\"Odd\"\""), "{message}");
    let (kind, _) = sim
        .refusal(json!({"Recording": [{"url": "nowhere"}]}))
        .await;
    assert_eq!(kind, "INVALID_ATTACHMENT_OBJECT");
}

#[tokio::test]
async fn a_request_does_all_or_nothing() {
    let sim = Sim::unlimited().await;
    let rows = json!([
        {"fields": {"Call ID": "good"}},
        {"fields": {"Call ID": "RM_0", "Size": 8}},
        {"fields": {"Call ID": "bad", "Size": "x"}},
    ]);
    assert_eq!(sim.upsert(json!(["Call ID"]), rows).await.0, 422);
    let rows = sim.airtable.rows("calls");
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains_key("Size"));
    let eleven: Vec<Value> = (0..11).map(|_| json!({"fields": {}})).collect();
    let refused = sim.call("POST", "/Calls", json!({"records": eleven})).await;
    assert_eq!(kind(&refused), (422, "INVALID_RECORDS"));
}

#[tokio::test]
async fn tokens_bases_and_paths_that_do_not_exist() {
    let sim = Sim::unlimited().await;
    let url = format!("{}/v0/{}/Calls", sim.airtable.url(), sim.airtable.base_id());
    assert_eq!(sim.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(
        sim.client
            .get(&url)
            .bearer_auth("key")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let other = sim.request("GET", "").build().unwrap().url().to_string();
    let other = other.replace(&sim.airtable.base_id(), "appNobody00000001/Calls");
    let answer = sim
        .client
        .get(other)
        .bearer_auth("patX")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
    let forbidden = (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND");
    assert_eq!(
        kind(&sim.call("GET", "/Nope", Value::Null).await),
        forbidden
    );
    assert_eq!(
        kind(
            &sim.call("GET", "/Calls/recNobody00000001", Value::Null)
                .await
        ),
        forbidden
    );
    let (status, body) = sim.call("GET", "/Calls/what", Value::Null).await;
    assert_eq!((status, body), (404, json!({"error": "NOT_FOUND"})));
}

#[tokio::test]
async fn faults_come_once_and_in_order() {
    let sim = Sim::unlimited().await;
    sim.airtable.fail_next(
        1,
        Fault::Status(503, "{\"error\":\"RETRIABLE_ERROR\"}".to_owned()),
    );
    sim.airtable.fail_next(1, Fault::Html(502));
    sim.airtable.fail_next(1, Fault::AfterWrite);
    sim.airtable.fail_next(1, Fault::Truncated);
    sim.airtable.fail_next(1, Fault::Quota);
    let post = |id: &str| {
        sim.request("POST", "/Calls")
            .json(&json!({"fields": {"Call ID": id}}))
            .send()
    };
    let first = post("503").await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let second = post("502").await.unwrap();
    assert_eq!(second.status(), 502);
    assert!(second.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert!(post("written").await.is_err());
    let half = post("half").await.unwrap();
    assert_eq!(half.status(), 200);
    assert!(half.bytes().await.is_err());
    let whoami = format!("{}/v0/meta/whoami", sim.airtable.url());
    assert_eq!(
        sim.client
            .get(whoami)
            .bearer_auth("patX")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let (status, body) = sim.call("GET", "/Calls", Value::Null).await;
    assert_eq!(
        (status, &body["errors"][0]["error"]),
        (429, &json!("PUBLIC_API_BILLING_LIMIT_EXCEEDED"))
    );
    let ids: Vec<Value> = sim
        .airtable
        .rows("Calls")
        .iter()
        .map(|row| row["Call ID"].clone())
        .collect();
    assert_eq!(ids, ["RM_0", "written", "half"]);
    assert_eq!(sim.airtable.breaches(), 0);
}

#[tokio::test]
async fn what_users_do_in_the_interface() {
    let sim = Sim::unlimited().await;
    assert!(sim.airtable.rename_field("Calls", "Call ID", "Key"));
    assert_eq!(sim.airtable.rows("Calls")[0]["Key"], "RM_0");
    assert_eq!(
        sim.create(json!({"fldCallID00000000": "RM_1"})).await.0,
        200
    );
    assert!(sim.airtable.change_type("Calls", "Size", "formula", None));
    let (_, message) = sim.refusal(json!({"Size": 1})).await;
    assert!(message.contains("computed"), "{message}");
    assert!(sim.airtable.delete_field("Calls", "Size"));
    assert_eq!(
        sim.refusal(json!({"Size": 1})).await.0,
        "UNKNOWN_FIELD_NAME"
    );
    assert!(sim.airtable.delete_row("Calls", "recSeeded00000001"));
    let body = json!({"records": [{"id": "recSeeded00000001", "fields": {}}]});
    assert_eq!(
        kind(&sim.call("PATCH", "/Calls", body).await),
        (422, "ROW_DOES_NOT_EXIST")
    );
    assert!(!sim.airtable.delete_row("Calls", "recSeeded00000001"));
}

#[tokio::test]
async fn attachments_are_fetched_after_the_write_or_dropped() {
    let sim = Sim::unlimited().await;
    let upload = json!({"contentType": "audio/mpeg", "filename": "a b.mp3", "file": "SUQz"});
    let path = "/recSeeded00000001/Recording/uploadAttachment";
    let (status, body) = sim.call("POST", path, upload).await;
    assert_eq!(status, 200, "{body}");
    let uploaded = sim.airtable.rows("Calls")[0]["Recording"][0].clone();
    assert_eq!(
        (&uploaded["size"], &uploaded["type"]),
        (&json!(3), &json!("audio/mpeg"))
    );

    let dead = format!("{}/attachments/none/x.mp3", sim.airtable.url());
    let cell = json!([{"id": uploaded["id"]}, {"url": uploaded["url"], "filename": "again.mp3"}, {"url": dead}]);
    let body = json!({"fields": {"Recording": cell}});
    let (status, body) = sim.call("PATCH", "/Calls/recSeeded00000001", body).await;
    assert_eq!(
        (
            status,
            body["fields"]["Recording"].as_array().unwrap().len()
        ),
        (200, 3)
    );
    let fetched = loop {
        let cell = sim.airtable.rows("Calls")[0]["Recording"].clone();
        let items = cell.as_array().unwrap();
        if items.len() == 2 && items.iter().all(|item| item["size"] == 3) {
            break cell;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(fetched[1]["filename"], "again.mp3");
    let bytes = sim
        .client
        .get(fetched[1]["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), "ID3");
}

#[tokio::test]
async fn stop_ends_the_server() {
    let sim = Sim::unlimited().await;
    assert_eq!(sim.call("GET", "/calls", Value::Null).await.0, 200);
    sim.airtable.stop();
    let mut open = true;
    for _ in 0..200 {
        open = sim.request("GET", "/calls").send().await.is_ok();
        if !open {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!open);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pyairtable in /tmp/venv-air and airtable in /tmp/node-air"]
async fn foreign_clients() {
    let sim = Sim::unlimited().await;
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/airtable");
    for (program, folder, script) in [
        ("/tmp/venv-air/bin/python", "/tmp/venv-air", "check.py"),
        ("node", "/tmp/node-air", "check.mjs"),
    ] {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .arg(format!("{scripts}/{script}"));
        command
            .args([sim.airtable.url(), sim.airtable.base_id()])
            .env("NO_PROXY", "127.0.0.1");
        assert!(command.status().unwrap().success(), "{script}");
    }
}
