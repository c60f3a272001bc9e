//! Names of rooms with a `+` that became a blank, and rooms that are not known yet.

use livekit_api::access_token::VideoGrants;
use serde_json::{Value, json};

use super::{both, report, row_has};
use crate::harness::{World, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_plus_in_the_query_finds_its_room() {
    for world in both().await {
        let call = world.livekit.open_room("call-+15550100");
        let desk = world.livekit.open_room("desk 12");
        for call in [&call, &desk] {
            world.row_is(call, "Live").await;
        }
        let body = json!([{ "role": "user", "content": "Hi." }]);
        for (query, found, room) in [
            ("?room=call-+15550100", &call, "call-+15550100"),
            ("?room_name=call-%2B15550100", &call, "call-+15550100"),
            ("?room=call-%2015550100", &call, "call-+15550100"),
            ("?room=desk+12", &desk, "desk 12"),
            ("?room=desk%2012", &desk, "desk 12"),
        ] {
            let (status, answer) = report(&world, query, &body).await;
            assert_eq!(status, 202, "{answer}");
            assert_eq!(
                (&answer["call_id"], &answer["room_name"]),
                (&json!(found), &json!(room)),
                "{query}"
            );
        }
        row_has(&world, &call, "Caller: Hi.").await;
        let page: Value = world
            .get("/v1/calls?room_name=call-+15550100")
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(page["calls"][0]["call_id"], json!(call));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_waits_says_for_which_room() {
    for world in both().await {
        let body = json!([{ "role": "user", "content": "Early." }]);
        let (status, answer) = report(&world, "?room=late-+15550100", &body).await;
        assert_eq!((status, &answer["call_id"]), (202, &Value::Null));
        assert_eq!(answer["room_name"], "late-+15550100");
        assert!(
            answer["detail"]
                .as_str()
                .unwrap()
                .contains("“late-+15550100”"),
            "{answer}"
        );
        let call = world.livekit.open_room("late-+15550100");
        row_has(&world, &call, "Caller: Early.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_room_decides_what_a_blank_means() {
    let world = World::new().await;
    let token = token(VideoGrants {
        room_admin: true,
        room: "line+7".into(),
        ..Default::default()
    });
    let request = world.http.post(world.url("/v1/transcripts?room=line+7"));
    let request = request
        .bearer_auth(token)
        .body(r#"[{"role":"user","content":"Hi."}]"#);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["room_name"], "line+7");
}
