//! Serves connections so that none blocks the others: as many as the machine has room for, each within time limits.
//! When all are taken, the one is closed for a new one that has been idle longest, or whose request arrives most slowly.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Uri, header::CONNECTION},
    response::Response,
    serve::Listener,
};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    task::{AbortHandle, Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    arrival::{Arriving, Pace},
    error::RETRY_AFTER,
    phase::{Answered, ConnectionState, Phase},
    refusals::{Crowd, CrowdLog},
    socket::Socket,
};

/// Bytes of a request's head, and of what is read of its body at a time; above it the answer is 431.
const HEAD_BYTES: usize = 32 << 10;
/// The body of the 503 that a connection gets when all others are answering requests.
const BUSY: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"too many connections; retry the request"}"#;

/// How many connections there may be, and how long each may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum number of open connections, at least one.
    pub connections: usize,
    /// From a request's first byte to the end of its headers.
    pub head: Duration,
    /// For which the sender of a body may keep us waiting, in all.
    pub body: Duration,
    /// Between two requests. Longer than the minute of most load balancers, so that they close the connection first.
    pub idle: Duration,
    /// For requests in progress when the service stops.
    pub drain: Duration,
}

impl Limits {
    /// `open_files` is this process's limit on open files and sockets; half of it is left for the database and outgoing
    /// requests.
    pub fn new(open_files: usize) -> Limits {
        Limits {
            connections: (open_files / 2).clamp(1, 1024),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(5),
        }
    }
}

/// Accepts connections until `closing` is cancelled, then waits for the requests in progress.
pub async fn serve<L: Listener<Addr = SocketAddr>>(
    mut listener: L,
    router: Router,
    limits: Limits,
    closing: CancellationToken,
) {
    let mut connections = Connections::default();
    let mut sweep = tokio::time::interval(limits.head.min(limits.idle) / 10);
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            Some(ended) = connections.tasks.join_next_with_id() => connections.remove(ended),
            _ = sweep.tick() => {
                connections.close_overdue(&limits);
                connections.refusals.summarize();
            }
            (mut io, peer) = listener.accept() => {
                if connections.make_room(limits.connections) {
                    let connection = Connection {
                        io,
                        router: router.clone(),
                        patience: limits.body,
                        state: ConnectionState::new(peer),
                    };
                    connections.open(connection, closing.clone());
                } else {
                    // The send buffer is still empty, so this does not wait for the other side.
                    io.write_all(busy().as_bytes()).await.ok();
                }
            }
        }
    }
    drop(listener);
    connections.drain(&limits).await;
}

fn busy() -> String {
    let length = BUSY.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         retry-after: {RETRY_AFTER}\r\nconnection: close\r\n\r\n{BUSY}"
    )
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, (AbortHandle, Arc<ConnectionState>)>,
    refusals: CrowdLog,
}

impl Connections {
    fn open<I>(&mut self, connection: Connection<I>, closing: CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let state = connection.state.clone();
        let task = self.tasks.spawn(connection.serve(closing));
        self.open.insert(task.id(), (task, state));
    }

    fn remove(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
    }

    /// Whether one more may be opened; if need be the one is closed that has waited longest for its other side. One that is
    /// idle after a good request stays while there are others: its sender may be about to send the next webhook.
    fn make_room(&mut self, most: usize) -> bool {
        if self.open.len() < most {
            return true;
        }
        let waiting = self.open.iter().filter_map(|(id, (_, state))| {
            Some((!state.is_reusable(), state.phase().waiting()?, *id))
        });
        let first = waiting.max_by_key(|(is_first, time, _)| (*is_first, *time));
        let Some((.., slowest)) = first else {
            metrics::counter!("livekit_airtable_connections_refused_total").increment(1);
            self.refusals.note(Crowd::Refused);
            return false;
        };
        if let Some((task, _)) = self.open.remove(&slowest) {
            task.abort();
            self.refusals.note(Crowd::Closed);
        }
        true
    }

    fn close_overdue(&mut self, limits: &Limits) {
        for (task, state) in self.open.values() {
            let overdue = match state.phase() {
                Phase::Idle(since) => since.elapsed() > limits.idle,
                Phase::Head(since) => since.elapsed() > limits.head,
                Phase::Body(_) | Phase::Busy => false,
            };
            if overdue {
                task.abort();
            }
        }
    }

    /// Waits for requests in progress. Connections that have not sent a whole head are closed at once.
    async fn drain(mut self, limits: &Limits) {
        for (task, state) in self.open.values() {
            if matches!(state.phase(), Phase::Head(_)) {
                task.abort();
            }
        }
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.drain, ended).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "shutdown timed out; requests in progress were cut off"
            );
        }
    }
}

/// What the task of a connection needs.
struct Connection<I> {
    io: I,
    router: Router,
    /// See [`Limits::body`].
    patience: Duration,
    state: Arc<ConnectionState>,
}

impl<I: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<I> {
    async fn serve(self, closing: CancellationToken) {
        let answering = self.state.clone();
        let router = TowerToHyperService::new(self.router);
        let service = service_fn(move |request: Request<Incoming>| {
            let state = answering.clone();
            let answer = router.call(noted(request, &state, self.patience));
            async move {
                let mut answer = answer.await;
                if let (Phase::Body(_), Ok(answer)) = (state.phase(), &mut answer) {
                    // The rest of the body is not received: the sender must not use the connection again.
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                let refused = |answer: &Response| answer.status().as_u16() >= 400;
                state.answered(match answer.as_ref().is_ok_and(refused) {
                    true => Answered::Refused,
                    false => Answered::Accepted,
                });
                answer
            }
        });
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES);
        let io = TokioIo::new(Socket::new(self.io, self.state));
        let mut served = std::pin::pin!(builder.serve_connection(io, service));
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = closing.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection closed with an error");
        }
    }
}

/// The agents SDK appends its paths to LIVEKIT_OBSERVABILITY_URL, which often ends with a slash.
fn without_double_slash(uri: &mut Uri) {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let single = path
        .strip_prefix('/')
        .filter(|_| path.starts_with("//observability/"));
    if let Some(single) = single.and_then(|path| path.parse().ok()) {
        *uri = single;
    }
}

/// The request with its peer, and with a body that notes its arrival in the connection's state.
fn noted(
    mut request: Request<Incoming>,
    state: &Arc<ConnectionState>,
    patience: Duration,
) -> Request<Arriving> {
    state.set(match request.body().is_end_stream() {
        true => Phase::Busy,
        false => Phase::body(),
    });
    request.extensions_mut().insert(ConnectInfo(state.peer));
    without_double_slash(request.uri_mut());
    let pace = match request.uri().path().starts_with("/observability/") {
        true => Pace::Streaming,
        false => Pace::Fixed,
    };
    request.map(|body| Arriving::new(body, state.clone(), patience, pace))
}
