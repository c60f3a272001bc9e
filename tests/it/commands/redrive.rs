//! `redrive`.

use std::time::Duration;

use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};

use super::NOBODY;
use crate::{
    harness::World,
    mirror::Receiver,
    play::{answer, text},
};

fn refusal(status: u16, kind: &str) -> Fault {
    let body = json!({ "error": { "type": kind, "message": "the request was rejected" } });
    Fault::Status(status, body.to_string())
}

/// A revoked token parks everything for a minute; `redrive` probes at once.
pub(super) async fn ends_a_park(world: World) {
    world
        .airtable
        .fail_next(1, refusal(401, "AUTHENTICATION_REQUIRED"));
    let call = world.livekit.open_room("desk");
    world.delivery_is(&call, "airtable", "parked").await;
    assert!(world.row(&call).await.is_none());
    let shown = world.ok(&["redrive", "--dry-run"]).await;
    assert!(
        shown.stdout.contains("AUTHENTICATION_REQUIRED"),
        "{shown:?}"
    );
    assert!(world.row(&call).await.is_none(), "a dry run sends nothing");
    let done = world.ok(&["redrive"]).await;
    assert!(done.stdout.contains("due now"), "{done:?}");
    assert!(done.stderr.contains("running service"), "{done:?}");
    world.row_is(&call, "Live").await;
    world.delivery_is(&call, "airtable", "done").await;
    let reported = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
    let airtable = &reported["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["sink"] == "airtable")
        .unwrap()["history"];
    assert_eq!(airtable[0]["answer"], "delivered");
    let last = airtable.as_array().unwrap().last().unwrap();
    assert_eq!(last["state"], "parked");
    assert!(
        last["answer"]
            .as_str()
            .unwrap()
            .contains("AUTHENTICATION_REQUIRED"),
        "{reported:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_a_park_by_probing_at_once() {
    ends_a_park(World::new().await).await;
}

/// A row that Airtable refuses is dead, listed as such, and sent by `redrive --dead` alone.
pub(super) async fn revives_the_dead(mut world: World) {
    world.refuse_rows().await;
    let call = world.livekit.open_room("desk");
    world.delivery_is(&call, "airtable", "dead").await;
    let dead = world.json(&["calls", "list", "--delivery", "dead"]).await;
    assert_eq!(dead["calls"][0]["call_id"], call);
    world.stop().await;
    let planned = world.json(&["redrive", "--dead", "--dry-run"]).await;
    assert_eq!(planned["deliveries"][0]["state"], "dead", "{planned:#}");
    world.delivery_is_stored(&call, "airtable", "dead").await;
    let done = world.ok(&["redrive", "--dead", "--sink", "airtable"]).await;
    assert_eq!(done.stdout, "1 delivery due now.\n");
    assert!(done.stderr.contains(NOBODY), "{done:?}");
    world.delivery_is_stored(&call, "airtable", "pending").await;
    let again = world.ok(&["redrive", "--dead"]).await;
    assert_eq!(again.stdout, "0 deliveries due now.\n");
    world.repair_airtable().await;
    world.start().await;
    world.row_is(&call, "Live").await;
    let rows = world.rows().await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_are_sent_when_somebody_says_so() {
    // No recording, so no change of the call that would retry the delivery.
    revives_the_dead(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_call_is_written_whole_and_sent_to_the_mirror_only_when_asked() {
    let (receiver, url) = Receiver::start(&[]).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (call, other) = (world.complete("desk").await, world.complete("hall").await);
    for call in [&call, &other] {
        world.processed(call, "mirror").await;
    }
    let reported = receiver.hears(2).await.len();
    assert!(delete(&world, &call).await);
    assert!(world.row(&call).await.is_none());
    let done = world.ok(&["redrive", &call]).await;
    assert_eq!(done.stdout, "1 delivery due now.\n", "its row");
    let back = world.row_is(&call, "Complete").await;
    assert_eq!(
        (text(&back, "Transcript"), text(&back, "Caller")),
        ("Agent: Hello.", "+15551234567")
    );
    assert_eq!(
        receiver.came().len(),
        reported,
        "nothing is sent to the mirror again"
    );
    assert_eq!(world.rows().await.len(), 2);
    world
        .ok(&["redrive", "--all", "--sink", "mirror", &call])
        .await;
    let came = receiver.hears(reported + 1).await;
    let id = |n: usize| came[n].0["webhook-id"].clone();
    assert!(
        (0..reported).any(|n| id(n) == id(reported)),
        "the same webhook-id"
    );
    let unknown = world.cli(&["redrive", "RM_none"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.contains("RM_none"), "{unknown:?}");
}

/// Deletes a row as somebody in Airtable does.
async fn delete(world: &World, call: &str) -> bool {
    let record = record(world, call).await;
    world.airtable.delete_row("Calls", &record)
}

/// Writes into a row as somebody in Airtable does.
async fn edit(world: &World, call: &str, cells: &Value) {
    let (airtable, base) = (world.airtable.url(), world.airtable.base_id());
    let record = record(world, call).await;
    let url = format!("{airtable}/v0/{base}/Calls/{record}");
    let request = world.http.patch(url).bearer_auth("patTest");
    let request = request.json(&json!({ "fields": cells }));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn record(world: &World, call: &str) -> String {
    let sink_state = world
        .texts(&format!(
            "SELECT memo FROM deliveries WHERE sink = 'airtable' AND call_id = '{call}'"
        ))
        .await;
    let sink_state: Value = serde_json::from_str(&sink_state[0]).unwrap();
    sink_state["record"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_rewritten_over_what_people_changed() {
    let world = World::new().await;
    let call = world.complete("desk").await;
    let fields = json!({ "Agent": "somebody else", "Error": "scribbled" });
    edit(&world, &call, &fields).await;
    assert_eq!(world.row(&call).await.unwrap()["Agent"], "somebody else");
    world.ok(&["redrive", "--all", "--sink", "airtable"]).await;
    world
        .row_where(&call, |row| {
            text(row, "Agent") == "Ava" && text(row, "Error").is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_of_everything_is_not_lost_on_a_row_that_is_being_written() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    world.processed(&call, "airtable").await;
    // The write is executed, but its response is slow: everything that follows happens before it arrives.
    let slow = Fault::Slow(Duration::from_secs(8));
    world.airtable.fail_next(1, slow);
    world.livekit.close_room("desk");
    world.row_is(&call, "No recording").await;
    edit(&world, &call, &json!({ "Room": "somebody else's" })).await;
    let done = world.ok(&["redrive", "--all", "--sink", "airtable"]).await;
    assert_eq!(done.stdout, "1 delivery due now.\n");
    world
        .row_where(&call, |row| text(row, "Room") == "desk")
        .await;
    world.processed(&call, "airtable").await;
    assert_eq!(world.rows().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_was_given_up_is_looked_for_again() {
    let impatient = [("EGRESS_LOST_AFTER", "2s"), ("RECONCILE_INTERVAL", "1s")];
    let world = World::with(&impatient).await;
    let (call, egress) = world.talk_unheard("desk").await;
    world
        .ended((&call, &egress), "EGRESS_COMPLETE", json!({ "size": "77" }))
        .await;
    world.row_is(&call, "Failed").await;
    world.delivery_is(&call, "storage", "dead").await;
    world.put_object(&call, 77);
    let done = world.ok(&["redrive", "--dead", &call]).await;
    assert_eq!(done.stdout, "1 delivery due now.\n");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (text(&row, "Error"), &row["Recording size"]),
        ("", &json!(77))
    );
}
