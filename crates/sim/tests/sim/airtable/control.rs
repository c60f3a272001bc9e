//! The stand-in's control requests over HTTP, and each fault before and after the write.

use std::time::Duration;

use serde_json::{Value, json};

use super::base::Sim;

impl Sim {
    /// A request of the stand-in's own, which takes no token.
    pub(super) async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/sim{path}", self.airtable.url());
        let request = self.client.request(method.parse().unwrap(), url);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn ask(&self, fault: Value) {
        let (status, body) = self.control("POST", "/faults", fault).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Status and body of a write; `None` if no complete response arrived.
    async fn write(&self, id: &str) -> Option<(u16, String)> {
        let request = self.request("POST", "/Calls");
        let request = request.json(&json!({"fields": {"Call ID": id}}));
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.text().await.ok()?))
    }

    fn has(&self, id: &str) -> bool {
        let rows = self.airtable.rows("Calls");
        rows.iter().any(|row| row["Call ID"] == id)
    }
}

/// Faults that execute nothing by themselves; the status (None: no answer) and a word of the answer.
fn answered_faults() -> [(Value, Option<u16>, &'static str); 11] {
    [
        (
            json!({"fault": "status", "status": 401}),
            Some(401),
            "AUTHENTICATION_REQUIRED",
        ),
        (
            json!({"fault": "status", "status": 403}),
            Some(403),
            "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
        ),
        (
            json!({"fault": "status", "status": 404}),
            Some(404),
            "NOT_FOUND",
        ),
        (
            json!({"fault": "status", "status": 429}),
            Some(429),
            "RATE_LIMIT_REACHED",
        ),
        (json!({"fault": "status"}), Some(500), "SERVER_ERROR"),
        (
            json!({"fault": "status", "status": 503}),
            Some(503),
            "RETRIABLE_ERROR",
        ),
        (
            json!({"fault": "status", "status": 422, "body": {"error": "MINE"}}),
            Some(422),
            "MINE",
        ),
        (json!({"fault": "html", "status": 502}), Some(502), "<html>"),
        (
            json!({"fault": "quota"}),
            Some(429),
            "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
        ),
        (json!({"fault": "reset"}), None, ""),
        (json!({"fault": "silent", "seconds": 0.01}), None, ""),
    ]
}

#[tokio::test]
async fn every_fault_comes_before_or_after_the_write() {
    let sim = Sim::unlimited().await;
    for (number, (fault, status, words)) in answered_faults().into_iter().enumerate() {
        for after in [false, true] {
            let mut fault = fault.clone();
            fault["after_write"] = json!(after);
            sim.ask(fault.clone()).await;
            let id = format!("RM_{number}_{after}");
            let answer = sim.write(&id).await;
            assert_eq!(
                answer.as_ref().map(|(status, _)| *status),
                status,
                "{fault}"
            );
            assert!(
                answer.is_none_or(|(_, body)| body.contains(words)),
                "{fault}"
            );
            assert_eq!(sim.has(&id), after, "{fault}");
        }
    }
    assert!(
        sim.write("RM_at_last")
            .await
            .is_some_and(|(status, _)| status == 200)
    );
}

#[tokio::test]
async fn truncated_and_slow_answers_come_after_the_write() {
    let sim = Sim::unlimited().await;
    for fault in [
        json!({"fault": "truncated"}),
        json!({"fault": "slow", "seconds": 0.01}),
    ] {
        sim.ask(fault.clone()).await;
        let id = fault["fault"].as_str().unwrap();
        assert_eq!(sim.write(id).await.is_some(), id == "slow");
        assert!(sim.has(id));
    }
    assert!(
        sim.write("RM_at_last")
            .await
            .is_some_and(|(status, _)| status == 200)
    );
}

#[tokio::test]
async fn faults_are_for_the_method_that_was_asked_and_can_be_taken_back() {
    let sim = Sim::unlimited().await;
    sim.ask(json!({"fault": "status", "times": 3, "method": "patch"}))
        .await;
    assert!(
        sim.write("RM_1")
            .await
            .is_some_and(|(status, _)| status == 200)
    );
    let body = json!({"records": []});
    assert_eq!(sim.call("PATCH", "/Calls", body).await.0, 500);
    let (_, state) = sim.control("GET", "", Value::Null).await;
    let wanted =
        json!({"bases": [sim.airtable.base_id()], "requests": 2, "breaches": 0, "faults_left": 2});
    assert_eq!(state, wanted);
    let (_, state) = sim.control("DELETE", "/faults", Value::Null).await;
    assert_eq!(state["faults_left"], 0);
    for wrong in [
        json!({"fault": "nonsense"}),
        json!({"fault": "html", "when": "now"}),
        json!({"fault": "slow", "seconds": -1}),
    ] {
        assert_eq!(sim.control("POST", "/faults", wrong).await.0, 400);
    }
    assert_eq!(sim.control("GET", "/nonsense", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_lockout_that_was_asked_for_lasts_as_long_as_one() {
    let sim = Sim::start(50.0, Duration::from_millis(300)).await;
    sim.ask(json!({"fault": "lockout"})).await;
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 429);
    assert_eq!(sim.airtable.breaches(), 0, "somebody else's");
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 429);
    assert_eq!(sim.airtable.breaches(), 1, "this one should have waited");
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(sim.call("GET", "/Calls", Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_row_is_saved_without_its_attachment() {
    let sim = Sim::unlimited().await;
    sim.ask(json!({"fault": "no_attachments"})).await;
    let url = format!("{}/attachments/none/x.mp3", sim.airtable.url());
    let (status, body) = sim
        .create(json!({"Call ID": "RM_1", "Recording": [{"url": url}]}))
        .await;
    assert_eq!(
        (status, &body["details"]["reasons"]),
        (200, &json!(["attachmentsFailedUploading"]))
    );
    assert!(!sim.airtable.rows("Calls")[1].contains_key("Recording"));
}

#[tokio::test]
async fn fields_change_as_people_change_them() {
    let sim = Sim::unlimited().await;
    let field = async |method: &str, name: &str, body: Value| {
        let path = format!("/tables/Calls/fields/{name}");
        sim.control(method, &path, body).await.0
    };
    assert_eq!(
        field(
            "PATCH",
            "Size",
            json!({"type": "singleLineText", "name": "Big"})
        )
        .await,
        200
    );
    assert_eq!(field("DELETE", "Caller", Value::Null).await, 200);
    assert_eq!(field("DELETE", "Caller", Value::Null).await, 404);
    assert_eq!(sim.create(json!({"Big": "text"})).await.0, 200);
    assert_eq!(sim.create(json!({"Caller": "+1"})).await.0, 422);
}
