//! Captions that a player shows as they were spoken, within the file that the row's link plays.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    read, report, taken,
    times::{FILE, recorded},
    turns,
};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn signs_are_escaped_and_cues_are_in_order() {
    let world = World::new().await;
    let call = recorded(&world, "cues").await;
    let conversation = json!([
        { "role": "assistant", "content": "Long before.", "created_at": FILE - 30.0 },
        { "role": "user", "content": "Before.", "start": -3 },
        { "role": "assistant", "content": "At 60.", "start": 60, "end": 62 },
        { "role": "user", "content": "Untimed." },
        { "role": "user", "content": "AT&T: 3 < 5 ok > no --> yes", "start": 70 },
        { "role": "assistant", "content": "Late.", "start": 90 },
        { "role": "assistant", "content": "Early.", "start": 80 },
        { "role": "user", "content": "Last." },
    ]);
    taken(&world, "cues", &conversation, 8).await;
    let expected = "WEBVTT\n\n\
        NOTE before the recording\nAgent: Long before.\n\n\
        00:00:00.000 --> 00:00:02.000\nCaller: Before.\n\n\
        00:01:00.000 --> 00:01:02.000\nAgent: At 60.\n\n\
        00:01:06.000 --> 00:01:10.000\nCaller: Untimed.\n\n\
        00:01:10.000 --> 00:01:20.000\nCaller: AT&amp;T: 3 &lt; 5 ok &gt; no --&gt; yes\n\n\
        00:01:20.000 --> 00:01:25.000\nAgent: Early.\n\n\
        00:01:25.000 --> 00:01:30.000\nCaller: Last.\n\n\
        00:01:30.000 --> 00:01:35.000\nAgent: Late.\n";
    assert_eq!(read(&world, &call, "vtt").await, expected);
    assert_eq!(turns(&world, &call).await[1]["start"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_another_part_have_no_place_in_the_file() {
    let world = World::new().await;
    let (call, _) = world.talk("part").await;
    world.livekit.set_recording_length(Duration::from_secs(9));
    world.livekit.close_room("part");
    world.row_is(&call, "Complete").await;
    let body = json!({ "room_id": call, "turns": [
        { "speaker": "agent", "text": "Here.", "start": 2 },
        { "speaker": "caller", "text": "Elsewhere.", "start": 12.761 },
    ]});
    assert_eq!(report(&world, "", &body).await.0, 202);
    let turns = turns(&world, &call).await;
    let starts: Vec<&Value> = turns.iter().map(|turn| &turn["start"]).collect();
    assert_eq!(starts, [&json!(2.0), &json!(null)]);
    let expected = "WEBVTT\n\nNOTE after the recording\nCaller: Elsewhere.\n\n\
        00:00:02.000 --> 00:00:09.000\nAgent: Here.\n";
    assert_eq!(read(&world, &call, "vtt").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_text_loses_the_markup_of_the_agent_that_it_names() {
    let world = World::new().await;
    let (call, _) = world.talk("text").await;
    let body = json!({ "room_id": call, "transcript":
        "Agent (Ava): <break/>hi [laughs]\nsip_+15551112222: 3 < 5 <break/>\nagent-AJ_7: <expr type=\"x\" label=\"y\"/> hello" });
    assert_eq!(report(&world, "", &body).await.0, 202);
    let expected = "Agent (Ava): hi\nsip_+15551112222: 3 < 5 <break/>\nagent-AJ_7: hello";
    super::row_has(&world, &call, expected).await;
    assert_eq!(read(&world, &call, "txt").await, expected);
}
