//! The stand-in for LiveKit against LiveKit's own client, and its webhooks against bodies that a real server sent.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use livekit_airtable::sim::livekit::{self, Kind, LiveKit, Person, StartFault};
use livekit_airtable::sim::storage::{self, Storage};
use livekit_api::access_token::TokenVerifier;
use livekit_api::services::egress::encoding::EncodingOptions;
use livekit_api::services::egress::{
    AudioMixing, EgressClient, EgressListFilter, EgressListOptions, EgressOutput,
    RoomCompositeOptions,
};
use livekit_api::services::room::{CreateRoomOptions, RoomClient};
use livekit_protocol as proto;
use proto::{AudioCodec, EgressInfo, EgressStatus};
use serde_json::Value;
use sha2::Digest;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const KEY: &str = "devkey";
const SECRET: &str = "secretsecretsecretsecretsecretsecret";

/// LiveKit, the bucket, and a receiver of webhooks.
struct World {
    livekit: LiveKit,
    storage: Storage,
    inbox: Inbox,
    egress: EgressClient,
    _folder: TempDir,
}

#[derive(Clone, Default)]
struct Inbox {
    received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// What the receiver answers first, one each.
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    news: Arc<Notify>,
}

async fn world() -> World {
    livekit_airtable::install_crypto();
    let here = ([127, 0, 0, 1], 0).into();
    let folder = TempDir::new().unwrap();
    let options = storage::Options {
        folder: folder.path().to_owned(),
        bucket: "recordings".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let storage = storage::start(here, options).await.unwrap();
    let inbox = Inbox::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/livekit", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/webhooks/livekit", post(receive))
        .with_state(inbox.clone());
    tokio::spawn(axum::serve(listener, app).into_future());
    let options = livekit::Options {
        api_key: KEY.to_owned(),
        api_secret: SECRET.to_owned(),
        webhook_urls: vec![url],
    };
    let livekit = livekit::start(here, options).await.unwrap();
    let egress = EgressClient::with_api_key(&livekit.url(), KEY, SECRET);
    World {
        livekit,
        storage,
        inbox,
        egress,
        _folder: folder,
    }
}

async fn receive(
    State(inbox): State<Inbox>,
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    inbox.received.lock().unwrap().push((headers, body));
    inbox.news.notify_waiters();
    let mut answers = inbox.answers.lock().unwrap();
    let (status, retry_after) = if answers.is_empty() {
        (200, "0")
    } else {
        answers.remove(0)
    };
    (
        StatusCode::from_u16(status).unwrap(),
        [("retry-after", retry_after)],
    )
}

impl Inbox {
    fn events(&self) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        received
            .iter()
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.received
            .lock()
            .unwrap()
            .iter()
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// The first event, once it has come, for which `wanted` holds.
    async fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let search = async {
            loop {
                let news = self.news.notified();
                if let Some(event) = self.events().into_iter().find(&wanted) {
                    return event;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), search)
            .await
            .unwrap()
    }

    async fn ended(&self, egress_id: &str) -> Value {
        self.wait(|event| {
            event["event"] == "egress_ended" && event["egressInfo"]["egressId"] == egress_id
        })
        .await["egressInfo"]
            .clone()
    }
}

impl World {
    fn output(&self, filepath: &str, secret: &str) -> Vec<EgressOutput> {
        let upload = proto::S3Upload {
            access_key: "access".to_owned(),
            secret: secret.to_owned(),
            region: "auto".to_owned(),
            endpoint: self.storage.url(),
            bucket: "recordings".to_owned(),
            force_path_style: true,
            ..Default::default()
        };
        vec![EgressOutput::File(proto::EncodedFileOutput {
            file_type: proto::EncodedFileType::Mp3.into(),
            filepath: filepath.to_owned(),
            disable_manifest: true,
            output: Some(proto::encoded_file_output::Output::S3(upload)),
        })]
    }

