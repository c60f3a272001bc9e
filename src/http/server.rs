//! Serves connections so that nobody holds the others up: as many as the machine has room for, each within its time.
//! When all places are taken, the connection that has waited longest without a request gives up its own.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, http::Request, response::Response, serve::Listener};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    task::{AbortHandle, Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyDeadlineLayer;

use super::{error::RETRY_AFTER, socket::Socket};

/// Bytes of a request's head, and of what is read at once of its body; 431 above.
const HEAD_BYTES: usize = 32 << 10;
/// What a connection hears that finds every place taken by a request.
const BUSY: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"all connections are taken; send it again"}"#;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at one time, at least one.
    pub connections: usize,
    /// From a request's first byte to the end of its head.
    pub head: Duration,
    /// From there to the end of its body.
    pub body: Duration,
    /// Between two requests. Longer than the minute that load balancers keep one, so that it is they who close it.
    pub idle: Duration,
    /// For requests that are under way when the service stops.
    pub drain: Duration,
}

impl Limits {
    /// `open_files` is how many files and sockets this process may have; half is left for the database and our requests.
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

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No request, and nothing of an answer, since then.
    Idle(Instant),
    /// The head of a request has begun to come.
    Head(Instant),
    /// A request is being answered.
    Busy,
}

/// What the connection's task and the accept loop know of it.
pub(super) struct State {
    phase: Mutex<Phase>,
    /// The last request was refused, so that its sender may still be sending it.
    refused: AtomicBool,
}

impl State {
    fn new() -> Arc<State> {
        Arc::new(State {
            phase: Mutex::new(Phase::Idle(Instant::now())),
            refused: false.into(),
        })
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    pub(super) fn refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// A request was refused before it was one.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Relaxed);
    }

    fn answered(&self, refused: bool) {
        self.refused.store(refused, Relaxed);
        self.set(Phase::Idle(Instant::now()));
    }
}

/// Serves until `closing`, then ends what is being answered.
pub async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    limits: Limits,
    closing: CancellationToken,
) {
    let router = router.layer(RequestBodyDeadlineLayer::new(limits.body));
    let mut connections = Connections::default();
    let mut sweep = tokio::time::interval(limits.head.min(limits.idle) / 10);
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended),
            _ = sweep.tick() => connections.close_overdue(&limits),
            (mut io, _) = listener.accept() => {
                if connections.make_room(limits.connections) {
                    connections.open(io, router.clone(), closing.clone());
                } else {
                    // Its buffer is empty still, so this does not wait for the other side.
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
    open: HashMap<Id, (AbortHandle, Arc<State>)>,
}

impl Connections {
    fn open<I>(&mut self, io: I, router: Router, closing: CancellationToken)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let state = State::new();
        let task = self
            .tasks
            .spawn(connection(io, router, state.clone(), closing));
        self.open.insert(task.id(), (task, state));
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
    }

    /// Is there a place for one more? The one that waits longest makes it.
    fn make_room(&mut self, most: usize) -> bool {
        if self.open.len() < most {
            return true;
        }
        let waiting = self
            .open
            .iter()
            .filter_map(|(id, (_, state))| match state.phase() {
                Phase::Idle(since) | Phase::Head(since) => Some((since, *id)),
                Phase::Busy => None,
            });
        let Some((_, oldest)) = waiting.min_by_key(|(since, _)| *since) else {
            metrics::counter!("livekit_airtable_connections_refused_total").increment(1);
            return false;
        };
        if let Some((task, _)) = self.open.remove(&oldest) {
            task.abort();
        }
        true
    }

    fn close_overdue(&mut self, limits: &Limits) {
        for (task, state) in self.open.values() {
            let overdue = match state.phase() {
                Phase::Idle(since) => since.elapsed() > limits.idle,
                Phase::Head(since) => since.elapsed() > limits.head,
                Phase::Busy => false,
            };
            if overdue {
                task.abort();
            }
        }
    }

    /// Every connection has been told to end; those that have not sent a whole head hold nobody up.
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
                "requests that did not come to their end were cut off"
            );
        }
    }
}

async fn connection<I>(io: I, router: Router, state: Arc<State>, closing: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let answering = state.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        answering.set(Phase::Busy);
        let (answer, state) = (router.call(request), answering.clone());
        async move {
            let answer = answer.await;
            let refused = |answer: &Response| answer.status().as_u16() >= 400;
            state.answered(answer.as_ref().is_ok_and(refused));
            answer
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES);
    let served = builder.serve_connection(TokioIo::new(Socket::new(io, state)), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
