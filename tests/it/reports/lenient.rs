//! What cannot be parsed beside the words costs nobody the words.

use serde_json::json;

use super::{both, post, row_has, taken};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn numbers_out_of_range_and_deep_values_cost_no_words() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let objects = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let digits = "7".repeat(500);
    let turn = r#""role":"user","content":"Hi.""#;
    let bodies = [
        format!(r#"{{"usage":1e999,"turns":[{{{turn}}}]}}"#),
        format!(r#"[{{{turn},"metrics":{{"x":-1E400,"y":[{digits}]}}}}]"#),
        format!(r#"{{"usage":{},"turns":[{{{turn}}}]}}"#, deep(200)),
        format!(
            r#"{{"usage":{},"chat_history":{{"items":[{{{turn}}}],"x":{objects}}}}}"#,
            deep(100_000)
        ),
        format!(r#"[{{"extra":{objects},{turn}}}]"#),
        format!(
            r#"{{"events":[{{"type":"x","y":{}}}],"turns":[{{{turn},"z":1e-999}}]}}"#,
            deep(140)
        ),
        format!("{{{turn},\"n\":1e999}}\n"),
    ];
    for world in both().await {
        for (n, body) in bodies.iter().enumerate() {
            let room = format!("lenient-{n}");
            let call = world.livekit.open_room(&room);
            world.row_is(&call, "Live").await;
            let query = format!("?room={room}");
            let (status, answer) = post(
                &world,
                &query,
                Default::default(),
                body.clone().into_bytes(),
            )
            .await;
            assert_eq!(
                (status, &answer["turns"]),
                (202, &json!(1)),
                "{n}: {answer}"
            );
            row_has(&world, &call, "Caller: Hi.").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fields_that_are_read_survive_large_ones_beside_them() {
    let world = World::new().await;
    let call = world.livekit.open_room("large-fields");
    world.row_is(&call, "Live").await;
    let many: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("a{n}"), json!(n))).collect();
    let mut body = json!({ "aa": vec![json!({ "": 0 }); 50_000], "job_id": "AJ_1", "turns": [{ "role": "user", "content": "Hi." }] });
    body.as_object_mut().unwrap().extend(many);
    taken(&world, "large-fields", &body, 1).await;
    row_has(&world, &call, "Caller: Hi.").await;
    // The job is known: this one is joined.
    let second = json!({ "job_id": "AJ_2", "turns": [{ "role": "user", "content": "Bye." }] });
    taken(&world, "large-fields", &second, 1).await;
    row_has(&world, &call, "Caller: Hi.\nCaller: Bye.").await;
}