    async fn start(&self, room: &str, filepath: &str) -> Result<EgressInfo, String> {
        self.start_with(room, self.output(filepath, "secret"), AudioCodec::AcMp3)
            .await
    }

    async fn start_with(
        &self,
        room: &str,
        outputs: Vec<EgressOutput>,
        audio_codec: AudioCodec,
    ) -> Result<EgressInfo, String> {
        let options = RoomCompositeOptions {
            audio_only: true,
            audio_mixing: AudioMixing::DualChannelAgent,
            encoding: EncodingOptions {
                audio_codec,
                ..Default::default()
            },
            ..Default::default()
        };
        let started = self
            .egress
            .start_room_composite_egress(room, outputs, options)
            .await;
        started.map_err(|error| error.to_string())
    }

    async fn list(
        &self,
        filter: EgressListFilter,
        active: bool,
    ) -> Result<Vec<EgressInfo>, String> {
        let options = EgressListOptions {
            filter,
            active,
            page_token: None,
        };
        self.egress
            .list_egress(options)
            .await
            .map_err(|error| error.to_string())
    }

    async fn object(&self, key: &str) -> Vec<u8> {
        tokio::fs::read(self.storage.folder().join("recordings").join(key))
            .await
            .unwrap()
    }

    /// The call of the captured bodies: an agent and a caller who speak.
    fn call(&self, room: &str) -> String {
        let sid = self.livekit.open_room(room);
        self.livekit
            .join(room, person("agent-ava", Kind::Agent, &[]));
        let attributes = [
            ("sip.callID", "SCL_1"),
            ("sip.phoneNumber", "+15551234567"),
            ("sip.trunkPhoneNumber", "+15550001111"),
        ];
        self.livekit
            .join(room, person("sip_+15551234567", Kind::Sip, &attributes));
        self.livekit.speak(room);
        sid
    }
}

fn person(identity: &str, kind: Kind, attributes: &[(&str, &str)]) -> Person {
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Person {
        identity: identity.to_owned(),
        name: String::new(),
        kind,
        attributes: attributes.collect(),
    }
}

/// `{"a":[{"b":1}]}` is `a`, `a[].b`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}.{key}");
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keys(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

fn shape(body: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(body).unwrap(), "", &mut found);
    // The stand-in's client always sends `advanced`; the captured call was started without.
    found.retain(|path| !path.contains(".advanced"));
    found
}

/// The keys of a body in the order in which they are written.
fn key_order(body: &str) -> Vec<&str> {
    let parts: Vec<_> = body.split('"').collect();
    let key = |at: &usize| parts.get(at + 1).is_some_and(|next| next.starts_with(':'));
    (0..parts.len()).filter(key).map(|at| parts[at]).collect()
}

fn captured(name: &str) -> String {
    std::fs::read_to_string(format!("tests/fixtures/livekit-captured/{name}.json")).unwrap()
}

