//! Computed fields.

use livekit_airtable_sim::airtable::{Options, start};
use serde_json::{Value, json};

use super::base::Sim;

async fn computing() -> Sim {
    livekit_airtable_sim::install_crypto();
    let seed = json!({"tables": [{"name": "Calls", "fields": [
        {"name": "Call ID", "type": "singleLineText"},
        {"name": "Size", "type": "number", "options": {"precision": 0}},
        {"id": "fldLinks000000001", "name": "Links", "type": "multipleRecordLinks"},
        {"name": "Number", "type": "autoNumber"},
        {"name": "Created", "type": "createdTime"},
        {"name": "Changed", "type": "lastModifiedTime"},
        {"name": "By", "type": "createdBy"},
        {"name": "Count", "type": "count", "options": {"recordLinkFieldId": "fldLinks000000001"}},
        {"name": "Twice", "type": "formula", "options": {"formula": "{Size}*2"}},
        {"name": "Four times", "type": "formula", "options": {"formula": "{Twice}*2"}},
        {"name": "Share", "type": "formula", "options": {"formula": "{Size}/0"}},
        {"name": "Circle", "type": "formula", "options": {"formula": "{Circle}+1"}},
        {"name": "Wrong", "type": "formula", "options": {"formula": "{Nowhere}"}},
    ], "records": [{"fields": {"Call ID": "RM_0"}}]}]});
    let options = Options {
        seed: Some(seed),
        ..Options::unlimited()
    };
    let airtable = start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Sim { airtable, client }
}

#[tokio::test]
async fn computed_fields_follow_from_the_record() {
    let sim = computing().await;
    let (status, made) = sim
        .create(json!({"Call ID": "RM_1", "Size": 3, "Links": ["recSeeded00000001"]}))
        .await;
    assert_eq!(status, 200, "{made}");
    let fields = &made["fields"];
    assert_eq!(fields["Created"], made["createdTime"]);
    assert_eq!(fields["By"]["id"], "usrSimulated00001");
    let wanted = json!({
        "Number": 2, "Count": 1, "Twice": 6, "Four times": 12, "Share": {"specialValue": "Infinity"},
        "Wrong": {"error": "#ERROR!"}, "Changed": null,
    });
    for (name, cell) in wanted.as_object().unwrap() {
        assert_eq!(&fields[name], cell, "{name}");
    }
    let path = format!("/Calls/{}", made["id"].as_str().unwrap());
    let (_, changed) = sim
        .call("PATCH", &path, json!({"fields": {"Size": 4}}))
        .await;
    assert_eq!(changed["fields"]["Four times"], 16);
    assert!(changed["fields"]["Changed"].is_string());
    let query = json!({"filterByFormula": "AND({Twice}=8, {Number}=2)"});
    let (_, found) = sim.call("POST", "/Calls/listRecords", query).await;
    assert_eq!(found["records"][0]["id"], made["id"]);
}

#[tokio::test]
async fn nobody_writes_a_computed_field() {
    let sim = computing().await;
    for (field, value) in [
        ("Twice", json!(1)),
        ("Number", json!(7)),
        ("Created", json!("2026-01-02")),
        ("By", Value::Null),
    ] {
        let (kind, message) = sim.refusal(json!({field: value})).await;
        assert_eq!(kind, "INVALID_VALUE_FOR_COLUMN", "{field}");
        assert!(message.contains(field), "{message}");
    }
}
