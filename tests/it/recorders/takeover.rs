//! An agent that starts its own egress after ours, as LiveKit's recipes do.

use std::{collections::BTreeSet, time::Duration};

use livekit_protocol as proto;
use serde_json::Value;

use super::{
    agents_egress, asks, composite, engines, error_has, file, newest, recording, records, refs, s3,
    statuses, twirp,
};
use crate::{
    harness::{World, agent, caller, in_time},
    mirror::Receiver,
    play::text,
};

/// A call that ours records; its sid and our egress.
async fn ours(world: &World) -> (String, String) {
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
    let egress = row.await["Egress ID"].as_str().unwrap().to_owned();
    (call, egress)
}

/// Waits until this egress has ended at LiveKit.
async fn stopped(world: &World, egress: &str) {
    in_time(async {
        loop {
            let status = statuses(world).await[egress].clone();
            if ["EGRESS_COMPLETE", "EGRESS_ABORTED"].contains(&status.as_str().unwrap()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_gives_way_to_the_agents_egress_and_the_row_holds_one_recording() {
    let (mirror, mirror_url) = Receiver::start(&[]).await;
    for engine in engines().await {
        let (alerts, alerts_url) = Receiver::start(&[]).await;
        let more = [
            ("EGRESS_WEBHOOK_URL", mirror_url.as_str()),
            ("ALERT_WEBHOOK_URL", alerts_url.as_str()),
        ];
        let world = World::with(&refs(&engine, &more)).await;
        let (call, ours) = ours(&world).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let theirs = agents_egress(&world).await;
        world.livekit.speak("desk");
        world.row_where(&call, records(&theirs)).await;
        stopped(&world, &ours).await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Error"), "");
        assert_eq!(text(&row, "Egress ID"), theirs);
        assert!(
            text(&row, "Recording URL").contains("AJ_job.mp3"),
            "{row:#?}"
        );
        let note = recording(&world, &call, &ours).await["note"].clone();
        let note = note.as_str().unwrap();
        for part in [theirs.as_str(), "Ava", "RECORD_ON=manual"] {
            assert!(note.contains(part), "{note}");
        }
        let shown = world.program(&["calls", "show", &call]);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(
            shown.contains(note) || shown.contains("\"error\""),
            "{shown}"
        );
        assert_eq!(world.livekit.starts().len(), 2, "ours and theirs");
        world.processed(&call, "mirror").await;
        assert!(mirror.egresses().contains(&theirs));
        assert!(!mirror.egresses().contains(&ours), "it is set aside");
        let alert = String::from_utf8(alerts.hears(1).await[0].1.to_vec()).unwrap();
        assert!(
            alert.contains("recorded twice") && alert.contains("Ava"),
            "{alert}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_egress_of_create_room_is_followed() {
    let world = World::new().await;
    let automatic = composite("", file("recordings/auto.mp3", s3(&world, "recordings")));
    let request = proto::CreateRoomRequest {
        name: "desk".into(),
        egress: Some(proto::RoomEgress {
            room: Some(automatic),
            ..Default::default()
        }),
        ..Default::default()
    };
    let room = twirp(&world, "livekit.RoomService/CreateRoom", &request).await;
    let call = room["sid"].as_str().unwrap().to_owned();
    world.livekit.join("desk", caller("+15551234567"));
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    let key = |row: &_| text(row, "Egress ID").starts_with("EG_");
    world.row_where(&call, key).await;
    // The automatic one comes when ours runs already.
    let theirs = in_time(async {
        loop {
            let all = world.egresses().await;
            let automatic = |it: &&Value| it["fileResults"][0]["filename"] == "recordings/auto.mp3";
            if let Some(info) = all.iter().find(automatic) {
                return info["egressId"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    world.row_where(&call, records(&theirs)).await;
    let all = statuses(&world).await;
    let ours = all.keys().find(|id| **id != theirs).unwrap().clone();
    stopped(&world, &ours).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (text(&row, "Error"), text(&row, "Egress ID")),
        ("", theirs.as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_starts_again_when_theirs_fails_while_the_room_is_open() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &[])).await;
        let (call, ours) = ours(&world).await;
        let theirs = agents_egress(&world).await;
        world.livekit.speak("desk");
        world.row_where(&call, records(&theirs)).await;
        stopped(&world, &ours).await;
        world.livekit.fail_egress(&theirs, "out of memory", 500);
        let again = newest(&world, 3).await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        // The first one of ours is a part again, and as long as the second in this world.
        let plays = text(&row, "Egress ID");
        assert!([&ours, &again].iter().any(|id| *id == plays), "{row:#?}");
        let error = text(&row, "Error");
        assert!(
            error.contains(&theirs) && error.contains("out of memory"),
            "{error}"
        );
        let keys: BTreeSet<String> = world
            .egresses()
            .await
            .iter()
            .map(|it| it["fileResults"][0]["filename"].to_string())
            .collect();
        assert_eq!(keys.len(), 3, "each has a key of its own: {keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_started_is_never_stopped() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    let mut all = Vec::new();
    for n in 0..2 {
        let key = format!("recordings/theirs-{n}.mp3");
        let request = composite("desk", file(&key, s3(&world, "recordings")));
        all.push(asks(&world, "StartRoomCompositeEgress", &request).await);
    }
    world.livekit.speak("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (id, status) in statuses(&world).await {
        assert_eq!(status, "EGRESS_ACTIVE", "{id}");
    }
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    world.row_where(&call, error_has("in 2 parts")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_killed_before_the_answer_still_knows_its_egress() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.stop().await;
    let slow = livekit_airtable_sim::livekit::StartFault::Slow(Duration::from_secs(600));
    world.livekit.fail_next_start(1, slow);
    let serve = world.serve().await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    serve.kill();
    let serve = world.serve().await;
    let theirs = agents_egress(&world).await;
    world.livekit.speak("desk");
    world.row_where(&call, records(&theirs)).await;
    let stopped = |all: serde_json::Map<String, Value>| {
        let ended = ["EGRESS_COMPLETE", "EGRESS_ABORTED"];
        let over = all
            .iter()
            .filter(|(_, it)| ended.iter().any(|end| *it == end));
        over.count() == 1 && all[&theirs] == "EGRESS_ACTIVE"
    };
    in_time(async {
        while !stopped(statuses(&world).await) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    serve.kill();
}