#[tokio::test]
async fn a_call_is_recorded_and_told_as_by_the_real_server() {
    let world = world().await;
    let sid = world.call("call-real-1");
    let started = world
        .start("call-real-1", "recordings/{room_id}.mp3")
        .await
        .unwrap();
    assert_eq!(started.status(), EgressStatus::EgressStarting);
    assert_eq!(started.room_id, sid);
    let id = &started.egress_id;
    world
        .inbox
        .wait(|event| event["egressInfo"]["status"] == "EGRESS_ACTIVE")
        .await;
    assert_eq!(
        world
            .list(EgressListFilter::Room("call-real-1".to_owned()), true)
            .await
            .unwrap()[0]
            .status(),
        EgressStatus::EgressActive
    );

    world.livekit.set_recording_length(Duration::from_secs(7));
    world.livekit.close_room("call-real-1");
    let ended = world.inbox.ended(id).await;
    let file = &ended["fileResults"][0];
    let key = format!("recordings/{sid}.mp3");
    assert_eq!(
        (&ended["status"], &file["filename"], &file["duration"]),
        (
            &"EGRESS_COMPLETE".into(),
            &key.clone().into(),
            &"7000000000".into()
        )
    );
    assert_eq!(file["size"], world.object(&key).await.len().to_string());

    let bodies = world.inbox.bodies();
    for name in [
        "001_room_started",
        "004_participant_joined",
        "006_egress_started",
        "007_participant_joined",
        "008_egress_updated_EGRESS_ACTIVE",
        "012_participant_left",
        "013_participant_left",
        "014_room_finished",
        "015_egress_updated_EGRESS_ENDING",
        "016_egress_ended_EGRESS_COMPLETE",
    ] {
        let real = captured(name);
        let ours = bodies.iter().find(|body| shape(body) == shape(&real));
        let ours = ours.unwrap_or_else(|| panic!("nothing of the shape of {name} in {bodies:#?}"));
        if !ours.contains("\"advanced\"") {
            assert_eq!(key_order(ours), key_order(&real), "{name}");
        }
    }
    let rooms = world
        .inbox
        .events()
        .into_iter()
        .filter(|event| event.get("room").is_some());
    let order: Vec<_> = rooms
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    let (joined, left) = ("participant_joined", "participant_left");
    assert_eq!(
        order,
        [
            "room_started",
            joined,
            joined,
            joined,
            left,
            left,
            left,
            "room_finished"
        ]
    );
}

#[tokio::test]
async fn webhooks_are_signed_over_their_bytes() {
    let world = world().await;
    world.livekit.open_room_with("call", "{\"tenant\":\"ünï\"}");
    let event = world
        .inbox
        .wait(|event| event["event"] == "room_started")
        .await;
    assert_eq!(event["room"]["metadata"], "{\"tenant\":\"ünï\"}");
    let (headers, body) = world.inbox.received.lock().unwrap()[0].clone();
    assert_eq!(headers["content-type"], "application/webhook+json");
    let token = headers["authorization"].to_str().unwrap();
    let claims = TokenVerifier::with_api_key(KEY, SECRET)
        .verify(token)
        .unwrap();
    assert_eq!(claims.exp - claims.nbf, 300);
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&body));
    assert_eq!(claims.sha256, hash);
    // LiveKit's own reader takes it, too.
    serde_json::from_str::<proto::WebhookEvent>(&body).unwrap();
}

#[tokio::test]
async fn webhooks_are_tried_again_on_5xx_in_order_and_can_be_lost() {
    let world = world().await;
    world
        .inbox
        .answers
        .lock()
        .unwrap()
        .extend([(503, "0"), (429, "0"), (404, "0")]);
    world.livekit.open_room("call");
    world
        .livekit
        .join("call", person("ann", Kind::Standard, &[]));
    world
        .inbox
        .wait(|event| event["event"] == "participant_joined")
        .await;
    let events = world.inbox.events();
    assert_eq!(events.len(), 4);
    assert!(
        events[..3]
            .iter()
            .all(|event| event["id"] == events[0]["id"])
    );

    world.livekit.lose_webhooks(true);
    world.livekit.leave("call", "ann");
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("call");
    world
        .inbox
        .wait(|event| event["event"] == "room_finished")
        .await;
    assert!(
        world
            .inbox
            .events()
            .iter()
            .all(|event| event["event"] != "participant_left")
    );
}

