//! Messages of the mirror whose answers were lost: another end has another `webhook-id`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    harness::{World, eventually},
    mirror::Receiver,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_changes_after_a_lost_answer_has_an_id_of_its_own() {
    ids_differ(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_changes_after_a_lost_answer_has_an_id_of_its_own_on_postgres() {
    ids_differ(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn ids_differ(settings: &[(&str, &str)]) {
    // The second message arrives, but its answer does not.
    let (receiver, url) = Receiver::start(&[(200, "{}"), (504, "lost"), (504, "lost")]).await;
    let mirror = [("EGRESS_WEBHOOK_URL", url.as_str())];
    let world = World::with(&[&mirror, settings].concat()).await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    receiver.hears(1).await;
    let ends = |updated: i64, size: i64| {
        let file = json!({"filename": format!("recordings/{call}.mp3"), "size": size.to_string(), "location": "https://x/y"});
        json!({"event": "egress_ended", "id": format!("EV_{size}"), "egressInfo": {
            "egressId": egress, "roomId": call, "status": "EGRESS_COMPLETE",
            "updatedAt": updated.to_string(), "fileResults": [file],
        }})
    };
    world.hook(&ends(1_999_999_999_000_000_000, 71)).await;
    receiver.hears(2).await;
    world.hook(&ends(1_999_999_999_500_000_000, 72)).await;
    let sizes = || {
        let mut sizes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (headers, body) in receiver.came() {
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let of_id = sizes.entry(id).or_default();
            of_id.push(body["file_results"][0]["size"].clone());
            of_id.dedup();
        }
        sizes
    };
    let third = format!("msg_{egress}_3");
    eventually(|| sizes().contains_key(&third).then_some(())).await;
    let sizes = sizes();
    assert!(sizes.values().all(|of_id| of_id.len() == 1), "{sizes:#?}");
    assert_eq!(sizes[&third], [json!(72)]);
    let (_, last) = receiver.came().pop().unwrap();
    let last: Value = serde_json::from_slice(&last).unwrap();
    assert_eq!(last["corrects"], format!("msg_{egress}_2"));
    world.processed(&call, "mirror").await;
}
