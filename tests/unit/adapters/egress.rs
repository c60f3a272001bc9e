use livekit_airtable::{
    domain::{self, Addressing, Channels, FileType, KeyEntry, SigningKey, StorageKey},
    livekit::{
        body,
        client::{Client, Config, Egresses, Error, ErrorKind, Output, Stopped, Upload},
        token::{Grants, Keys},
    },
    telemetry::now,
};
use livekit_protocol as proto;
use serde_json::{Value, json as object};

mod requests;

use super::server::{self, Answer, Server, answer, hangs_up, http, json, nobody, protobuf};

const ENDED: &str =
    include_str!("../../fixtures/livekit-captured/016_egress_ended_EGRESS_COMPLETE.json");

fn config(url: String) -> Config {
    Config {
        url,
        api_key: "devkey".into(),
        api_secret: "livekit-secret".to_owned().into(),
    }
}

fn output(file_type: FileType, channels: Channels) -> Output {
    let upload = Upload {
        key: StorageKey {
            access_key: "access".into(),
            secret_key: "storage-secret".to_owned().into(),
            session_token: None,
        }
        .into(),
        addressing: Addressing::Path,
        region: "auto".into(),
        endpoint: Some("https://0123abc.r2.cloudflarestorage.com".into()),
        bucket: "calls".into(),
    };
    Output {
        upload,
        file_type,
        channels,
    }
}

fn client(url: String) -> Client {
    Client::new(config(url), http())
}

pub(super) async fn with(answers: impl IntoIterator<Item = Answer>) -> (Client, Server) {
    let server = Server::start(answers).await;
    (client(server.url()), server)
}

/// A start of this room's recording into this object, mixed for two channels.
async fn started(client: &Client, path: &str) -> Result<String, Error> {
    let output = output(FileType::Mp3, Channels::Dual);
    client.start("lobby", path, &output).await
}

pub(super) fn grants(token: &str) -> Grants {
    let keys = Keys::new(vec![SigningKey {
        name: "devkey".into(),
        secret: "livekit-secret".into(),
        entry: KeyEntry::Main,
    }]);
    keys.verify_token(token.strip_prefix("Bearer ").unwrap(), now())
        .unwrap()
}

#[tokio::test]
async fn a_start_asks_for_audio_only_in_the_right_codec() {
    let starting = object!({"egress_id": "EG_1", "room_name": "lobby", "status": "EGRESS_STARTING", "error": ""});
    let (client, server) = with([protobuf::<proto::EgressInfo>(starting)]).await;
    let info: Value =
        serde_json::from_str(&started(&client, "recordings/RM_1.mp3").await.unwrap()).unwrap();
    assert_eq!(
        info,
        object!({"egressId": "EG_1", "roomName": "lobby", "status": "EGRESS_STARTING"})
    );

    let seen = &server.seen()[0];
    assert_eq!(
        seen.uri.path(),
        "/twirp/livekit.Egress/StartRoomCompositeEgress"
    );
    assert!(grants(seen.header("authorization")).room_record);
    let upload = object!({
        "accessKey": "access", "secret": "storage-secret", "region": "auto", "bucket": "calls",
        "endpoint": "https://0123abc.r2.cloudflarestorage.com", "forcePathStyle": true,
    });
    let file = object!({"fileType": "MP3", "filepath": "recordings/RM_1.mp3", "disableManifest": true, "s3": upload});
    let expected = object!({
        "roomName": "lobby", "audioOnly": true, "audioMixing": "DUAL_CHANNEL_AGENT",
        "fileOutputs": [file], "advanced": {"audioCodec": "AC_MP3"},
    });
    assert_eq!(
        seen.message::<proto::RoomCompositeEgressRequest>(),
        expected
    );
}

