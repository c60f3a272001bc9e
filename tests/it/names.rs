//! Room names that are no file names: from room_started to a link that plays.

use serde_json::{Value, json};

use crate::{
    harness::{World, agent},
    play::answer,
};

fn names() -> Vec<String> {
    vec![
        "a/b/../../etc/passwd".to_owned(),
        "..".to_owned(),
        ".".to_owned(),
        ".hidden".to_owned(),
        "plus+space and%20percent %2F".to_owned(),
        "hash#query?x=1&y=2".to_owned(),
        "📞 Ünïcode ☎".to_owned(),
        "line\nbreak\r\n\ttab".to_owned(),
        "{room_id}{time}".to_owned(),
        "quote'\"<b>;\\".to_owned(),
        "x".repeat(256),
        "é".repeat(128),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn any_room_name_ends_in_a_link_that_plays() {
    let path = "rec/{room_name}/{date}-{time}.mp3";
    let world = World::with(&[("RECORDING_PATH", path)]).await;
    let mut calls = Vec::new();
    for name in names() {
        let call = world.livekit.open_room(&name);
        world.livekit.join(&name, agent());
        world.starts(&name, 1).await;
        world.livekit.speak(&name);
        world.livekit.close_room(&name);
        calls.push((name, call));
    }
    for (name, call) in calls {
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(row["Room"], name.as_str());
        assert!(!row.contains_key("Error"), "{row:#?}");
        let url = row["Recording URL"].as_str().unwrap();
        let audio = world.http.get(url).send().await.unwrap();
        assert_eq!(audio.status(), 200, "{name:?}: {url}");
        let size = audio.bytes().await.unwrap().len();
        assert_eq!(row["Recording size"], size);
        let key = key(&world, &call).await;
        let parts: Vec<&str> = key.split('/').collect();
        assert_eq!(parts.len(), 3, "{key:?}");
        assert_eq!(parts[0], "rec");
        assert!(
            !key.contains("..") && !key.contains(char::is_control),
            "{key:?}"
        );
        assert!(parts.iter().all(|part| part.len() <= 200), "{key:?}");
        assert!(parts.iter().all(|part| *part != "."), "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_of_one_room_name_keep_two_recordings() {
    let world = World::with(&[("RECORDING_PATH", "rec/{room_name}.mp3")]).await;
    let mut keys = Vec::new();
    for number in 1..=3 {
        if number == 3 {
            // A bucket that is older than the database.
            world.put_object_at("rec/front.mp3", 9);
        }
        let room = ["desk", "desk", "front"][number - 1];
        let call = world.livekit.open_room(room);
        world.livekit.join(room, agent());
        let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
        row.await;
        world.livekit.speak(room);
        world.livekit.close_room(room);
        world.row_is(&call, "Complete").await;
        keys.push((call.clone(), key(&world, &call).await));
    }
    assert_eq!(keys[0].1, "rec/desk.mp3");
    assert!(is_suffixed(&keys[1].1, "rec/desk"), "{keys:?}");
    assert!(is_suffixed(&keys[2].1, "rec/front"), "{keys:?}");
    let old = std::fs::read(world.object("rec/front.mp3")).unwrap();
    assert_eq!(old.len(), 9, "nothing is written over");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_begin_in_the_same_second_keep_two_recordings() {
    let world = World::with(&[("RECORDING_PATH", "rec/{date}-{time}.mp3")]).await;
    for room in ["desk", "front"] {
        let call = world.livekit.open_room(room);
        let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
        row.await;
        let key = key(&world, &call).await;
        assert!(key.ends_with(&format!("-{call}.mp3")), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_cannot_put_its_recording_onto_another_rooms() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let theirs = world.livekit.open_room("theirs");
    for (room, id) in [("ours", theirs.clone()), ("mine", theirs.replace('_', "/"))] {
        let call = world.livekit.open_room(room);
        let wanted = json!({ "room_name": room, "room_id": id });
        let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
        assert_eq!(started["filename"], format!("recordings/{call}.mp3"));
    }
}

/// Whether this is the key with a random suffix.
pub(crate) fn is_suffixed(key: &str, stem: &str) -> bool {
    let rest = key.strip_prefix(stem).and_then(|it| it.strip_prefix('-'));
    let suffix = rest.and_then(|it| it.strip_suffix(".mp3"));
    suffix.is_some_and(|it| it.len() == 8 && it.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The object's key according to the API.
pub(crate) async fn key(world: &World, call: &str) -> String {
    let answer = world.get(&format!("/v1/calls/{call}")).await;
    let body: Value = answer.json().await.unwrap();
    body["recordings"][0]["filename"]
        .as_str()
        .unwrap()
        .to_owned()
}
