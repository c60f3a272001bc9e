//! What people lock in the interface, and a base whose plan allows no more records.

use serde_json::json;

use super::base::{Sim, kind};

#[tokio::test]
async fn locked_fields_and_tables_are_refused_by_name_for_creates_and_updates() {
    let sim = Sim::unlimited().await;
    sim.control(
        "PATCH",
        "/tables/Calls/fields/Caller",
        json!({"locked": true}),
    )
    .await;
    let refused = sim.create(json!({"Call ID": "RM_1", "Caller": "+1"})).await;
    assert_eq!(kind(&refused), (403, "INVALID_PERMISSIONS"));
    let message = refused.1["error"]["message"].as_str().unwrap();
    assert!(message.contains("the field \"Caller\" (fld"), "{message}");
    let path = "/Calls/recSeeded00000001";
    let cells = json!({"fields": {"Caller": null}});
    assert_eq!(kind(&sim.call("PATCH", path, cells).await).0, 403);
    assert_eq!(sim.create(json!({"Call ID": "RM_1"})).await.0, 200);
    sim.control("PATCH", "/tables/Calls", json!({"locked": true}))
        .await;
    let refused = sim.create(json!({"Call ID": "RM_2"})).await;
    assert_eq!(kind(&refused), (403, "INVALID_PERMISSIONS"));
    let message = refused.1["error"]["message"].as_str().unwrap();
    assert!(message.contains("the table \"Calls\" (tbl"), "{message}");
    let cells = json!({"fields": {"Size": 1}});
    assert_eq!(sim.call("PATCH", path, cells).await.0, 200);
    for path in ["/tables/Calls/fields/Caller", "/tables/Calls"] {
        sim.control("PATCH", path, json!({"locked": false})).await;
    }
    assert_eq!(
        sim.create(json!({"Call ID": "RM_2", "Caller": "+1"}))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_full_base_takes_updates_alone() {
    let sim = Sim::unlimited().await;
    sim.control("PATCH", "", json!({"record_limit": 2})).await;
    let rows = |ids: &[&str]| {
        let row = |id: &&str| json!({"fields": {"Call ID": id}});
        ids.iter().map(row).collect::<Vec<_>>()
    };
    let refused = sim
        .upsert(json!(["Call ID"]), json!(rows(&["RM_1", "RM_2"])))
        .await;
    assert_eq!(refused.0, 422, "{}", refused.1);
    assert_eq!(sim.airtable.rows("Calls").len(), 1, "all or none");
    let taken = sim
        .upsert(json!(["Call ID"]), json!(rows(&["RM_0", "RM_1"])))
        .await;
    assert_eq!(taken.0, 200, "{}", taken.1);
    sim.control("PATCH", "", json!({"record_limit": null}))
        .await;
    assert_eq!(sim.create(json!({"Call ID": "RM_2"})).await.0, 200);
}

#[tokio::test]
async fn a_firewall_stops_writes_that_hold_a_text() {
    let sim = Sim::unlimited().await;
    sim.airtable.stop_text("DROP TABLE");
    let request = sim.request("POST", "/Calls");
    let request = request.json(&json!({"fields": {"Call ID": "; DROP TABLE x"}}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(sim.create(json!({"Call ID": "RM_1"})).await.0, 200);
}