#[tokio::test]
async fn other_file_types_take_their_own_codec() {
    for (file_type, kind, codec) in [
        (FileType::Ogg, "OGG", "OPUS"),
        (FileType::Mp4, "MP4", "AAC"),
    ] {
        let started = protobuf::<proto::EgressInfo>(object!({"egressId": "EG_1"}));
        let server = Server::start([started]).await;
        let output = output(file_type, Channels::Mixed);
        let sent = client(server.url()).start("lobby", "a", &output).await;
        sent.unwrap();
        let sent = server.seen()[0].message::<proto::RoomCompositeEgressRequest>();
        assert_eq!(sent["fileOutputs"][0]["fileType"], kind);
        assert_eq!(sent["advanced"]["audioCodec"], codec);
        assert_eq!(sent["audioMixing"], Value::Null);
    }
}

#[tokio::test]
async fn an_answer_is_read_as_the_webhook_is() {
    let webhook: Value = serde_json::from_str(ENDED).unwrap();
    let info = &webhook["egressInfo"];
    let page = protobuf::<proto::ListEgressResponse>(object!({"items": [info]}));
    let (client, _) = with([page]).await;
    let listed = client.list(None, Egresses::All).await.unwrap();
    let listed: Value = serde_json::from_str(&listed[0]).unwrap();
    let read = |info: &Value| body::egress(info, domain::Room::default());
    assert_eq!(read(&listed), read(info));
    assert!(matches!(read(info), domain::EventPayload::Egress { .. }));
}

