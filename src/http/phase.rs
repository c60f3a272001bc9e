//! A connection's phase, as its task, its socket and the accept loop know it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The phase that a connection is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Idle since this time: no request, and no response in progress.
    Idle(Instant),
    /// The head of a request has begun to arrive.
    Head(Instant),
    /// The body of a request is arriving.
    Body(Arrival),
    /// A request is being processed.
    Busy,
}

/// Bytes per second below which a body is slow.
const PACE: usize = 64 << 10;

/// How far a body has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    since: Instant,
    bytes: usize,
}

impl Phase {
    /// The body of a request, of which nothing has arrived.
    pub(super) fn body() -> Phase {
        Phase::Body(Arrival {
            since: Instant::now(),
            bytes: 0,
        })
    }

    /// For how long the other side has kept us waiting; None while it waits for us.
    pub(super) fn waiting(self) -> Option<Duration> {
        match self {
            Phase::Idle(since) | Phase::Head(since) => Some(since.elapsed()),
            Phase::Body(arrival) => Some(arrival.delay()),
            Phase::Busy => None,
        }
    }
}

impl Arrival {
    /// How much longer it has taken than a body that is not slow.
    fn delay(self) -> Duration {
        let due = Duration::from_secs_f64(self.bytes as f64 / PACE as f64);
        self.since.elapsed().saturating_sub(due)
    }
}

/// How the last request was answered. The sender of a refused one may still be sending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Accepted,
    Refused,
}

/// The state of one connection.
pub(super) struct ConnectionState {
    /// Who opened it; perhaps a proxy.
    pub(super) peer: SocketAddr,
    phase: Mutex<Phase>,
    refused: AtomicBool,
    accepted: AtomicBool,
}

impl ConnectionState {
    /// A connection that was just accepted.
    pub(super) fn new(peer: SocketAddr) -> Arc<ConnectionState> {
        Arc::new(ConnectionState {
            peer,
            phase: Mutex::new(Phase::Idle(Instant::now())),
            refused: false.into(),
            accepted: false.into(),
        })
    }

    /// Its phase now.
    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what it is doing now.
    pub(super) fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Notes that more bytes of the body have arrived.
    pub(super) fn arrived(&self, more: usize) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::Body(arrival) = &mut *phase {
            arrival.bytes += more;
        }
    }

    /// Whether the last request was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// Whether it is idle after a request that was accepted.
    pub(super) fn is_reusable(&self) -> bool {
        self.accepted.load(Relaxed) && matches!(self.phase(), Phase::Idle(_))
    }

    /// Notes a request that was refused before it could be parsed.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Relaxed);
    }

    /// Notes that a request was answered; the connection is idle from now on.
    pub(super) fn answered(&self, answered: Answered) {
        self.refused.store(answered == Answered::Refused, Relaxed);
        self.accepted.store(answered == Answered::Accepted, Relaxed);
        self.set(Phase::Idle(Instant::now()));
    }
}
