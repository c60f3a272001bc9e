//! The socket: the one that systemd (or whoever speaks its protocol: LISTEN_FDS, LISTEN_PID) holds over restarts, else
//! our own at LISTEN_ADDR.

use std::net::SocketAddr;

use anyhow::Context;
use axum::serve::Listener;
use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Failure;

/// A socket that takes no more connections once `stop` is cancelled. One that is held by somebody else stays open then:
/// who connects waits for the next process.
pub struct Socket {
    listener: Option<TcpListener>,
    address: SocketAddr,
    is_held: bool,
    stop: CancellationToken,
}

impl Socket {
    /// `own` is LISTEN_ADDR, for when nobody holds a socket for us.
    pub async fn open(own: SocketAddr, stop: CancellationToken) -> anyhow::Result<Socket> {
        let held = ListenFd::from_env().take_tcp_listener(0);
        let held = held.context("LISTEN_FDS: the first socket is not one for TCP that listens")?;
        let is_held = held.is_some();
        let listener = match held {
            Some(held) => {
                held.set_nonblocking(true)?;
                TcpListener::from_std(held)?
            }
            None => TcpListener::bind(own)
                .await
                .map_err(|error| refused(own, error))?,
        };
        Ok(Socket {
            address: listener.local_addr()?,
            listener: Some(listener),
            is_held,
            stop,
        })
    }
}

fn refused(own: SocketAddr, error: std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "LISTEN_ADDR: another program listens on {own}, perhaps another `serve`. Stop that one, or set LISTEN_ADDR to another port"
        ),
        ErrorKind::AddrNotAvailable => Failure::Usage(format!(
            "LISTEN_ADDR: {own} is no address of this machine; 0.0.0.0:{} listens on all that it has",
            own.port()
        ))
        .into(),
        ErrorKind::PermissionDenied => Failure::NotPermitted(format!(
            "LISTEN_ADDR: this user may not listen on {own}; ports from 1024 on are open to everybody"
        ))
        .into(),
        _ => anyhow::Error::from(error).context(format!("LISTEN_ADDR: {own} cannot be listened on")),
    }
}

impl Listener for Socket {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            let next = self.stop.run_until_cancelled(Listener::accept(listener));
            if let Some(connection) = next.await {
                return connection;
            }
        }
        if !self.is_held {
            // Closed at once, so that who connects is refused and tries again, instead of waiting in vain.
            self.listener = None;
        }
        std::future::pending().await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
