//! Markup for the voice is not what was said.

use serde_json::{Value, json};

use super::{read, row_has, taken, turns};
use crate::{harness::World, mirror::Receiver};

#[tokio::test(flavor = "multi_thread")]
async fn markup_is_in_no_form_of_the_transcript_and_the_callers_signs_are_in_all() {
    let (receiver, url) = Receiver::start(&[]).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (call, _) = world.talk("markup").await;
    let report = json!({ "chat_history": { "items": [
        { "id": "a", "type": "message", "role": "assistant", "content": [
            "<speak><expr type=\"expression\" label=\"warm\"/> Hello! <break time=\"500ms\"/> Your code is <spell>A7X9</spell>.</speak>",
        ] },
        { "id": "b", "type": "message", "role": "user", "content": ["Is 3 < 5? <break/> [laughs]"] },
        { "id": "c", "type": "message", "role": "assistant", "content": [
            "[laughs] 3 < 5, <whisper>of course</whisper>. <emotion value=\"happy\"/> Press [Enter].",
        ] },
        { "id": "d", "type": "message", "role": "assistant", "content": ["<break time=\"1s\"/>"] },
    ]}});
    taken(&world, "markup", &report, 3).await;
    let words = "Agent: Hello! Your code is A7X9.\nCaller: Is 3 < 5? <break/> [laughs]\n\
                 Agent: 3 < 5, of course. Press [Enter].";
    row_has(&world, &call, words).await;
    assert_eq!(read(&world, &call, "txt").await, words);
    let vtt = read(&world, &call, "vtt").await;
    let escaped = words.replace('<', "&lt;").replace('>', "&gt;");
    for line in escaped.lines() {
        assert!(vtt.contains(line), "{vtt}");
    }
    let spoken: Vec<Value> = turns(&world, &call)
        .await
        .iter()
        .map(|turn| turn["text"].clone())
        .collect();
    let wanted = [
        "Hello! Your code is A7X9.",
        "Is 3 < 5? <break/> [laughs]",
        "3 < 5, of course. Press [Enter].",
    ];
    assert_eq!(spoken, wanted);
    world.livekit.close_room("markup");
    world.row_is(&call, "Complete").await;
    let came = receiver.hears(1).await;
    let body: Value = serde_json::from_slice(&came[0].1).unwrap();
    assert_eq!(body["transcript"], words);
}
