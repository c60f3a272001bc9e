//! Accepted writes, and writes that are rejected completely.

use std::time::Duration;

use serde_json::{Value, json};

use super::base::{Sim, kind};

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
async fn values_are_printed_as_airtable_prints_them() {
    let sim = Sim::unlimited().await;
    let fields = json!({
        "Started": "2026-01-02T04:04:05+01:00", "Duration": 61.0, "Size": 4096, "Transcript": "", "Status": null,
    });
    let (status, body) = sim.create(fields).await;
    assert_eq!(status, 200, "{body}");
    let printed = json!({
        "Started": "2026-01-02T03:04:05.000Z", "Duration": 61, "Size": 4096, "Number": 2,
    });
    assert_eq!(body["fields"], printed);
    let typecast =
        json!({"typecast": true, "fields": {"Status": "New", "Size": "12", "Duration": "1:01:01"}});
    let (status, body) = sim.call("POST", "/Calls", typecast).await;
    assert_eq!(
        (status, &body["fields"]),
        (
            200,
            &json!({"Status": "New", "Size": 12, "Duration": 3661, "Number": 3})
        )
    );
    assert_eq!(sim.create(json!({"Status": "New"})).await.0, 200);
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
    let fetching = async {
        loop {
            let cell = sim.airtable.rows("Calls")[0]["Recording"].clone();
            let items = cell.as_array().unwrap();
            if items.len() == 2 && items.iter().all(|item| item["size"] == 3) {
                break cell;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let fetched = tokio::time::timeout(Duration::from_secs(60), fetching).await;
    let fetched = fetched.expect("Airtable fetches the files");
    assert_eq!(fetched[1]["filename"], "again.mp3");
    let bytes = sim
        .client
        .get(fetched[1]["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(bytes.bytes().await.unwrap(), "ID3");
}
