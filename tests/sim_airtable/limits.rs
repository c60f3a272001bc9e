//! Who is let in, how often, and what goes wrong on demand.

use std::time::Duration;

use livekit_airtable::sim::airtable::Fault;
use serde_json::{Value, json};

use crate::{Sim, kind};

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
    let sim = Sim::start(4.0, Duration::from_millis(1300)).await;
    let list = async || sim.call("GET", "/Calls", Value::Null).await.0;
    for _ in 0..4 {
        assert_eq!(list().await, 200);
    }
    assert_eq!(list().await, 429);
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(list().await, 429);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(list().await, 200);
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
