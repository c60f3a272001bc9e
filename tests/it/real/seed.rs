//! An agent with the recipe's own recording code, run by livekit-agents against the real server: it starts its egress
//! after ours, and the row holds one recording.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::Arc,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use livekit_airtable::telemetry;
use livekit_airtable_sim::livekit::LiveKit;
use livekit_protocol as proto;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    exported,
    livekit::{WEBHOOKS, call_of, pass_on, recorder, room_service, talk, world},
    python, run,
};
use crate::{
    harness::{KEY, SECRET, eventually},
    play::text,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_recipes_agent_beside_the_service_leaves_one_recording_in_the_row() {
    let _alone = WEBHOOKS.lock().await;
    let egress = recorder().await;
    let relay = relay(egress.clone()).await;
    let world = world(&relay, &[]).await;
    let agent = Agent::start(&relay);
    let talking = tokio::spawn(run(talk("real-seed", "12"), Vec::new()));
    let call = call_of(&world, "real-seed").await;
    // The server may have rooms of other tests, too.
    let starts = || {
        egress
            .starts()
            .into_iter()
            .filter(|(_, room)| room == "real-seed")
    };
    let both = eventually(|| (starts().count() >= 2).then_some(()));
    both.await.expect("ours and the agent's");
    egress.speak("real-seed");
    let theirs =
        |row: &_| text(row, "Egress ID").starts_with("EG_") && text(row, "Error").is_empty();
    world.row_where(&call, theirs).await;
    talking.await.unwrap();
    world.row_is(&call, "Processing").await;
    egress.close_room("real-seed");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert!(
        text(&row, "Recording URL").contains("recordings/AJ_"),
        "{row:#?}"
    );
    assert_eq!(world.rows_of(&call).await.len(), 1);
    assert_eq!(starts().count(), 2);
    drop(agent);
    egress.stop();
}

/// The agent's worker; killed at the end.
struct Agent(Child);

impl Agent {
    /// Returns once it is registered at the real server.
    fn start(relay: &str) -> Agent {
        let mut command = python("agents/seed.py");
        command.args([&exported("LIVEKIT_TEST_URL"), KEY, SECRET]);
        command.env("LIVEKIT_URL", relay);
        command.env("LIVEKIT_API_KEY", KEY);
        command.env("LIVEKIT_API_SECRET", SECRET);
        command.env("S3_REGION", "auto");
        command.envs(super::bucket());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "registered");
        Agent(child)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// One address for the real server and the stand-in egress, which gets to know each room that is to be recorded.
async fn relay(egress: LiveKit) -> String {
    let app = Router::new().fallback(pass).with_state(Arc::new(egress));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    url
}

async fn pass(
    State(egress): State<Arc<LiveKit>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let host = match uri.path() {
        path if path.ends_with("/StartRoomCompositeEgress") => {
            let request = proto::RoomCompositeEgressRequest::decode(body.clone()).unwrap();
            let asked = json!({ "names": [request.room_name] });
            let rooms = room_service("ListRooms", &asked).await;
            let Some(sid) = rooms["rooms"][0]["sid"].as_str() else {
                return StatusCode::NOT_FOUND.into_response();
            };
            egress.adopt_room(&request.room_name, sid);
            egress.url()
        }
        path if path.starts_with("/twirp/livekit.Egress/") => egress.url(),
        _ => exported("LIVEKIT_TEST_URL"),
    };
    let http = telemetry::http_client().unwrap();
    pass_on(&http, &format!("{host}{}", uri.path()), &headers, body).await
}
