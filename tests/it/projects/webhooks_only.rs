//! `key:secret:webhooks`: an earlier key of ours, whose webhooks count and which opens nothing.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    OTHER,
    senders::{both, egress_event, hook_as, other_hook, post_as, room_event, settled},
};
use crate::{
    harness::{World, agent, caller},
    play::{answer, text},
};

async fn worlds(more: &[(&str, &str)]) -> [World; 2] {
    let keys = format!("{}:{}:webhooks", OTHER.0, OTHER.1);
    both(&[&[("LIVEKIT_WEBHOOK_KEYS", keys.as_str())], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn its_webhooks_count_and_it_opens_nothing() {
    for world in worlds(&[]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let words = json!({ "turns": [{ "role": "user", "content": "Forged." }] });
        let start = json!({ "room_name": "desk" });
        for request in [("/v1/transcripts", &words), ("/v1/recordings", &start)] {
            let problem = answer(post_as(&world, OTHER, "desk", request).await, 401).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("no configured API key has signed"),
                "{detail}"
            );
        }
        let mut joined = room_event("participant_joined", &call, "desk");
        joined["participant"] = json!({ "sid": "PA_1", "identity": "sip_1", "kind": "SIP",
            "attributes": { "sip.phoneNumber": "+15551234567" } });
        other_hook(&world, &joined).await;
        let has_caller = |row: &Map<String, Value>| text(row, "Caller") == "+15551234567";
        world.row_where(&call, has_caller).await;
        hook_as(&world, OTHER, &room_event("room_finished", &call, "desk")).await;
        world
            .row_where(&call, |row| row.contains_key("Ended"))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_turn_a_link_to_another_object() {
    for world in worlds(&[]).await {
        let mut rows = Vec::new();
        for room in ["front", "desk"] {
            let call = world.livekit.open_room(room);
            world.livekit.join(room, agent());
            world.livekit.join(room, caller("+15551234567"));
            world.starts(room, 1).await;
            world.livekit.speak(room);
            world.livekit.close_room(room);
            rows.push(world.row_is(&call, "Complete").await);
        }
        // Nobody's object, and another call's.
        let stray = world.object("recordings/stray.mp3");
        std::fs::write(&stray, b"another conversation").unwrap();
        let (call, egress) = (text(&rows[1], "Call ID"), text(&rows[1], "Egress ID"));
        let another = format!("recordings/{}.mp3", text(&rows[0], "Call ID"));
        for key in ["recordings/stray.mp3", &another] {
            let forged = egress_event("egress_ended", egress, (call, "desk"), key);
            other_hook(&world, &forged).await;
            settled(&world).await;
            // A change of the row would be there by now.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let row = world.row(call).await.unwrap();
            let link = text(&row, "Recording URL");
            assert!(link.contains(call) && !link.contains("stray"), "{link}");
            assert_eq!(text(&row, "Error"), "");
            let front = world.row(text(&rows[0], "Call ID")).await.unwrap();
            assert_eq!(text(&front, "Error"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_livekit_lists_is_believed() {
    for world in worlds(&[("RECORD_ON", "manual")]).await {
        world.livekit.sign_webhooks_with(OTHER.0, OTHER.1);
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", caller("+15551234567"));
        world.agent_starts("desk", "agents/own-name.mp3").await;
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        let link = text(&row, "Recording URL");
        assert!(link.contains("own-name"), "{link}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_only_it_names_leaves_no_call_unrecorded() {
    for world in worlds(&[("RECORD_ON", "participant_joined")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let key = "agents/own-name.mp3";
        let forged = egress_event("egress_started", "EG_forged", (&call, "desk"), key);
        other_hook(&world, &forged).await;
        settled(&world).await;
        world.livekit.join("desk", caller("+15551234567"));
        world.starts("desk", 1).await;
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let forged = egress_event("egress_ended", "EG_late", (&call, "desk"), key);
        other_hook(&world, &forged).await;
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Error"), "");
    }
}
