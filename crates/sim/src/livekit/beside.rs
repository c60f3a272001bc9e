//! The egress beside a real livekit-server: what the server has open can be recorded here, and every other request is passed
//! on to the server. Its rooms are asked for often, so that an egress hears when somebody publishes sound and when its room ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use livekit_protocol as proto;
use prost::Message;
use tokio::sync::Mutex;

use super::egress::End;
use super::routes;
use super::token::Key;
use super::world::Server;

/// How often the server is asked for its rooms.
const EVERY: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(30);
const EGRESS: &str = "livekit.Egress";
const PROTOBUF: &str = "application/protobuf";

/// A real livekit-server, and the stand-in beside it.
#[derive(Debug)]
pub(super) struct Beside {
    server: Arc<Server>,
    /// Of the real server, without a slash at its end.
    url: String,
    key: Key,
    http: reqwest::Client,
    /// Held while the rooms are asked for: an older list never takes the place of a newer one.
    turn: Mutex<()>,
}

impl Beside {
    /// The stand-in beside the server at this URL, whose API key this is.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub(super) fn new(server: Arc<Server>, url: &str, key: Key) -> std::io::Result<Arc<Beside>> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let http = http.build().map_err(crate::crypto::no_client)?;
        // LiveKit's clients write the address with either scheme.
        let url = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
        let url = url.trim_end_matches('/').to_owned();
        Ok(Arc::new(Beside {
            server,
            url,
            key,
            http,
            turn: Mutex::new(()),
        }))
    }

    /// Egress here, everything else there.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/twirp/livekit.Egress/{method}", post(egress))
            .fallback(pass)
            .with_state(self.clone())
    }

    /// Follows the server's rooms until the stand-in is stopped.
    pub(super) async fn follow(self: Arc<Self>) {
        let stopped = self.server.stopped.clone();
        let following = async {
            loop {
                tokio::time::sleep(EVERY).await;
                // While the server is away, nothing is known of its rooms.
                self.update().await.ok();
            }
        };
        stopped.run_until_cancelled(following).await;
    }

    async fn update(&self) -> Result<(), reqwest::Error> {
        let _turn = self.turn.lock().await;
        let (token, asked) = (self.key.lists_rooms(), proto::ListRoomsRequest::default());
        let listed = self.ask("ListRooms", token, &asked).await?;
        let listed: Option<proto::ListRoomsResponse> = listed;
        if let Some(listed) = listed {
            self.server.match_rooms(&listed.rooms);
        }
        for room in self.server.silent_rooms() {
            if self.has_sound(&room).await? {
                self.server.speak(&room);
            }
        }
        Ok(())
    }

    /// Whether somebody publishes sound. The list of rooms says so up to five seconds later.
    async fn has_sound(&self, room: &str) -> Result<bool, reqwest::Error> {
        let asked = proto::ListParticipantsRequest {
            room: room.to_owned(),
        };
        let token = self.key.administers(room);
        let listed = self.ask("ListParticipants", token, &asked).await?;
        let listed: proto::ListParticipantsResponse = listed.unwrap_or_default();
        let mut tracks = listed.participants.iter().flat_map(|person| &person.tracks);
        Ok(tracks.any(|track| track.r#type() == proto::TrackType::Audio))
    }

    /// The answer to a request; `None`: it cannot be read, and says nothing.
    async fn ask<Answer: Message + Default>(
        &self,
        method: &str,
        token: String,
        request: &impl Message,
    ) -> Result<Option<Answer>, reqwest::Error> {
        let url = format!("{}/twirp/livekit.RoomService/{method}", self.url);
        let asked = self.http.post(url).bearer_auth(token);
        let asked = asked.header(header::CONTENT_TYPE, PROTOBUF);
        let answer = asked.body(request.encode_to_vec()).send().await?;
        let body = answer.error_for_status()?.bytes().await?;
        Ok(Answer::decode(body).ok())
    }
}

impl Server {
    /// Takes over the rooms of a real server: egresses of closed rooms end.
    fn match_rooms(self: &Arc<Self>, rooms: &[proto::Room]) {
        for room in rooms {
            self.adopt_room(&room.name, &room.sid);
        }
        let open: BTreeSet<&str> = rooms.iter().map(|room| room.sid.as_str()).collect();
        let mut world = self.world();
        world
            .rooms
            .retain(|_, known| open.contains(known.room.sid.as_str()));
        let running = world.egresses.iter().filter(|egress| egress.runs());
        let ended = running.filter(|egress| !open.contains(egress.info.room_id.as_str()));
        let ended: Vec<String> = ended.map(|egress| egress.info.egress_id.clone()).collect();
        drop(world);
        for egress in ended {
            self.end_egress(&egress, End::SourceClosed);
        }
    }

    /// Rooms whose egress waits for sound.
    fn silent_rooms(&self) -> Vec<String> {
        let world = self.world();
        let is_recorded = |sid: &str| {
            let mut running = world.egresses.iter().filter(|egress| egress.runs());
            running.any(|egress| egress.info.room_id == sid)
        };
        let rooms = world.rooms.iter().filter(|(_, open)| !open.spoken);
        let rooms = rooms.filter(|(_, open)| is_recorded(&open.room.sid));
        rooms.map(|(name, _)| name.clone()).collect()
    }
}

async fn egress(
    State(beside): State<Arc<Beside>>,
    Path(method): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A room that was opened a moment ago can be recorded.
    if let Err(error) = beside.update().await {
        return away(&error);
    }
    let place = (EGRESS.to_owned(), method);
    let server = State(beside.server.clone());
    routes::call(server, Path(place), uri, headers, body).await
}

async fn pass(
    State(beside): State<Arc<Beside>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = beside.http.request(method, format!("{}{uri}", beside.url));
    let kept = [header::AUTHORIZATION, header::CONTENT_TYPE].into_iter();
    let kept = kept.filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    match asked.headers(kept.collect()).body(body).send().await {
        Ok(answer) => passed_back(answer).await,
        Err(error) => away(&error),
    }
}

async fn passed_back(answer: reqwest::Response) -> Response {
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE));
    let kind = kind.map(|kind| (header::CONTENT_TYPE, kind.clone()));
    let kind: HeaderMap = kind.into_iter().collect();
    match answer.bytes().await {
        Ok(body) => (status, kind, body).into_response(),
        Err(error) => away(&error),
    }
}

fn away(error: &reqwest::Error) -> Response {
    let text = format!("the real livekit-server does not answer: {error}\n");
    (StatusCode::BAD_GATEWAY, text).into_response()
}