#[tokio::test]
async fn an_egress_that_hears_nothing_is_aborted() {
    let world = world().await;
    world.livekit.open_room("silent");
    let started = world
        .start("silent", "recordings/{room_name}.mp3")
        .await
        .unwrap();
    world.livekit.close_room("silent");
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["error"], &ended["errorCode"]),
        (&"Start signal not received".into(), &412.into())
    );
    let bodies = world.inbox.bodies();
    let mut real = shape(&captured("aborted_no_audio"));
    real.insert(".egressInfo.roomComposite.audioMixing".to_owned());
    real.insert(".egressInfo.roomComposite.fileOutputs[].disableManifest".to_owned());
    assert!(bodies.iter().any(|body| shape(body) == real));

    world.livekit.open_room("stopped");
    let started = world.start("stopped", "x.mp3").await.unwrap();
    let stopped = world.egress.stop_egress(&started.egress_id).await.unwrap();
    assert_eq!(stopped.error, "Stop called before pipeline could start");
    let again = world
        .egress
        .stop_egress(&started.egress_id)
        .await
        .unwrap_err()
        .to_string();
    assert!(again.contains("failed_precondition"), "{again}");
    let unknown = world
        .egress
        .stop_egress("EG_unknown")
        .await
        .unwrap_err()
        .to_string();
    assert!(unknown.contains("not_found"), "{unknown}");
}

#[tokio::test]
async fn a_wrong_key_fails_the_upload_and_opus_fails_the_worker() {
    let world = world().await;
    world.call("badkey");
    let outputs = world.output("recordings/bad-{room_id}.mp3", "wrong");
    let started = world
        .start_with("badkey", outputs, AudioCodec::AcMp3)
        .await
        .unwrap();
    world.livekit.close_room("badkey");
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["status"], &ended["errorCode"]),
        (&"EGRESS_FAILED".into(), &400.into())
    );
    let error = ended["error"].as_str().unwrap();
    assert!(
        error.starts_with("S3 upload failed: err: operation error S3: PutObject"),
        "{error}"
    );
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");

    world.call("opus");
    let started = world
        .start_with(
            "opus",
            world.output("opus-{room_id}.mp3", "secret"),
            AudioCodec::Opus,
        )
        .await
        .unwrap();
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["error"], &ended["errorCode"]),
        (
            &"failed to link audio to file: no common format".into(),
            &500.into()
        )
    );
    assert!(
        world
            .start("opus", "x.mp3")
            .await
            .unwrap_err()
            .contains("unavailable")
    );
    world.livekit.restart_egress_worker();
    world.start("opus", "x.mp3").await.unwrap();
}

#[tokio::test]
async fn limits_deaths_and_second_starts() {
    let world = world().await;
    world.call("long +1/ünï");
    let first = world
        .start("long +1/ünï", "recordings/{room_name}-{utc}")
        .await
        .unwrap()
        .egress_id;
    let second = world
        .start("long +1/ünï", "second.mp3")
        .await
        .unwrap()
        .egress_id;
    assert_ne!(first, second);
    world.livekit.kill_egress(&second);
    world.livekit.egress_limit_reached(&first);
    let ended = world.inbox.ended(&first).await;
    assert_eq!(
        (&ended["status"], &ended["errorCode"]),
        (&"EGRESS_LIMIT_REACHED".into(), &413.into())
    );
    let filename = ended["fileResults"][0]["filename"].as_str().unwrap();
    assert!(
        filename.starts_with("recordings/long +1/ünï-20") && filename.ends_with(".mp3"),
        "{filename}"
    );
    assert!(!world.object(filename).await.is_empty());
    world.livekit.close_room("long +1/ünï");
    let running = world.list(EgressListFilter::All, true).await.unwrap();
    assert_eq!(
        running
            .iter()
            .map(|info| &info.egress_id)
            .collect::<Vec<_>>(),
        [&second]
    );
    let unknown = world
        .list(EgressListFilter::Egress("EG_unknown".to_owned()), false)
        .await
        .unwrap_err();
    assert!(unknown.contains("not_found"), "{unknown}");
}

