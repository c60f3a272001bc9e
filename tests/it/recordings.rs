//! Which rooms are recorded, that none is recorded twice, and what a refusal does to the row.

use std::time::Duration;

use livekit_airtable::telemetry;
use livekit_airtable_sim::livekit::StartFault;
use livekit_api::access_token::VideoGrants;
use serde_json::{Value, json};

use crate::{
    harness::{World, agent, caller, token},
    play::{answer, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn with_participant_joined_the_first_person_starts_the_recording() {
    let world = World::with(&[("RECORD_ON", "participant_joined")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world
        .row_where(&call, |row| row.contains_key("Agent"))
        .await;
    assert!(world.livekit.starts().is_empty(), "an agent is no person");
    world.livekit.join("desk", caller("+15551234567"));
    world.starts("desk", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_manual_nothing_is_recorded_and_nothing_is_missing() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "No recording").await;
    assert_eq!(text(&row, "Error"), "");
    assert!(world.livekit.starts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn record_rooms_takes_globs_and_excludes() {
    let world = World::with(&[("RECORD_ROOMS", "clinic-*,!clinic-test*")]).await;
    for room in ["other", "clinic-test-1", "clinic-1"] {
        let call = world.livekit.open_room(room);
        world.row_is(&call, "Live").await;
    }
    world.starts("clinic-1", 1).await;
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_an_agent_started_is_adopted() {
    let mut world = World::new().await;
    // It hears of the room when the agent has started.
    world.stop().await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    let info = world.agent_starts("desk", "by-the-agent.mp3").await;
    world.livekit.lose_webhooks(false);
    world.start().await;
    world.livekit.join("desk", agent());
    world.livekit.speak("desk");
    let row = world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    assert_eq!(row["Egress ID"], info["egressId"]);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(text(&row, "Recording URL").contains("by-the-agent.mp3"));
    assert_eq!(world.livekit.starts().len(), 1, "the agent's alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_answer_is_lost_is_found_and_never_doubled() {
    let world = World::new().await;
    world.livekit.fail_next_start(1, StartFault::LostAnswer);
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    let event =
        json!({"event": "room_started", "id": "EV_1", "room": {"sid": call, "name": "desk"}});
    world.hook(&event).await;
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    assert_eq!(world.egresses().await.len(), 1);
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_word_of_an_earlier_room_records_the_open_one_no_second_time() {
    let world = World::new().await;
    let (call, _) = world.talk("desk").await;
    let two_minutes_ago = telemetry::now().as_second() - 120;
    let late = json!({"event": "room_started", "room": {"sid": "RM_earlier", "name": "desk"},
        "createdAt": two_minutes_ago.to_string()});
    world.hook(&late).await;
    world.row_is("RM_earlier", "Failed").await;
    assert_eq!(world.livekit.starts().len(), 1);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(world.egresses().await.len(), 1, "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_waited_for() {
    let world = World::new().await;
    let slow = StartFault::Slow(Duration::from_secs(3));
    world.livekit.fail_next_start(1, slow);
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_free_worker_is_reported_and_tried_again() {
    let world = World::new().await;
    world.livekit.fail_next_start(2, StartFault::Unavailable);
    let call = world.livekit.open_room("desk");
    let reported = world
        .row_where(&call, |row| text(row, "Error").contains("503"))
        .await;
    assert_eq!(reported["Status"], "Live");
    assert!(
        text(&reported, "Error").contains("Retrying"),
        "{reported:#?}"
    );
    world.starts("desk", 3).await;
    let row = world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    assert_eq!((text(&row, "Status"), text(&row, "Error")), ("Live", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_reported_without_the_token_and_tried_again() {
    let world = World::new().await;
    world.livekit.fail_next_start(1, StartFault::Unauthorized);
    let call = world.livekit.open_room("desk");
    let reported = world
        .row_where(&call, |row| text(row, "Error").contains("401"))
        .await;
    assert!(!text(&reported, "Error").contains("eyJ"), "{reported:#?}");
    world.starts("desk", 2).await;
    world
        .row_where(&call, |row| text(row, "Error").is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_work_is_reported_and_the_call_fails() {
    let world = World::new().await;
    world.livekit.fail_next_start(9, StartFault::BadRequest);
    let call = world.livekit.open_room("desk");
    let reported = world
        .row_where(&call, |row| text(row, "Error").contains("400"))
        .await;
    assert_eq!(reported["Status"], "Live");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    assert!(text(&row, "Error").contains("400"), "{row:#?}");
    assert_eq!(world.livekit.starts().len(), 1, "it is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_livekit_does_not_know_is_reported() {
    let world = World::new().await;
    let now = livekit_airtable::telemetry::now().as_second().to_string();
    let room = json!({"sid": "RM_gone", "name": "gone", "creationTime": now});
    let event = |name: &str| json!({"event": name, "id": format!("EV_{name}"), "createdAt": now, "room": room});
    world.hook(&event("room_started")).await;
    world
        .row_where("RM_gone", |row| text(row, "Error").contains("404"))
        .await;
    world.hook(&event("room_finished")).await;
    let row = world.row_is("RM_gone", "Failed").await;
    assert!(text(&row, "Error").contains("404"), "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_closes_before_its_recording_starts_fails() {
    let world = World::new().await;
    world.livekit.fail_next_start(9, StartFault::Unavailable);
    let call = world.livekit.open_room("desk");
    world.starts("desk", 1).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    assert!(text(&row, "Error").contains("503"), "{row:#?}");
    assert!(!text(&row, "Error").contains("Retrying"), "{row:#?}");
    assert!(world.egresses().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_starts_one_recording_and_stops_it() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.speak("desk");
    let wanted = json!({"room_name": "desk", "room_id": "AJ_job"});
    let first = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(first["room_id"], Value::String(call.clone()));
    assert_eq!(first["room_name"], "desk");
    assert_eq!(first["filename"], "recordings/AJ_job.mp3");
    let again = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(again["egress_id"], first["egress_id"]);
    assert_eq!(world.livekit.starts().len(), 1);

    let stop = format!(
        "/v1/recordings/{}/stop",
        first["egress_id"].as_str().unwrap()
    );
    for _ in 0..2 {
        let stopped = answer(world.post(&stop, &json!({})).await, 200).await;
        assert_eq!(stopped["egress_id"], first["egress_id"]);
        assert!(
            ["ending", "complete"].contains(&stopped["status"].as_str().unwrap()),
            "{stopped}"
        );
    }
    let second = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_ne!(second["egress_id"], first["egress_id"]);
    assert_eq!(second["filename"], "recordings/AJ_job-2.mp3");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(row["Egress ID"], second["egress_id"], "the newest");
    assert_eq!(world.rows().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_start_one_recording() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    world.livekit.open_room("desk");
    let wanted = json!({"room_name": "desk"});
    let post = || world.post("/v1/recordings", &wanted);
    let (one, two, three) = tokio::join!(post(), post(), post());
    let one = answer(one, 200).await;
    assert_eq!(one["egress_id"], answer(two, 200).await["egress_id"]);
    assert_eq!(one["egress_id"], answer(three, 200).await["egress_id"]);
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_what_is_not_there_gets_404_and_a_wrong_one_400() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let nowhere = json!({"room_name": "nowhere"});
    answer(world.post("/v1/recordings", &nowhere).await, 404).await;
    answer(
        world.post("/v1/recordings/EG_none/stop", &json!({})).await,
        404,
    )
    .await;
    answer(
        world.post("/v1/recordings", &json!({"room": "desk"})).await,
        400,
    )
    .await;
    assert!(world.livekit.starts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_livekit_token_records_its_own_room() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    world.livekit.open_room("desk");
    let ask = async |token: &str, status: u16| {
        let request = world.http.post(world.url("/v1/recordings"));
        let request = request
            .bearer_auth(token)
            .json(&json!({"room_name": "desk"}));
        answer(request.send().await.unwrap(), status).await
    };
    let grants = |room: &str, room_record| VideoGrants {
        room_record,
        room: room.into(),
        ..VideoGrants::default()
    };
    ask("no-token", 401).await;
    ask(&token(grants("desk", false)), 403).await;
    ask(&token(grants("other", true)), 403).await;
    let mine = token(grants("desk", true));
    let (head, _) = mine.rsplit_once('.').unwrap();
    ask(&format!("{head}.AAAA"), 401).await;
    let bare = world.http.post(world.url("/v1/recordings")).send().await;
    answer(bare.unwrap(), 401).await;
    assert!(world.livekit.starts().is_empty());
    ask(&mine, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_and_file_type_are_asked_for() {
    let settings = [
        ("RECORDING_CHANNELS", "dual"),
        ("RECORDING_FILE_TYPE", "ogg"),
    ];
    let world = World::with(&settings).await;
    world.talk("desk").await;
    let egresses = world.egresses().await;
    let request = &egresses[0]["roomComposite"];
    assert_eq!(request["audioMixing"], "DUAL_CHANNEL_AGENT");
    assert_eq!(request["fileOutputs"][0]["fileType"], "OGG");
    assert_eq!(request["advanced"]["audioCodec"], "OPUS");
    assert_eq!(request["audioOnly"], true);
    let key = request["fileOutputs"][0]["filepath"].as_str().unwrap();
    assert!(key.ends_with(".ogg"), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_records_beside_the_service_and_without_it() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    for running in [true, false] {
        if !running {
            world.stop().await;
        }
        let room = format!("desk-{running}");
        world.livekit.open_room(&room);
        let started = command(&world, &["record", "start", &room, "--room-id", &room]);
        assert_eq!(started["filename"], format!("recordings/{room}.mp3"));
        let again = command(&world, &["record", "start", &room]);
        assert_eq!(again["egress_id"], started["egress_id"]);
        let egress = started["egress_id"].as_str().unwrap();
        for _ in 0..2 {
            let stopped = command(&world, &["record", "stop", egress]);
            assert_eq!(stopped["status"], "aborted", "nobody spoke");
        }
        for wrong in [
            ["record", "start", "nowhere"],
            ["record", "stop", "EG_none"],
        ] {
            let refused = world.program(&wrong);
            assert_eq!(refused.status.code(), Some(1));
            assert!(refused.stdout.is_empty());
        }
    }
    assert_eq!(world.livekit.starts().len(), 2);
}

fn command(world: &World, arguments: &[&str]) -> Value {
    let output = world.program(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}
