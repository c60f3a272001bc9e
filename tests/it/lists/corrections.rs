//! An end that LiveKit's wrong lists suggested is corrected everywhere, in the mirror by another message.

use serde_json::{Value, json};

use super::front::{nothing, twirp, world};
use crate::{
    harness::{World, eventually},
    mirror::Receiver,
    play::{answer, text},
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_had_counted_as_lost_is_corrected() {
    is_corrected(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_had_counted_as_lost_is_corrected_on_postgres() {
    is_corrected(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn is_corrected(settings: &[(&str, &str)]) {
    let (receiver, url) = Receiver::start(&[]).await;
    let mirror = [
        ("EGRESS_WEBHOOK_URL", url.as_str()),
        ("EGRESS_LOST_AFTER", "2s"),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    let (world, front) = world(&[&mirror, settings].concat()).await;
    let (call, egress) = world.talk("desk").await;
    // For a while LiveKit knows nothing of the call, which goes on.
    front.answer("ListRooms", nothing());
    front.answer("ListEgress", nothing());
    let nobody = twirp(404, "not_found", "requested room does not exist");
    front.answer("ListParticipants", nobody);
    world.row_is(&call, "Failed").await;
    world.processed(&call, "mirror").await;
    front.tell_the_truth();
    world.row_is(&call, "Live").await;
    let wanted = json!({ "room_name": "desk" });
    let running = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(running["egress_id"], json!(egress), "it still runs");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(world.livekit.starts().len(), 1);
    assert_eq!(text(&row, "Error"), "");

    let about = of_egress(&world, &receiver, &egress).await;
    let [(first, wrong), (second, right)] = about.as_slice() else {
        panic!("{about:#?}");
    };
    assert_eq!(
        (first.as_str(), &wrong["status"], &wrong["corrects"]),
        (
            format!("msg_{egress}").as_str(),
            &json!("failed"),
            &json!(null)
        )
    );
    assert_eq!(second, &format!("msg_{egress}_2"));
    assert_eq!(right["corrects"], json!(first));
    assert_eq!(right["status"], "complete");
    assert_eq!(right["error"], json!(null));
    assert_eq!(right["file_results"][0]["size"], row["Recording size"]);
}

/// `webhook-id` and body of the two messages about an egress.
async fn of_egress(world: &World, receiver: &Receiver, egress: &str) -> Vec<(String, Value)> {
    let about = || {
        let came = receiver.came().into_iter();
        let read = came.map(|(headers, body)| {
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            (id, serde_json::from_slice::<Value>(&body).unwrap())
        });
        let ours = read.filter(|(_, body)| body["egress_id"] == egress);
        ours.collect::<Vec<_>>()
    };
    eventually(|| (about().len() >= 2).then_some(())).await;
    let rows = world.rows().await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    about()
}
