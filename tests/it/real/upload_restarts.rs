//! The service ends while the agents SDKs upload: they send the session again to the next process, and wait for its answer
//! although it takes long. (A process that is killed cannot answer, and the SDKs send nothing again after a connection that
//! broke: that session is lost.)

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::IntoResponse,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    time::sleep,
};

use super::uploads::{Sdk, announced_room, said, sent_on};
use crate::{
    harness::{World, eventually, in_time, patient_client},
    process::Serve,
};

/// How long an upload waits for a slow service.
const SLOW: Duration = Duration::from_secs(20);

/// A proxy in front of a service that ends in the middle of the first upload, starts again, and is slow.
#[derive(Clone)]
struct Front {
    http: reqwest::Client,
    serve: Arc<Mutex<Serve>>,
    folder: PathBuf,
    settings: Arc<Vec<(String, String)>>,
    has_restarted: Arc<AtomicBool>,
    /// The answers to uploads.
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Front {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(self.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        url
    }

    /// Sends half of the body, ends the service, and returns its answer.
    async fn interrupted(&self, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (u16, Bytes) {
        let mut serve = self.serve.lock().await;
        let mut socket = TcpStream::connect(&serve.address).await.unwrap();
        let mut head = format!("POST {} HTTP/1.1\r\nhost: x\r\n", uri.path());
        for name in ["authorization", "content-type"] {
            let value = headers[name].to_str().unwrap();
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body[..body.len() / 2]).await.unwrap();
        let is_part = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.is_ok_and(|it| it.path().extension().is_some_and(|it| it == "part"))
        };
        let arrives = || {
            let mut files = std::fs::read_dir(self.folder.join("agent-audio")).ok()?;
            files.any(is_part).then_some(())
        };
        assert!(eventually(arrives).await.is_some());
        let mut answer = Vec::new();
        let (code, read) = tokio::join!(serve.stop(), in_time(socket.read_to_end(&mut answer)));
        read.ok();
        assert_eq!(code, Some(0));
        *serve = Serve::start(&self.folder, &self.settings).await;
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
        let end = end.expect("it answers before it ends");
        let status = std::str::from_utf8(&answer[9..12]).unwrap();
        (status.parse().unwrap(), answer[end + 4..].to_vec().into())
    }

    async fn passed(&self, uri: &Uri, headers: &HeaderMap, body: Bytes) -> (u16, Bytes) {
        let address = self.serve.lock().await.address.clone();
        let url = format!("http://{address}{}", uri.path());
        let (status, answer) = sent_on(&self.http, url, headers, body).await;
        (status.as_u16(), answer)
    }
}

async fn pass(
    State(front): State<Front>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let is_session = uri.path().contains("/recordings/");
    let (status, answer) = match is_session && !front.has_restarted.swap(true, Relaxed) {
        true => front.interrupted(&uri, &headers, &body).await,
        false => {
            if is_session {
                sleep(SLOW).await;
            }
            front.passed(&uri, &headers, body).await
        }
    };
    if is_session {
        front.statuses.lock().await.push(status);
    }
    (StatusCode::from_u16(status).unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_send_a_session_again_that_the_end_of_the_service_interrupted() {
    for sdk in Sdk::both() {
        let mut world = World::with(&[("RECORD_ON", "manual")]).await;
        let serve = world.serve_apart().await;
        let room = format!("restarted-{}", sdk.name());
        let call = announced_room(&world, &room).await;
        let front = Front {
            http: patient_client(),
            serve: Arc::new(Mutex::new(serve)),
            folder: world.folder.path().to_owned(),
            settings: Arc::new(world.settings().to_vec()),
            has_restarted: Arc::default(),
            statuses: Arc::default(),
        };
        let url = front.start().await;
        let _worker = sdk.worker(&room, "transcript", &url);
        said(&world, &call).await;
        assert_eq!(*front.statuses.lock().await, [503, 200], "{}", sdk.name());
        assert_eq!(front.serve.lock().await.stop().await, Some(0));
    }
}
