//! An egress that heard nothing: "No recording" is for silence only.

use serde_json::json;

use super::{engines, error_has, refs};
use crate::{
    harness::{World, agent, caller},
    mirror::Receiver,
    play::text,
};

/// A call whose egress has heard nothing yet.
async fn quiet(world: &World, room: &str) -> (String, String) {
    let call = world.livekit.open_room(room);
    world.livekit.join(room, agent());
    world.livekit.join(room, caller("+15551234567"));
    let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
    let egress = row.await["Egress ID"].as_str().unwrap().to_owned();
    (call, egress)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_published_and_were_not_heard_are_a_failure_that_alerts() {
    for engine in engines().await {
        let (alerts, url) = Receiver::start(&[]).await;
        let world = World::with(&refs(&engine, &[("ALERT_WEBHOOK_URL", &url)])).await;
        for n in 0..3 {
            let room = format!("desk-{n}");
            let (call, _) = quiet(&world, &room).await;
            world.livekit.publish(&room, "sip_+15551234567");
            world.livekit.close_room(&room);
            let row = world.row_is(&call, "Failed").await;
            assert!(error_has("although people spoke")(&row), "{row:#?}");
            assert!(error_has("Start signal not received")(&row), "{row:#?}");
        }
        let alert = String::from_utf8(alerts.hears(1).await[0].1.to_vec()).unwrap();
        assert!(alert.contains("The last 3 recordings failed"), "{alert}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_transcript_are_speech() {
    let world = World::new().await;
    let (call, _) = quiet(&world, "desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "No recording").await;
    let report = json!({"room_id": call, "turns": [{"speaker": "caller", "text": "Hello?"}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let row = world.row_is(&call, "Failed").await;
    assert!(error_has("although people spoke")(&row), "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_alone_is_silence() {
    let world = World::new().await;
    let (call, _) = quiet(&world, "desk").await;
    world.livekit.publish("desk", "agent-ava");
    let report = json!({"room_id": call, "turns": []});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "No recording").await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_hears_nothing_in_an_open_room_is_started_again() {
    let world = World::new().await;
    let (call, egress) = quiet(&world, "desk").await;
    world.livekit.publish("desk", "sip_+15551234567");
    world.livekit.abort_egress(&egress);
    world.starts("desk", 2).await;
    world.livekit.speak("desk");
    let second = |row: &_| !["", egress.as_str()].contains(&text(row, "Egress ID"));
    world.row_where(&call, second).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(error_has(&egress)(&row), "{row:#?}");
}
