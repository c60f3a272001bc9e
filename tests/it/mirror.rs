//! The mirror is notified of each recording's end once, whatever it answers, and never delays anything else.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::{World, agent, eventually};

/// A user's webhook: it answers as scripted, then 200, and stores the requests.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    came: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    /// The receiver and its address.
    pub(crate) async fn start(answers: &[(u16, &'static str)]) -> (Receiver, String) {
        let receiver = Receiver::default();
        receiver.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        (receiver, url)
    }

    /// Answers so many requests with 500.
    pub(crate) fn refuses(&self, times: usize) {
        let mut answers = self.answers.lock().unwrap();
        answers.extend(std::iter::repeat_n((500, "no"), times));
    }

    pub(crate) fn came(&self) -> Vec<(HeaderMap, Bytes)> {
        self.came.lock().unwrap().clone()
    }

    /// The egresses whose end it has received.
    pub(crate) fn egresses(&self) -> BTreeSet<String> {
        let came = self.came.lock().unwrap();
        let id = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap()["egress_id"].clone();
        let ids = came.iter().map(|(_, body)| id(body));
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn hears(&self, times: usize) -> Vec<(HeaderMap, Bytes)> {
        let all = eventually(|| Some(self.came()).filter(|came| came.len() >= times)).await;
        all.unwrap_or_else(|| panic!("it heard {} times, not {times}", self.came().len()))
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    receiver.came.lock().unwrap().push((headers, body));
    let next = receiver.answers.lock().unwrap().pop_front();
    let (status, text) = next.unwrap_or((200, "{}"));
    let location = [("location", "/elsewhere")];
    (StatusCode::from_u16(status).unwrap(), location, text).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_may_be_left_out_and_the_link_is_permanent_with_a_public_url() {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [
        ("EGRESS_WEBHOOK_URL", url.as_str()),
        ("EGRESS_WEBHOOK_TRANSCRIPT", "off"),
        ("PUBLIC_URL", "https://calls.example.com"),
    ];
    let world = World::with(&settings).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    let report =
        json!({ "room_name": "desk", "turns": [{ "speaker": "agent", "text": "Hello." }] });
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    let (_, body) = receiver.hears(1).await.remove(0);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body.get("transcript").is_none(), "{body}");
    let link = row["Recording URL"].as_str().unwrap();
    assert!(link.starts_with("https://calls.example.com/r/"), "{link}");
    assert_eq!(body["file_results"][0]["download_url"], link);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_payload_comes_once_with_our_additions() {
    let (receiver, url) = Receiver::start(&[]).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (call, egress) = world.talk("desk").await;
    let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    world.processed(&call, "mirror").await;
    // Changes after the end, and repeats after a restart: nothing is sent again.
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let came = receiver.hears(1).await;
    let (headers, body) = &came[0];
    let mut body: Value = serde_json::from_slice(body).unwrap();
    let file = body["file_results"][0].as_object_mut().unwrap();
    let download = file.remove("download_url").unwrap();
    let expected = json!({
        "event": "egress_ended", "egress_id": egress, "room_name": "desk", "status": "complete",
        "file_results": [{"filename": format!("recordings/{call}.mp3"), "size": row["Recording size"], "duration": 3.0}],
        "room_id": call, "call_id": call, "transcript": "Agent: Hello.", "error": null,
    });
    assert_eq!(body, expected);
    assert_eq!(headers["content-type"], "application/json");
    assert!(!headers.contains_key("webhook-signature"));
    let audio = world.http.get(download.as_str().unwrap()).send().await;
    let size = audio.unwrap().bytes().await.unwrap().len();
    assert_eq!(row["Recording size"], size);
    assert_eq!(receiver.came().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_sent_once() {
    let (receiver, url) = Receiver::start(&[]).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let (cut, short) = world.talk("cut").await;
    world.livekit.egress_limit_reached(&short);
    let silent = world.livekit.open_room("silent");
    world.starts("silent", 1).await;
    world.processed(&cut, "mirror").await;
    world
        .row_where(&silent, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("silent");
    world.processed(&silent, "mirror").await;
    let (broken, _) = world.talk("broken").await;
    world.storage.refuse(1, 403);
    world.livekit.close_room("broken");
    world.processed(&broken, "mirror").await;
    let came = receiver.came();
    let bodies: Vec<Value> = came
        .iter()
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect();
    let status: Vec<&str> = bodies
        .iter()
        .map(|body| body["status"].as_str().unwrap())
        .collect();
    assert_eq!(status, ["limit_reached", "aborted", "failed"]);
    assert_eq!(bodies[0]["file_results"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&bodies[1]["file_results"], &bodies[1]["error"]),
        (&json!([]), &json!(null))
    );
    assert_eq!(bodies[2]["file_results"], json!([]));
    assert!(
        bodies[2]["error"]
            .as_str()
            .unwrap()
            .contains("S3 upload failed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_mirror_that_is_not_there_it_is_sent_again_under_one_id_and_holds_nothing_back() {
    let answers = [
        (302, ""),
        (500, "no"),
        (200, "n8n is starting up. Please wait"),
    ];
    let (receiver, url) = Receiver::start(&answers).await;
    let secret = format!(
        "whsec_{}",
        BASE64_STANDARD.encode("a secret of the mirror, with 24 bytes")
    );
    let settings = [
        ("EGRESS_WEBHOOK_URL", url.as_str()),
        ("EGRESS_WEBHOOK_SECRET", &secret),
    ];
    let world = World::with(&settings).await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    assert!(receiver.came().len() < 4, "the row did not wait for it");
    let came = receiver.hears(4).await;
    world.processed(&call, "mirror").await;
    assert_eq!(receiver.came().len(), 4);
    for (headers, body) in came {
        assert_eq!(headers["webhook-id"], format!("msg_{egress}"));
        let time = headers["webhook-timestamp"].to_str().unwrap();
        let mut mac =
            Hmac::<Sha256>::new_from_slice(b"a secret of the mirror, with 24 bytes").unwrap();
        mac.update(format!("msg_{egress}.{time}.").as_bytes());
        mac.update(&body);
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(headers["webhook-signature"], format!("v1,{signature}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_before_the_service_first_ran_is_history_and_not_sent() {
    let (receiver, url) = Receiver::start(&[]).await;
    let mut world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    world.stop().await;
    let history = world.recorded_unheard("before").await;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().starts_with("calls.db") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    world.start().await;
    world.row_is(&history, "Complete").await;
    world.stop().await;
    let missed = world.recorded_unheard("missed").await;
    world.livekit.lose_webhooks(false);
    world.start().await;
    world.row_is(&missed, "Complete").await;
    world.processed(&missed, "mirror").await;
    let reported: Vec<Value> = receiver
        .came()
        .iter()
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect();
    let rooms: Vec<&Value> = reported.iter().map(|body| &body["room_name"]).collect();
    assert_eq!(rooms, ["missed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_once_that_the_mirror_fails_and_once_that_it_is_over() {
    let (_receiver, url) = Receiver::start(&[(500, "no"); 3]).await;
    let settings = [("EGRESS_WEBHOOK_URL", url.as_str()), ("LOG_FORMAT", "json")];
    let mut world = World::with(&settings).await;
    world.stop().await;
    let _serve = world.serve().await;
    for room in ["one", "two"] {
        let (call, _) = world.talk(room).await;
        world.livekit.close_room(room);
        world.processed(&call, "mirror").await;
    }
    let said = || std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    let of_mirror = || -> Vec<Value> {
        let lines = said();
        let lines = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let loud = |line: &Value| line["sink"] == "mirror" && line["level"] != "DEBUG";
        lines.filter(loud).collect()
    };
    let reported = eventually(|| (of_mirror().len() >= 2).then(of_mirror)).await;
    let reported = reported.unwrap_or_else(|| panic!("{}", said()));
    assert_eq!(reported.len(), 2, "{reported:#?}");
    assert_eq!(
        (&reported[0]["level"], &reported[0]["waiting"]),
        (&json!("WARN"), &json!(1))
    );
    let error = reported[0]["error"].as_str().unwrap();
    assert!(
        error.starts_with("EGRESS_WEBHOOK_URL answered 500"),
        "{error}"
    );
    assert_eq!(
        reported[1]["message"],
        "all failed deliveries have succeeded or been dropped"
    );
}
