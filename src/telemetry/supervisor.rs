//! The program that has started this one and waits for its state: systemd, or another with its protocol (sd_notify(3)).

use std::{
    io,
    os::unix::net::{SocketAddr, UnixDatagram},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::log_throttle::LogThrottle;

/// How long a message may take when the supervisor is busy.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Where it listens, and how often it must hear from us.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    limit: Option<Duration>,
    fed: Mutex<Option<Instant>>,
    failures: LogThrottle,
}

/// Whether the sender waits until there is room for its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Waits,
    GivesUp,
}

impl Supervisor {
    /// `address` is NOTIFY_SOCKET: a path, or `@` and a name (Linux). `limit`: it ends us when it hears nothing for so long.
    ///
    /// # Errors
    /// When the address is of another kind, or too long.
    pub fn new(address: &str, limit: Option<Duration>) -> io::Result<Supervisor> {
        Ok(Supervisor(Arc::new(Inner {
            address: parse(address)?,
            limit,
            fed: Mutex::default(),
            failures: LogThrottle::default(),
        })))
    }

    /// WATCHDOG_USEC
    pub(super) fn limit(&self) -> Option<Duration> {
        self.0.limit
    }

    /// The service works; `status` is a line for people.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"), Patience::Waits);
    }

    /// What it does now, as a line for people.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={status}"), Patience::Waits);
    }

    /// The service ends.
    pub fn stopping(&self) {
        let state = "STOPPING=1\nSTATUS=finishing requests in progress";
        self.send(state, Patience::Waits);
    }

    /// Feeds the watchdog, if there is one and it is time. Returns whether it was fed.
    pub(super) fn feed(&self) -> bool {
        let Some(limit) = self.0.limit else {
            return false;
        };
        let mut fed = self.0.fed.lock().unwrap_or_else(PoisonError::into_inner);
        if fed.is_some_and(|fed| fed.elapsed() < limit / 4) {
            return false;
        }
        let sent = self.send("WATCHDOG=1", Patience::GivesUp);
        if sent {
            *fed = Some(Instant::now());
        }
        sent
    }

    fn send(&self, state: &str, patience: Patience) -> bool {
        let sent = UnixDatagram::unbound().and_then(|socket| {
            match patience {
                Patience::Waits => socket.set_write_timeout(Some(TIMEOUT))?,
                Patience::GivesUp => socket.set_nonblocking(true)?,
            }
            socket.send_to_addr(state.as_bytes(), &self.0.address)
        });
        if let Err(error) = &sent
            && self.0.failures.should_log("supervisor").is_some()
        {
            tracing::warn!(%error, "NOTIFY_SOCKET: the supervisor does not get the state of this service");
        }
        sent.is_ok()
    }
}

fn parse(address: &str) -> io::Result<SocketAddr> {
    match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        None if address.starts_with('/') => SocketAddr::from_pathname(address),
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}
