//! LiveKit, the bucket and a receiver of webhooks, each on a socket of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use livekit_airtable_sim::livekit::{self, Kind, LiveKit, Person};
use livekit_airtable_sim::storage::{self, Storage};
use livekit_api::services::egress::encoding::EncodingOptions;
use livekit_api::services::egress::{
    AudioMixing, EgressClient, EgressListFilter, EgressListOptions, EgressOutput,
    RoomCompositeOptions,
};
use livekit_protocol as proto;
use proto::{AudioCodec, EgressInfo};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::shape::{key_order, shape, without_advanced};

pub(super) const KEY: &str = "devkey";
pub(super) const SECRET: &str = "secretsecretsecretsecretsecretsecret";

/// LiveKit, the bucket, and a receiver of webhooks.
pub(super) struct World {
    pub livekit: LiveKit,
    pub storage: Storage,
    pub inbox: Inbox,
    pub egress: EgressClient,
    _folder: TempDir,
}

#[derive(Clone, Default)]
pub(super) struct Inbox {
    pub received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// The receiver's first responses, one each.
    pub answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    news: Arc<Notify>,
}

pub(super) async fn world() -> World {
    livekit_airtable_sim::install_crypto();
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
    pub(super) fn events(&self) -> Vec<Value> {
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
    pub(super) async fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
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

    /// Something of the same keys in the same order has come.
    pub(super) fn holds_one_like(&self, real: &str) {
        let bodies: Vec<_> = self
            .bodies()
            .iter()
            .map(|body| without_advanced(body))
            .collect();
        let real = without_advanced(real);
        let Some(ours) = bodies.iter().find(|body| shape(body) == shape(&real)) else {
            panic!("nothing of the shape of {real} in {bodies:#?}");
        };
        assert_eq!(key_order(ours), key_order(&real));
    }

    /// The names of the events of rooms, in the order in which they came.
    pub(super) fn room_events(&self) -> Vec<String> {
        let events = self.events().into_iter();
        let of_rooms = events.filter(|event| event.get("room").is_some());
        of_rooms
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The egress of its `egress_ended`, once that has come.
    pub(super) async fn ended(&self, egress_id: &str) -> Value {
        self.wait(|event| {
            event["event"] == "egress_ended" && event["egressInfo"]["egressId"] == egress_id
        })
        .await["egressInfo"]
            .clone()
    }
}

impl World {
    pub(super) fn output(&self, filepath: &str, secret: &str) -> Vec<EgressOutput> {
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

    pub(super) async fn start(&self, room: &str, filepath: &str) -> Result<EgressInfo, String> {
        self.start_with(room, self.output(filepath, "secret"), AudioCodec::AcMp3)
            .await
    }

    pub(super) async fn start_with(
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

    pub(super) async fn list(
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

    pub(super) async fn object(&self, key: &str) -> Vec<u8> {
        tokio::fs::read(self.storage.folder().join("recordings").join(key))
            .await
            .unwrap()
    }

    /// The call of the captured bodies: an agent and a caller who speak.
    pub(super) fn call(&self, room: &str) -> String {
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

pub(super) fn person(identity: &str, kind: Kind, attributes: &[(&str, &str)]) -> Person {
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
