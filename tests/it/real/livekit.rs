//! A real livekit-server with real media. It has no egress worker; where a recording must succeed, the stand-in for egress is
//! beside it.

use std::process::Command;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use livekit_airtable::telemetry;
use livekit_airtable_sim::livekit::{self, LiveKit};
use livekit_api::access_token::VideoGrants;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::{bucket, exported, pairs, python, run};
use crate::{
    doctor::doctor,
    harness::{KEY, SECRET, World, eventually, token},
};

/// The server's webhooks have one address: one test at a time listens there.
pub(crate) static WEBHOOKS: Mutex<()> = Mutex::const_new(());

fn listen() -> String {
    format!("127.0.0.1:{}", exported("LIVEKIT_TEST_WEBHOOK_PORT"))
}

/// A service that receives the real server's webhooks, with its bucket on SeaweedFS.
pub(crate) async fn world(livekit_url: &str, more: &[(&str, &str)]) -> World {
    let (bucket, listen) = (bucket(), listen());
    let mut settings = pairs(&bucket);
    settings.extend([
        ("LIVEKIT_URL", livekit_url),
        ("LISTEN_ADDR", listen.as_str()),
    ]);
    settings.extend(more);
    World::with(&settings).await
}

/// An agent and a phone caller who talk for so long.
pub(super) fn talk(room: &str, seconds: &str) -> Command {
    let mut talk = python("livekit/talk.py");
    talk.args([&exported("LIVEKIT_TEST_URL"), KEY, SECRET, room, seconds]);
    talk
}

/// Opens a room on the real server; its sid. It stays open until somebody joins: on a busy machine that takes longer than the
/// server's `empty_timeout`, and the same name would be another room.
pub(super) async fn create_room(name: &str) -> String {
    let room = json!({ "name": name, "empty_timeout": 600 });
    let room = room_service("CreateRoom", &room).await;
    room["sid"].as_str().unwrap().to_owned()
}

