use livekit_airtable::livekit::{client::OpenRoom, token::Grants};
use livekit_api::access_token::{AccessToken, VideoGrants};
use livekit_protocol as proto;
use serde_json::json as object;

use super::{
    egress::{grants, with},
    server::protobuf,
};

#[tokio::test]
async fn rooms_have_their_time_in_milliseconds() {
    let rooms = object!({"rooms": [
        {"sid": "RM_1", "name": "a", "metadata": "m", "creation_time": "1767268800", "creation_time_ms": "1767268800123", "num_participants": 3},
        {"sid": "RM_2", "name": "b", "metadata": "", "creation_time": "1767268800", "creation_time_ms": "0"},
    ]});
    let (client, server) = with([protobuf::<proto::ListRoomsResponse>(rooms)]).await;
    let room = |sid: &str, name: &str, metadata: &str, creation_time_ms, num_participants| {
        let (sid, name, metadata) = (sid.into(), name.into(), metadata.into());
        OpenRoom {
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

#[test]
fn livekits_own_access_tokens_are_read() {
    let video = VideoGrants {
        room_admin: true,
        room: "lobby".into(),
        ..Default::default()
    };
    let token = AccessToken::with_api_key("devkey", "livekit-secret")
        .with_identity("agent-1")
        .with_grants(video);
    let room = Some("lobby".to_owned());
    let expected = Grants {
        identity: "agent-1".into(),
        room,
        room_admin: true,
        room_record: false,
        observability_write: false,
    };
    assert_eq!(
        grants(&format!("Bearer {}", token.to_jwt().unwrap())),
        expected
    );
}
