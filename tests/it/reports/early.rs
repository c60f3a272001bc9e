//! Reports that come before their call: names with blanks, and speakers who are participants of it.

use livekit_airtable_sim::livekit::Person;
use serde_json::{Value, json};

use super::{both, report, row_has};
use crate::{
    harness::{World, agent, caller},
    reader::Row,
    signed_webhooks::send,
};

/// Long before the tests.
const START: i64 = 1_763_884_800;
const WORDS: &str = "Agent: Hello.\nCaller: Hi.";

fn by_identity() -> Value {
    json!([
        { "participant_identity": "agent-ava", "text": "Hello." },
        { "participant_identity": "guest 12 of the desk", "text": "Hi." },
    ])
}

fn guest() -> Person {
    let mut guest = caller("+15550100");
    guest.identity = "guest 12 of the desk".into();
    guest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_the_body_is_not_read_as_another() {
    for world in both().await {
        let other = world.livekit.open_room("desk+5551234567");
        world.row_is(&other, "Live").await;
        let body =
            json!({ "room": "desk 5551234567", "turns": [{ "role": "user", "content": "Mine." }] });
        let (status, answer) = report(&world, "", &body).await;
        assert_eq!(
            (status, &answer["call_id"]),
            (202, &Value::Null),
            "{answer}"
        );
        assert_eq!(answer["room_name"], "desk 5551234567");
        let call = world.livekit.open_room("desk 5551234567");
        row_has(&world, &call, "Caller: Mine.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_the_query_waits_for_a_call_with_a_blank_or_a_plus() {
    for world in both().await {
        let body = json!([{ "role": "user", "content": "Early." }]);
        for (query, room) in [
            ("?room=front+5551234567", "front 5551234567"),
            ("?room=side%205551234567", "side 5551234567"),
            ("?room=back+5551234567", "back+5551234567"),
            ("?room=my%20door+5551234567", "my door+5551234567"),
        ] {
            let (status, answer) = report(&world, query, &body).await;
            assert_eq!((status, &answer["call_id"]), (202, &Value::Null), "{query}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("“{room}”")), "{detail}");
            let call = world.livekit.open_room(room);
            let row = row_has(&world, &call, "Caller: Early.").await;
            assert_eq!(row["Room"], room);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn speakers_are_read_when_the_participants_become_known() {
    for world in both().await {
        let (status, answer) = report(&world, "?room=early", &by_identity()).await;
        assert_eq!(
            (status, &answer["call_id"]),
            (202, &Value::Null),
            "{answer}"
        );
        assert_eq!(answer["ignored"], Value::Null, "{answer}");
        let call = world.livekit.open_room("early");
        world.row_is(&call, "Live").await;
        world.livekit.join("early", agent());
        world.livekit.join("early", guest());
        row_has(&world, &call, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_call_of_the_room_does_not_decide_who_speaks() {
    let world = World::new().await;
    let of_yesterday = |event: &str, created_at: i64| {
        json!({ "id": event, "event": event, "createdAt": created_at.to_string(),
                "room": { "sid": "RM_old", "name": "daily", "creationTime": (START - 60).to_string() } })
    };
    for (event, at) in [("room_started", START - 60), ("room_finished", START)] {
        assert_eq!(send(&world, of_yesterday(event, at).to_string()).await, 200);
    }
    world
        .row_where("RM_old", |row: &Row| row.contains_key("Ended"))
        .await;
    let (status, answer) = report(&world, "?room=daily", &by_identity()).await;
    assert_eq!(
        (status, &answer["call_id"]),
        (202, &Value::Null),
        "{answer}"
    );
    let call = world.livekit.open_room("daily");
    world.livekit.join("daily", agent());
    world.livekit.join("daily", guest());
    row_has(&world, &call, WORDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_only_reports_have_named_waits_for_its_participants() {
    let world = World::new().await;
    let call = "RM_SidEarly";
    let body = json!({ "room_id": call, "turns": [by_identity()[1]] });
    for _ in 0..2 {
        let (status, answer) = report(&world, "", &body).await;
        assert_eq!(status, 202, "{answer}");
    }
    world.livekit.adopt_room("sid-early", call);
    world.livekit.join("sid-early", agent());
    world.livekit.join("sid-early", guest());
    row_has(&world, call, "Caller: Hi.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_words_is_refused_before_the_call_too() {
    let world = World::new().await;
    for body in [json!([{ "text": "Hello there." }]), json!([17])] {
        let (status, problem) = report(&world, "?room=never", &body).await;
        assert_eq!(status, 400, "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_with_names_like_a_tools_are_heard_or_counted() {
    for world in both().await {
        let call = world.livekit.open_room("tools");
        for name in ["Tooley", "system-7"] {
            let mut person = caller("+15550100");
            person.identity = name.to_owned();
            world.livekit.join("tools", person);
        }
        world
            .row_where(&call, |row: &Row| row.contains_key("Caller"))
            .await;
        let turns = json!([
            { "speaker": "Tooley", "text": "Hi." },
            { "speaker": "system-7", "text": "Hello." },
            { "speaker": "Toolman", "text": "Boo." },
            { "role": "tool_call_result", "content": "secret" },
        ]);
        let (status, answer) = report(&world, "?room=tools", &turns).await;
        let counts = (status, &answer["turns"], &answer["ignored"]);
        assert_eq!(counts, (202, &json!(2), &json!(1)), "{answer}");
        row_has(&world, &call, "Caller: Hi.\nCaller: Hello.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_page_of_a_room_lists_no_other_room() {
    for world in both().await {
        let other = world.livekit.open_room("list+12");
        world.row_is(&other, "Live").await;
        let own = world.livekit.open_room("list 12");
        world.row_is(&own, "Live").await;
        let page = async |query: &str| -> Value {
            let answer = world.get(&format!("/v1/calls?{query}")).await;
            answer.json().await.unwrap()
        };
        let newest = page("limit=1").await;
        assert_eq!(newest["calls"][0]["call_id"], json!(own));
        let cursor = newest["next_cursor"].as_str().unwrap();
        for query in [format!("cursor={cursor}"), "status=failed".to_owned()] {
            let empty = page(&format!("room_name=list+12&{query}")).await;
            assert_eq!(empty["calls"], json!([]), "{query}");
        }
        let found = page("room_name=list%2B12").await;
        assert_eq!(found["calls"][0]["call_id"], json!(other));
    }
}
