//! Positions by the clocks: seconds after `file_results[0].started_at` of the file that has the words.

use serde_json::{Value, json};

use super::{File, ROOM, both, ended, message, session, times, transcript};

const ONE: [File; 1] = [File {
    egress: "one",
    begin: 2.5,
    length: 60.0,
}];

fn spoken(from: f64, to: f64) -> Value {
    json!({ "started_speaking_at": ROOM as f64 + from, "stopped_speaking_at": ROOM as f64 + to })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_counts_from_the_beginning_of_the_file() {
    for world in both(&[]).await {
        ended(&world, "RM_metrics", &ONE).await;
        let at = |seconds: f64| ROOM as f64 + seconds;
        let camel = json!({ "startedSpeakingAt": at(20.0), "stoppedSpeakingAt": at(22.0) });
        let items = [
            message("assistant", "Before the file.", at(1.0), spoken(1.0, 2.25)),
            message(
                "assistant",
                "The first sound.",
                at(2.375),
                spoken(2.375, 3.25),
            ),
            message("assistant", "Hello.", at(3.75), spoken(3.75, 5.25)),
            message("user", "Hi, it is me.", at(12.0), spoken(8.5, 10.0)),
            message("user", "In JavaScript.", at(25.0) * 1e3, camel),
            message("assistant", "After the file.", at(70.0), spoken(70.0, 71.0)),
        ];
        let body = session("RM_metrics", &items);
        assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
        let read = transcript(&world, "RM_metrics", 6).await;
        let none = (Value::Null, Value::Null);
        let known = |from: f64, to: f64| (json!(from), json!(to));
        let expected = [
            none.clone(),
            known(0.0, 0.75),
            known(1.25, 2.75),
            known(6.0, 7.5),
            known(17.5, 19.5),
            none,
        ];
        assert_eq!(times(&read), expected);
        assert_eq!(
            (&read["offset"], &read["call_id"]),
            (&Value::Null, &json!("RM_metrics"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_metrics_a_caller_spoke_before_the_turn_was_created() {
    for world in both(&[]).await {
        ended(&world, "RM_created", &ONE).await;
        let at = |seconds: f64| ROOM as f64 + seconds;
        let nine = "one two three four five six seven eight nine";
        let items = [
            message("assistant", "Hello there.", at(4.5), json!({})),
            message("user", nine, at(12.5), json!({})),
            message("assistant", "Yes?", at(13.0), spoken(13.0, 20.5)),
            message("user", nine, at(21.5), json!({})),
        ];
        let body = session("RM_created", &items);
        assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
        let read = transcript(&world, "RM_created", 4).await;
        let starts: Vec<Value> = times(&read).into_iter().map(|(start, _)| start).collect();
        // Nine words take 3.333 s; the last caller did not speak before the agent ended.
        assert_eq!(starts, [json!(2.0), json!(6.667), json!(10.5), json!(18.0)]);
        let approximate = read["turns"].as_array().unwrap().iter();
        let approximate: Vec<bool> = approximate
            .map(|turn| turn["approximate"] == json!(true))
            .collect();
        assert_eq!(approximate, [true, true, false, true]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_in_the_part_whose_time_they_have() {
    for world in both(&[]).await {
        let parts = [
            File {
                egress: "short",
                begin: 2.0,
                length: 10.0,
            },
            File {
                egress: "long",
                begin: 20.0,
                length: 30.0,
            },
        ];
        ended(&world, "RM_parts", &parts).await;
        let at = |seconds: f64| ROOM as f64 + seconds;
        let items = [
            message("assistant", "First.", at(5.0), spoken(5.0, 6.0)),
            message("assistant", "Between.", at(15.0), spoken(15.0, 16.0)),
            message("assistant", "Second.", at(25.0), spoken(25.0, 26.0)),
        ];
        let body = session("RM_parts", &items);
        assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
        let read = transcript(&world, "RM_parts", 3).await;
        let none = (Value::Null, Value::Null);
        assert_eq!(
            times(&read),
            [(json!(3.0), json!(4.0)), none, (json!(5.0), json!(6.0))]
        );
        let parts: Vec<&Value> = read["turns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|turn| &turn["egress_id"])
            .collect();
        assert_eq!(
            parts,
            [&json!("EG_RM_parts_short"), &Value::Null, &Value::Null]
        );
    }
}
