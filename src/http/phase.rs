//! A connection's phase, as its task, its socket and the accept loop know it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::time::Instant;

/// The phase that a connection is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Idle since this time: no request, and no response in progress.
    Idle(Instant),
    /// The head of a request has begun to arrive.
    Head(Instant),
    /// A request is being processed.
    Busy,
}

/// Whether the last request was refused: then its sender may still be sending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Accepted,
    Refused,
}

/// The state of one connection.
pub(super) struct ConnectionState {
    phase: Mutex<Phase>,
    refused: AtomicBool,
}

impl ConnectionState {
    /// A connection that was just accepted.
    pub(super) fn new() -> Arc<ConnectionState> {
        Arc::new(ConnectionState {
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
