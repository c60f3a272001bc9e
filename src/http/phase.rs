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
    purpose: Purpose,
    since: Instant,
    bytes: usize,
}

/// What a request is for, if it is known. In this order connections are closed for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Other,
    Webhook,
}

impl Phase {
    /// The body of a request, of which nothing has arrived.
    pub(super) fn body(purpose: Purpose) -> Phase {
        Phase::Body(Arrival {
            purpose,
            since: Instant::now(),
            bytes: 0,
        })
    }

    /// What the other side keeps us waiting for, and how long it has; None while it waits for us.
    pub(super) fn waiting(self) -> Option<(Purpose, Duration)> {
        match self {
            Phase::Idle(since) | Phase::Head(since) => Some((Purpose::Other, since.elapsed())),
            Phase::Body(arrival) => Some((arrival.purpose, arrival.delay())),
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

/// Whether the last request was refused: then its sender may still be sending it.
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
}

impl ConnectionState {
    /// A connection that was just accepted.
    pub(super) fn new(peer: SocketAddr) -> Arc<ConnectionState> {
        Arc::new(ConnectionState {
            peer,
            phase: Mutex::new(Phase::Idle(Instant::now())),
            refused: false.into(),
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

    /// Notes a request that was refused before it could be parsed.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Relaxed);
    }

    /// Notes that a request was answered; the connection is idle from now on.
    pub(super) fn answered(&self, answered: Answered) {
        self.refused.store(answered == Answered::Refused, Relaxed);
        self.set(Phase::Idle(Instant::now()));
    }
}
