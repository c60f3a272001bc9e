//! Authorization, rate limits, and faults on demand.

use std::time::Duration;

use livekit_airtable_sim::airtable::{Fault, Options, start};
use serde_json::{Value, json};

use super::base::{Sim, kind};

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
    // The lockout ends before the second does: requests answered during that second still count.
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
async fn a_token_has_a_limit_over_all_bases() {
    livekit_airtable_sim::install_crypto();
    let options = Options {
        token_requests_per_second: 3.0,
        lockout: Duration::from_secs(60),
        ..Options::unlimited()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let airtable = start(listen, options).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = airtable.base_id();
    let ask = async |token: &str, path: &str| {
        let url = format!("{}/v0/meta/{path}", airtable.url());
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    let tables = format!("bases/{base}/tables");
    for path in ["whoami", "bases", &tables] {
        assert_eq!(ask("patOne", path).await, 200);
    }
    assert_eq!(ask("patOne", &tables).await, 429);
    assert_eq!(ask("patOne", "whoami").await, 429);
    assert_eq!(ask("patOther", &tables).await, 200, "the base is open");
    assert_eq!(airtable.breaches(), 2);
}

#[tokio::test]
async fn an_onlooker_does_not_count_and_is_never_refused() {
    livekit_airtable_sim::install_crypto();
    let options = Options {
        requests_per_second: 1.0,
        onlooker_token: Some("an onlooker's".into()),
        ..Options::default()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let airtable = start(listen, options).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!(
        "{}/v0/meta/bases/{}/tables",
        airtable.url(),
        airtable.base_id()
    );
    let ask = async |token: &str| {
        let answer = client.get(&url).bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask("patTest").await, 200);
    assert_eq!(ask("patTest").await, 429);
    airtable.fail_next(1, Fault::Html(502));
    for _ in 0..3 {
        assert_eq!(ask("an onlooker's").await, 200);
    }
    assert_eq!(ask("nobody's").await, 401);
    assert_eq!((airtable.requests(), airtable.breaches()), (3, 1));
}

#[tokio::test]
async fn with_a_token_of_its_own_every_other_is_refused() {
    livekit_airtable_sim::install_crypto();
    let options = Options {
        token: Some("patKnown".into()),
        ..Options::unlimited()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let airtable = start(listen, options).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v0/meta/whoami", airtable.url());
    let known = client.get(&url).bearer_auth("patKnown").send().await;
    assert_eq!(known.unwrap().status(), 200);
    for token in ["patOther", "patKnown1", ""] {
        let refused = client.get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["error"]["type"], "AUTHENTICATION_REQUIRED");
    }
}

#[tokio::test]
async fn a_url_must_be_shorter_than_16_000_characters() {
    let sim = Sim::unlimited().await;
    let start = sim.request("GET", "/Calls?view=").build().unwrap();
    let rest = 16_000 - start.url().as_str().len();
    let view = |length: usize| format!("/Calls?view={}", "v".repeat(length));
    let longest = sim.call("GET", &view(rest - 1), Value::Null).await;
    assert_eq!(kind(&longest), (422, "VIEW_NAME_NOT_FOUND"));
    let too_long = sim.request("GET", &view(rest)).send().await.unwrap();
    assert_eq!(too_long.status(), 414);
    assert_eq!(too_long.headers()["content-type"], "text/html");
    let formula = format!("{{Call ID}} != '{}'", "x".repeat(20_000));
    let query = json!({"filterByFormula": formula});
    assert_eq!(sim.call("POST", "/Calls/listRecords", query).await.0, 200);
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
