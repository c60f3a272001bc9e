//! The responses of the Twirp methods, and failing starts.

use std::time::Duration;

use livekit_airtable_sim::livekit::StartFault;
use livekit_api::access_token::{AccessToken, VideoGrants};
use livekit_api::services::egress::EgressListFilter;
use livekit_api::services::room::{CreateRoomOptions, RoomClient};
use serde_json::Value;

use super::world::{KEY, SECRET, world};

#[tokio::test]
async fn starts_go_wrong_as_asked() {
    let world = world().await;
    world.call("call");
    for (fault, reported) in [
        (StartFault::Unavailable, "unavailable"),
        (StartFault::BadRequest, "invalid_argument"),
        (StartFault::Unauthorized, "error decoding"),
    ] {
        world.livekit.fail_next_start(1, fault);
        let error = world.start("call", "x.mp3").await.unwrap_err();
        assert!(error.contains(reported), "{fault:?}: {error}");
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
    assert_eq!(
        (listed.len(), listed[0].num_participants),
        (1, 1),
        "the agent does not count"
    );
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
    let grants = VideoGrants {
        room_record: true,
        ..Default::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET)
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

    let (status, body) = ask("Egress/StartWebEgress", &token).await;
    assert_eq!((status, body.contains("bad_route")), (404, true));
    let (status, body) = ask("RoomService/ListRooms", &token).await;
    assert_eq!((status, body.contains("permissions denied")), (401, true));
    let (status, body) = ask("Egress/ListEgress", &format!("{token}x")).await;
    assert_eq!((status, body.contains(&token)), (401, true));
    let foreign = AccessToken::with_api_key("other", SECRET).to_jwt().unwrap();
    assert_eq!(
        ask("Egress/ListEgress", &foreign).await,
        (401, "invalid API key: other".to_owned())
    );
}

#[tokio::test]
async fn people_come_and_speak_by_plain_requests() {
    let world = world().await;
    let http = reqwest::Client::builder().build().unwrap();
    let post = async |what: &str, body: &'static str| {
        let url = format!("{}/sim/rooms/call-1/{what}", world.livekit.url());
        let answer = http.post(url).body(body).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(post("speak", "").await, 404);
    assert_eq!(post("join", r#"{"kind": "agent"}"#).await, 400);
    let caller = r#"{"identity": "sip_1", "kind": "sip", "attributes": {"sip.phoneNumber": "+15551234567"}}"#;
    assert_eq!(post("join", caller).await, 200);
    assert_eq!(post("speak", "").await, 200);
    let joined = |event: &Value| event["event"] == "participant_joined";
    let joined = world.inbox.wait(joined).await;
    let attributes = &joined["participant"]["attributes"];
    assert_eq!(attributes["sip.phoneNumber"], "+15551234567");
    let info = world.start("call-1", "x.mp3").await.unwrap();
    assert_eq!(post("close", "").await, 200);
    let ended = world.inbox.ended(&info.egress_id).await;
    assert_eq!(ended["status"], "EGRESS_COMPLETE");
}