#[tokio::test]
async fn starts_go_wrong_as_told() {
    let world = world().await;
    world.call("call");
    for (fault, told) in [
        (StartFault::Unavailable, "unavailable"),
        (StartFault::BadRequest, "invalid_argument"),
        (StartFault::Unauthorized, "error decoding"),
    ] {
        world.livekit.fail_next_start(1, fault);
        let error = world.start("call", "x.mp3").await.unwrap_err();
        assert!(error.contains(told), "{fault:?}: {error}");
    }
    assert!(
        world
            .list(EgressListFilter::All, false)
            .await
            .unwrap()
            .is_empty()
    );
    world.livekit.fail_next_start(1, StartFault::LostAnswer);
    world.start("call", "x.mp3").await.unwrap_err();
    assert_eq!(
        world.list(EgressListFilter::All, true).await.unwrap().len(),
        1
    );
    world
        .livekit
        .fail_next_start(1, StartFault::Slow(Duration::from_millis(100)));
    let asked = tokio::time::Instant::now();
    world.start("call", "y.mp3").await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(100));
    let unknown = world.start("unknown", "x.mp3").await.unwrap_err();
    assert!(
        unknown.contains("not_found: twirp error unknown: requested room does not exist"),
        "{unknown}"
    );
    assert_eq!(world.livekit.starts().len(), 6);
}

#[tokio::test]
async fn rooms_are_created_listed_and_deleted() {
    let world = world().await;
    let rooms = RoomClient::with_api_key(&world.livekit.url(), KEY, SECRET);
    rooms
        .create_room(
            "made",
            CreateRoomOptions {
                empty_timeout: 1,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    world.call("call");
    let listed = rooms
        .list_rooms(vec!["call".to_owned(), "other".to_owned()])
        .await
        .unwrap();
    assert_eq!((listed.len(), listed[0].num_participants), (1, 2));
    assert_eq!(rooms.list_participants("call").await.unwrap().len(), 2);
    assert!(rooms.list_participants("other").await.unwrap().is_empty());
    rooms.delete_room("call").await.unwrap();
    rooms.delete_room("call").await.unwrap_err();
    world
        .inbox
        .wait(|event| event["event"] == "room_finished" && event["room"]["name"] == "made")
        .await;
}

#[tokio::test]
async fn twirp_json_has_every_default_in_snake_case() {
    let world = world().await;
    world.call("call");
    let started = world.start("call", "{room_name}.mp3").await.unwrap();
    let grants = livekit_api::access_token::VideoGrants {
        room_record: true,
        ..Default::default()
    };
    let token = livekit_api::access_token::AccessToken::with_api_key(KEY, SECRET)
        .with_grants(grants)
        .to_jwt()
        .unwrap();
    let ask = async |method: &str, token: &str| {
        let url = format!("{}/twirp/livekit.{method}", world.livekit.url());
        let client = reqwest::Client::builder().build().unwrap();
        let request = client
            .post(url)
            .bearer_auth(token)
            .header("content-type", "application/json");
        let response = request
            .body("{\"room_name\":\"call\"}")
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = ask("Egress/ListEgress", &token).await;
    let listed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    let item = &listed["items"][0];
    assert_eq!(
        (&item["egress_id"], &item["ended_at"], &item["error"]),
        (&started.egress_id.into(), &"0".into(), &"".into())
    );
    assert_eq!(
        item["room_composite"]["file_outputs"][0]["s3"]["secret"],
        "{secret}"
    );

    let (status, body) = ask("Egress/StartEgress", &token).await;
    assert_eq!((status, body.contains("bad_route")), (404, true));
    let (status, body) = ask("RoomService/ListRooms", &token).await;
    assert_eq!((status, body.contains("permissions denied")), (401, true));
    let (status, body) = ask("Egress/ListEgress", &format!("{token}x")).await;
    assert_eq!((status, body.contains(&token)), (401, true));
    let foreign = livekit_api::access_token::AccessToken::with_api_key("other", SECRET)
        .to_jwt()
        .unwrap();
    assert_eq!(
        ask("Egress/ListEgress", &foreign).await,
        (401, "invalid API key: other".to_owned())
    );
}
