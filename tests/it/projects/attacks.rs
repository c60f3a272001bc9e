//! Another project's key signs whatever it likes about our calls: nothing of them changes.

use serde_json::{Map, Value, json};

use super::{
    OTHER, keys, other_project,
    senders::{both, egress_event, other_hook, post_as, room_event, settled},
};
use crate::{
    harness::{World, agent, caller},
    play::{answer, text},
};

/// A recorded call in the room `desk` with a transcript, and its egress.
async fn recorded(world: &World) -> (String, String) {
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    let has_egress = |row: &Map<String, Value>| row.contains_key("Egress ID");
    let row = world.row_where(&call, has_egress).await;
    let words = json!({ "room": "desk", "room_id": call, "turns": [{ "role": "user", "content": "Ours." }] });
    answer(world.post("/v1/transcripts", &words).await, 202).await;
    (call, text(&row, "Egress ID").to_owned())
}

/// The audio that a call's link plays.
async fn audio(world: &World, row: &Map<String, Value>) -> Vec<u8> {
    let got = world.http.get(text(row, "Recording URL")).send().await;
    got.unwrap().bytes().await.unwrap().to_vec()
}

async fn attack(world: &World, call: &str, egress: &str, stolen: &str) {
    let name = "desk";
    other_hook(
        world,
        &egress_event("egress_ended", egress, (call, name), stolen),
    )
    .await;
    other_hook(
        world,
        &egress_event("egress_ended", egress, ("", name), stolen),
    )
    .await;
    other_hook(
        world,
        &egress_event("egress_ended", egress, ("RM_theirs", name), stolen),
    )
    .await;
    other_hook(
        world,
        &egress_event("egress_started", "EG_forged", (call, name), stolen),
    )
    .await;
    other_hook(
        world,
        &egress_event("egress_started", "EG_named", ("", name), stolen),
    )
    .await;
    other_hook(world, &room_event("room_started", call, "renamed")).await;
    let mut joined = room_event("participant_joined", call, name);
    joined["participant"] = json!({ "sid": "PA_forged", "identity": "sip_+15550000001", "kind": "SIP",
        "attributes": { "sip.phoneNumber": "+15550000001" } });
    other_hook(world, &joined).await;
    other_hook(world, &room_event("room_finished", call, name)).await;
    let words = json!({ "room": name, "room_id": call, "turns": [{ "role": "user", "content": "Forged." }] });
    let by_sid = post_as(world, OTHER, name, ("/v1/transcripts", &words));
    answer(by_sid.await, 403).await;
    let words = json!({ "turns": [{ "role": "user", "content": "Forged." }] });
    let by_name = post_as(world, OTHER, name, ("/v1/transcripts", &words));
    let waits = answer(by_name.await, 202).await;
    assert_ne!(waits["call_id"], call, "{waits}");
    let start = json!({ "room_name": name });
    let started = post_as(world, OTHER, name, ("/v1/recordings", &start));
    let problem = answer(started.await, 403).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("another LiveKit project"), "{detail}");
    let stop = format!("/v1/recordings/{egress}/stop");
    let stopped = post_as(world, OTHER, name, (&stop, &json!({}))).await;
    answer(stopped, 403).await;
    settled(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_key_changes_nothing_of_our_calls() {
    let keys = keys();
    let settings = [("LIVEKIT_WEBHOOK_KEYS", keys.as_str())];
    for world in both(&settings).await {
        let (first, _) = recorded(&world).await;
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let first = world.row_is(&first, "Complete").await;
        let stolen = format!("recordings/{}.mp3", text(&first, "Call ID"));

        let (call, egress) = recorded(&world).await;
        attack(&world, &call, &egress, &stolen).await;
        let row = world.row(&call).await.unwrap();
        let shown = ["Status", "Room", "Caller", "Egress ID", "Error"];
        let shown = shown.map(|column| text(&row, column));
        assert_eq!(shown, ["Live", "desk", "+15551234567", &egress, ""]);
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        attack(&world, &call, &egress, &stolen).await;
        let after = world.row(&call).await.unwrap();
        assert_eq!(row, after);
        assert_eq!(
            (text(&row, "Transcript"), text(&row, "Error")),
            ("Caller: Ours.", "")
        );
        assert!(!audio(&world, &row).await.is_empty());
        let link = text(&row, "Recording URL");
        assert!(link.contains(&call), "{link}");
        assert_eq!(world.livekit.starts().len(), 2, "each was recorded once");
        // It is the same when the calls are rebuilt.
        assert!(world.program(&["replay"]).status.success());
        settled(&world).await;
        let shown = world.get(&format!("/v1/calls/{call}")).await;
        let shown = answer(shown, 200).await;
        assert_eq!(
            shown["recordings"].as_array().unwrap().len(),
            1,
            "{shown:#}"
        );
        assert_eq!(text(&world.row(&call).await.unwrap(), "Error"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_another_project_names_does_not_stand_for_ours() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECORD_ON", "participant_joined"),
    ];
    for world in both(&settings).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let forged = |id: &str, sid: &str| {
            let key = format!("recordings/{call}.mp3");
            egress_event("egress_started", id, (sid, "desk"), &key)
        };
        other_hook(&world, &forged("EG_named", "")).await;
        other_hook(&world, &forged("EG_forged", &call)).await;
        settled(&world).await;
        world.livekit.join("desk", caller("+15551234567"));
        world.starts("desk", 1).await;
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Error"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_ours_that_another_project_named_first_is_ours() {
    let keys = keys();
    let settings = [("LIVEKIT_WEBHOOK_KEYS", keys.as_str())];
    for world in both(&settings).await {
        let sid = "RM_takenOver";
        let key = format!("recordings/{sid}.mp3");
        for event in [
            room_event("room_started", sid, "theirs"),
            egress_event("egress_ended", "EG_forged", (sid, "theirs"), &key),
            room_event("room_finished", sid, "theirs"),
        ] {
            other_hook(&world, &event).await;
        }
        world.row_where(sid, |row| row.contains_key("Ended")).await;
        world.livekit.adopt_room("desk", sid);
        world.livekit.join("desk", caller("+15551234567"));
        world.starts("desk", 1).await;
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(sid, "Complete").await;
        let shown = ["Room", "Caller", "Error"].map(|column| text(&row, column));
        assert_eq!(shown, ["desk", "+15551234567", ""]);
        assert_ne!(text(&row, "Egress ID"), "EG_forged");
        assert_eq!(world.rows_of(sid).await.len(), 1, "it stays one row");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_project_has_the_words_for_its_room_of_that_name() {
    let keys = keys();
    let settings = [("LIVEKIT_WEBHOOK_KEYS", keys.as_str())];
    for world in both(&settings).await {
        let other = other_project(&world).await;
        let ours = world.livekit.open_room("desk");
        world.row_is(&ours, "Live").await;
        let theirs = other.open_room("desk");
        world.row_is(&theirs, "Live").await;
        let words = |text| json!({ "turns": [{ "role": "user", "content": text }] });
        let said = words("Theirs.");
        let sent = post_as(&world, OTHER, "desk", ("/v1/transcripts", &said));
        assert_eq!(answer(sent.await, 202).await["call_id"], theirs.as_str());
        let has =
            |words: &'static str| move |row: &Map<String, Value>| text(row, "Transcript") == words;
        world.row_where(&theirs, has("Caller: Theirs.")).await;
        // Theirs is the newer one of that name.
        let said = words("Ours.");
        let sent = world.post("/v1/transcripts?room=desk", &said);
        assert_eq!(answer(sent.await, 202).await["call_id"], ours.as_str());
        world.row_where(&ours, has("Caller: Ours.")).await;
        let key = (crate::harness::KEY, crate::harness::SECRET);
        let mut by_sid = words("Ours again.");
        by_sid["room_id"] = json!(theirs);
        let sent = post_as(&world, key, "desk", ("/v1/transcripts", &by_sid));
        answer(sent.await, 403).await;
        assert!(has("Caller: Theirs.")(&world.row(&theirs).await.unwrap()));
        other.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_ours_that_another_project_named_first_is_found_in_livekits_list() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    for world in both(&settings).await {
        let sid = "RM_listed";
        other_hook(&world, &room_event("room_started", sid, "theirs")).await;
        other_hook(&world, &room_event("room_finished", sid, "theirs")).await;
        world.row_where(sid, |row| row.contains_key("Ended")).await;
        world.livekit.lose_webhooks(true);
        world.livekit.adopt_room("desk", sid);
        world.livekit.join("desk", caller("+15551234567"));
        world.starts("desk", 1).await;
        let row = world.row_is(sid, "Live").await;
        assert_eq!((text(&row, "Room"), text(&row, "Error")), ("desk", ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rooms_of_another_project_hide_none_of_ours() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECORD_ON", "manual"),
    ];
    for world in both(&settings).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        for n in 0..60 {
            let sid = format!("RM_theirs{n}");
            other_hook(&world, &room_event("room_started", &sid, "desk")).await;
        }
        settled(&world).await;
        let start = json!({ "room_name": "desk" });
        let started = answer(world.post("/v1/recordings", &start).await, 200).await;
        assert_eq!(started["room_id"], call.as_str());
        let words = json!({ "turns": [{ "role": "user", "content": "Ours." }] });
        let sent = world.post("/v1/transcripts?room=desk", &words).await;
        assert_eq!(answer(sent, 202).await["call_id"], call.as_str());
        assert_eq!(world.livekit.starts().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_and_an_object_that_another_project_names_first_are_ours() {
    let keys = keys();
    let settings = [
        ("LIVEKIT_WEBHOOK_KEYS", keys.as_str()),
        ("RECORD_ON", "manual"),
        ("RECORDING_PATH", "rec/{room_name}.mp3"),
        ("PUBLIC_URL", "https://calls.example.com"),
    ];
    for world in both(&settings).await {
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", caller("+15551234567"));
        world.livekit.lose_webhooks(true);
        let info = world.agent_starts("desk", "rec/desk.mp3").await;
        let egress = info["egressId"].as_str().unwrap();
        // Another project has a room of that name, and says the same of the egress and the object.
        let forged = egress_event(
            "egress_ended",
            egress,
            ("RM_theirs", "desk"),
            "rec/desk.mp3",
        );
        other_hook(&world, &forged).await;
        world.row_where("RM_theirs", |_| true).await;
        world.livekit.lose_webhooks(false);
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Error"), "");
        let link = text(&row, "Recording URL").replace("https://calls.example.com", "");
        assert_eq!(world.get(&link).await.status(), 302);
        let theirs = world.row("RM_theirs").await.unwrap();
        assert_eq!(text(&theirs, "Recording URL"), "", "{theirs:#?}");
    }
}