pub(super) async fn room_service(method: &str, request: &Value) -> Value {
    let server = exported("LIVEKIT_TEST_URL");
    let url = format!("{server}/twirp/livekit.RoomService/{method}");
    let grants = VideoGrants {
        room_create: true,
        room_list: true,
        ..VideoGrants::default()
    };
    let http = telemetry::http_client().unwrap();
    let asked = http.post(url).bearer_auth(token(grants)).json(request);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// The sid of the room's call, once it has a row.
pub(super) async fn call_of(world: &World, room: &str) -> String {
    let row = eventually(|| {
        let mut rows = world.airtable.rows("Calls").into_iter();
        rows.find(|row| row["Room"] == room)
    });
    let row = row.await.expect("a row of the room");
    row["Call ID"].as_str().unwrap().to_owned()
}

fn has_error(row: &Map<String, Value>, text: &str) -> bool {
    let error = row.get("Error").and_then(Value::as_str);
    error.is_some_and(|error| error.contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_call_that_nobody_can_record_says_so_in_its_row() {
    let _alone = WEBHOOKS.lock().await;
    let world = world(&exported("LIVEKIT_TEST_URL"), &[]).await;
    let mut talking = talk("real-unrecorded", "60").spawn().unwrap();
    let call = call_of(&world, "real-unrecorded").await;
    let live = world.row_where(&call, |row| row.contains_key("Caller"));
    let live = live.await;
    assert_eq!(
        (&live["Status"], &live["Caller"], &live["Agent"]),
        (&"Live".into(), &"+15550100123".into(), &"Ava".into())
    );
    late_row(&world, &call, |row| has_error(row, "unavailable")).await;
    room_service("DeleteRoom", &json!({ "room": "real-unrecorded" })).await;
    let row = late_row(&world, &call, |row| row["Status"] == "Failed").await;
    talking.kill().unwrap();
    talking.wait().unwrap();
    let time = |column: &str| row[column].as_str().unwrap().parse::<jiff::Timestamp>();
    assert!(time("Started").unwrap() < time("Ended").unwrap());
    assert!(has_error(&row, "could not be started"), "{row:#?}");
    assert!(!has_error(&row, "Retrying"), "{row:#?}");
}

/// A server without an egress worker takes 20 to 24 s to refuse a start: longer than `row_where` waits.
async fn late_row(
    world: &World,
    call: &str,
    wanted: impl Fn(&Map<String, Value>) -> bool,
) -> Map<String, Value> {
    let once = eventually(|| world.glance(call).filter(|row| wanted(row))).await;
    drop(once);
    world.row_where(call, wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_calls_people_are_found_when_every_webhook_is_lost() {
    let _alone = WEBHOOKS.lock().await;
    let server = exported("LIVEKIT_TEST_URL");
    // Not where the server sends its webhooks.
    let settings = [
        ("LIVEKIT_URL", server.as_str()),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    let world = World::with(&settings).await;
    let mut talking = talk("real-unheard", "60").spawn().unwrap();
    let call = call_of(&world, "real-unheard").await;
    let both = |row: &Map<String, Value>| row.contains_key("Caller") && row.contains_key("Agent");
    // On a busy machine the two take long to connect.
    let row = late_row(&world, &call, both).await;
    talking.kill().unwrap();
    talking.wait().unwrap();
    assert_eq!(
        (&row["Caller"], &row["Agent"]),
        (&"+15550100123".into(), &"Ava".into())
    );
    room_service("DeleteRoom", &json!({ "room": "real-unheard" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_the_real_server_does_not_know_is_404() {
    let _alone = WEBHOOKS.lock().await;
    let often = [("RECONCILE_INTERVAL", "1s")];
    let world = world(&exported("LIVEKIT_TEST_URL"), &often).await;
    let asked = json!({ "room_name": "real-nobody-there" });
    assert_eq!(world.post("/v1/recordings", &asked).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_servers_refusal_of_a_wrong_secret_is_reported_without_the_token() {
    let _alone = WEBHOOKS.lock().await;
    let right = format!("{KEY}:{SECRET}");
    let wrong = [
        (
            "LIVEKIT_API_SECRET",
            "another secret, long enough to be one",
        ),
        ("LIVEKIT_WEBHOOK_KEYS", right.as_str()),
    ];
    let world = world(&exported("LIVEKIT_TEST_URL"), &wrong).await;
    let call = create_room("real-wrong-secret").await;
    let row = world.row_where(&call, |row| has_error(row, "401")).await;
    assert!(!has_error(&row, "eyJ"), "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_call_is_recorded_from_webhook_to_link() {
    let _alone = WEBHOOKS.lock().await;
    let server = exported("LIVEKIT_TEST_URL");
    let listen = "127.0.0.1:0".parse().unwrap();
    let egress = livekit::start_beside(listen, options(), &server).await;
    let egress = egress.unwrap();
    let world = world(&egress.url(), &[("RECORD_ON", "participant_joined")]).await;
    let checked = doctor(&world, &[], &[]).await;
    assert_eq!(checked.with_level("failure"), [""; 0]);
    assert_eq!(checked.level("LiveKit", "egress worker"), "ok");
    assert_eq!(checked.level("LiveKit", "webhook"), "ok");
    let call = create_room("real-recorded").await;
    run(talk("real-recorded", "5"), Vec::new()).await;
    late_row(&world, &call, |row| row["Status"] == "Complete").await;
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (&row["Caller"], &row["Agent"]),
        (&"+15550100123".into(), &"Ava".into())
    );
    assert!(!row.contains_key("Error"), "{row:#?}");
    let url = row["Recording URL"].as_str().unwrap();
    assert!(url.starts_with(&exported("S3_TEST_ENDPOINT")), "{url}");
    let part = world.http.get(url).header("range", "bytes=0-99").send();
    let part = part.await.unwrap();
    assert_eq!(part.status(), 206);
    let whole = format!("bytes 0-99/{}", row["Recording size"]);
    assert_eq!(part.headers()["content-range"], whole.as_str());
    egress.stop();
}

pub(super) async fn recorder() -> LiveKit {
    let listen = "127.0.0.1:0".parse().unwrap();
    livekit::start(listen, options()).await.unwrap()
}

/// The server's key; webhooks go where its own go.
fn options() -> livekit::Options {
    livekit::Options {
        api_key: KEY.into(),
        api_secret: SECRET.into(),
        webhook_urls: vec![format!("http://{}/webhooks/livekit", listen())],
    }
}

/// The same request to another address, and its answer.
pub(super) async fn pass_on(
    http: &reqwest::Client,
    url: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Response {
    let mut request = http.post(url).body(body);
    for name in ["authorization", "content-type"] {
        request = request.header(name, &headers[name]);
    }
    let answer = request.send().await.unwrap();
    let kind = answer.headers()["content-type"].clone();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (
        status,
        [("content-type", kind)],
        answer.bytes().await.unwrap(),
    )
        .into_response()
}
