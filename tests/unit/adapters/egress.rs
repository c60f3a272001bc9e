use livekit_airtable::{
    domain::{self, Channels, FileType},
    livekit::{
        body,
        client::{Client, Config, Egresses, Error, ErrorKind, ListedRoom, Output, Stopped, Upload},
        token::{Grants, Keys},
    },
    telemetry::now,
};
use livekit_api::access_token::{AccessToken, VideoGrants};
use livekit_protocol as proto;
use serde_json::{Value, json as object};

use super::server::{self, Answer, Server, answer, hangs_up, http, json, nobody, protobuf};

mod errors;

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
        access_key: "access".into(),
        secret_key: "storage-secret".to_owned().into(),
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

async fn with(answers: impl IntoIterator<Item = Answer>) -> (Client, Server) {
    let server = Server::start(answers).await;
    (client(server.url()), server)
}

/// A start of this room's recording into this object, mixed for two channels.
async fn started(client: &Client, path: &str) -> Result<String, Error> {
    let output = output(FileType::Mp3, Channels::Dual);
    client.start("lobby", path, &output).await
}

fn grants(token: &str) -> Grants {
    let keys = Keys::new(vec![("devkey".into(), "livekit-secret".to_owned().into())]);
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
        let server = Server::start([protobuf::<proto::EgressInfo>(object!({}))]).await;
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

#[tokio::test]
async fn rooms_have_their_time_in_milliseconds() {
    let rooms = object!({"rooms": [
        {"sid": "RM_1", "name": "a", "metadata": "m", "creation_time": "1767268800", "creation_time_ms": "1767268800123", "num_participants": 3},
        {"sid": "RM_2", "name": "b", "metadata": "", "creation_time": "1767268800", "creation_time_ms": "0"},
    ]});
    let (client, server) = with([protobuf::<proto::ListRoomsResponse>(rooms)]).await;
    let room = |sid: &str, name: &str, metadata: &str, creation_time_ms, num_participants| {
        let (sid, name, metadata) = (sid.into(), name.into(), metadata.into());
        ListedRoom {
            sid,
            name,
            metadata,
            creation_time_ms,
            num_participants,
        }
    };
    let found = client.rooms(&["a", "b"]).await.unwrap();
    assert_eq!(
        found,
        [
            room("RM_1", "a", "m", 1_767_268_800_123, 3),
            room("RM_2", "b", "", 1_767_268_800_000, 0)
        ]
    );
    let asked = server.seen()[0].message::<proto::ListRoomsRequest>();
    assert_eq!(asked, object!({"names": ["a", "b"]}));
    assert_eq!(
        server.seen()[0].uri.path(),
        "/twirp/livekit.RoomService/ListRooms"
    );
}

#[tokio::test]
async fn participants_take_the_form_of_webhooks() {
    let people = object!({"participants": [
        {"sid": "PA_1", "identity": "sip_1", "name": "", "kind": "SIP", "joined_at": "1767268800", "version": 2,
         "attributes": {"sip.phoneNumber": "+15550100", "silent": "", "count": "0"}},
    ]});
    let answer = protobuf::<proto::ListParticipantsResponse>(people);
    let (client, server) = with([answer]).await;
    let found = client.participants("a room").await.unwrap();
    let found: Vec<serde_json::Value> = found
        .iter()
        .map(|p| serde_json::from_str(p).unwrap())
        .collect();
    assert_eq!(
        found,
        [object!({
            "sid": "PA_1", "identity": "sip_1", "kind": "SIP", "joinedAt": "1767268800", "version": 2,
            "attributes": {"sip.phoneNumber": "+15550100", "silent": "", "count": "0"},
        })]
    );
    let asked = &server.seen()[0];
    assert_eq!(
        asked.uri.path(),
        "/twirp/livekit.RoomService/ListParticipants"
    );
    let request = asked.message::<proto::ListParticipantsRequest>();
    assert_eq!(request, object!({"room": "a room"}));
}