#[tokio::test]
async fn a_status_of_tomorrow_does_not_cost_the_answer() {
    let info = proto::EgressInfo {
        egress_id: "EG_1".into(),
        status: 99,
        ..Default::default()
    };
    let bytes = prost::Message::encode_to_vec(&info);
    let (client, _) = with([server::bytes(200, "application/protobuf", bytes)]).await;
    let info = started(&client, "a.mp3").await.unwrap();
    assert_eq!(info, r#"{"egressId":"EG_1","status":99}"#);
}

#[tokio::test]
async fn a_list_follows_pages_and_ends_when_a_token_comes_again() {
    let page = |id: &str, token: &str| {
        let page = object!({"items": [{"egress_id": id}], "next_page_token": {"token": token}});
        protobuf::<proto::ListEgressResponse>(page)
    };
    let (client, server) = with([
        page("EG_1", "two"),
        page("EG_2", "three"),
        page("EG_3", "three"),
    ])
    .await;
    let found = client.list(Some("lobby"), Egresses::Running).await.unwrap();
    assert_eq!(
        found,
        [
            r#"{"egressId":"EG_1","status":"EGRESS_STARTING"}"#,
            r#"{"egressId":"EG_2","status":"EGRESS_STARTING"}"#,
            r#"{"egressId":"EG_3","status":"EGRESS_STARTING"}"#
        ]
    );
    let asked: Vec<Value> = server
        .seen()
        .iter()
        .map(server::Seen::message::<proto::ListEgressRequest>)
        .collect();
    assert_eq!(asked[0], object!({"roomName": "lobby", "active": true}));
    assert_eq!(asked[2]["pageToken"]["token"], "three");

    let (client, server) = with([protobuf::<proto::ListEgressResponse>(
        object!({"items": []}),
    )])
    .await;
    assert!(client.list(None, Egresses::All).await.unwrap().is_empty());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_has_ended_needs_no_stop() {
    let over = object!({"code": "failed_precondition", "msg": "egress with status EGRESS_COMPLETE cannot be stopped"});
    let unknown = object!({"code": "not_found", "msg": "egress does not exist"});
    let ending = object!({"egress_id": "EG_1", "status": "EGRESS_ENDING"});
    let (client, _) = with([
        json(412, over),
        json(404, unknown),
        protobuf::<proto::EgressInfo>(ending),
    ])
    .await;
    assert_eq!(client.stop("EG_1").await.unwrap(), Stopped::AlreadyOver);
    assert_eq!(client.stop("EG_1").await.unwrap(), Stopped::AlreadyOver);
    let Stopped::Yes(info) = client.stop("EG_1").await.unwrap() else {
        panic!()
    };
    assert_eq!(info, r#"{"egressId":"EG_1","status":"EGRESS_ENDING"}"#);

    let away = object!({"code": "deadline_exceeded", "msg": "request timed out"});
    let (client, _) = with([
        json(408, away),
        answer(404, "text/plain", "404 page not found"),
    ])
    .await;
    assert_eq!(
        client.stop("EG_1").await.unwrap_err().kind(),
        ErrorKind::Transient
    );
    assert_eq!(
        client.stop("EG_1").await.unwrap_err().kind(),
        ErrorKind::Transient
    );
}

async fn start(answer: Answer) -> Error {
    let (client, _) = with([answer]).await;
    started(&client, "a.mp3").await.unwrap_err()
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let twirp = |status, code: &str| {
        json(
            status,
            object!({"code": code, "msg": "twirp error unknown: no\nroom"}),
        )
    };
    let html = |status| answer(status, "text/html", "<html>HIDDEN</html>");
    let kinds = [
        (twirp(503, "unavailable"), ErrorKind::Transient),
        (twirp(500, "internal"), ErrorKind::Transient),
        (twirp(429, "resource_exhausted"), ErrorKind::Transient),
        (twirp(404, "not_found"), ErrorKind::NotFound),
        (twirp(404, "bad_route"), ErrorKind::BadRequest),
        (twirp(400, "invalid_argument"), ErrorKind::BadRequest),
        (twirp(412, "failed_precondition"), ErrorKind::BadRequest),
        (twirp(401, "unauthenticated"), ErrorKind::Unauthorized),
        (twirp(408, "deadline_exceeded"), ErrorKind::UnknownOutcome),
        (twirp(409, "already_exists"), ErrorKind::UnknownOutcome),
        (html(502), ErrorKind::UnknownOutcome),
        (html(504), ErrorKind::UnknownOutcome),
        (html(503), ErrorKind::Transient),
        (html(302), ErrorKind::Transient),
        (html(404), ErrorKind::Transient),
        (html(200), ErrorKind::UnknownOutcome),
    ];
    for (answer, kind) in kinds {
        let what = format!("{answer:?}");
        let error = start(answer).await;
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(!error.to_string().contains("HIDDEN"), "{error}");
    }
    let error = start(twirp(404, "not_found")).await;
    assert_eq!(
        error.to_string(),
        "LiveKit answered not_found (404): no room"
    );
    let (client, _) = with([html(502)]).await;
    assert_eq!(
        client
            .list(None, Egresses::Running)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Transient
    );
}

#[tokio::test]
async fn a_wrong_secret_is_reported_without_the_token_that_livekit_repeats() {
    let token = "invalid token: eyJhbGciOiJIUzI1NiJ9.e30.c2ln, error: go-jose/go-jose: error in cryptographic primitive";
    let error = start(answer(401, "text/plain", token)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(
        error.to_string(),
        "LiveKit rejected the API key (401): check LIVEKIT_API_KEY, LIVEKIT_API_SECRET and this machine's clock"
    );
    let error = start(json(400, object!({"code": "malformed", "msg": token}))).await;
    assert!(!format!("{error} {error:?}").contains("eyJ"));
}

#[tokio::test]
async fn a_lost_answer_to_a_start_is_not_a_passing_error() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"egress_id\":",
    ] {
        let client = client(hangs_up(reply).await);
        assert_eq!(
            started(&client, "a.mp3").await.unwrap_err().kind(),
            ErrorKind::UnknownOutcome
        );
        assert_eq!(
            client
                .list(None, Egresses::Running)
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::Transient
        );
    }
    let client = client(nobody().await);
    assert_eq!(
        started(&client, "a.mp3").await.unwrap_err().kind(),
        ErrorKind::Transient
    );
}

#[tokio::test]
async fn a_start_that_times_out_may_have_happened() {
    let impatient = reqwest::Client::builder().read_timeout(std::time::Duration::from_millis(50));
    let client = Client::new(
        config(server::never_answers().await),
        impatient.build().unwrap(),
    );
    let error = started(&client, "a.mp3").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::UnknownOutcome,
            "LiveKit does not respond: timed out"
        )
    );
    assert_eq!(
        client.rooms(&[]).await.unwrap_err().kind(),
        ErrorKind::Transient
    );
}
