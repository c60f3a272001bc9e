//! The listening socket: the one that systemd keeps open over restarts (LISTEN_FDS, LISTEN_PID), else our own at
//! LISTEN_ADDR.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use anyhow::Context;
use axum::serve::Listener;
use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::Error;

/// A socket that accepts no more connections once `stop` is cancelled. An inherited one stays open then: its clients
/// wait for the next process.
pub(super) struct ListenSocket {
    listener: Option<TcpListener>,
    address: SocketAddr,
    /// Opened by systemd, not by us.
    is_inherited: bool,
    stop: CancellationToken,
}

impl ListenSocket {
    /// Takes the inherited socket, else binds `own`, which is LISTEN_ADDR.
    ///
    /// # Errors
    /// When the address is in use, not this machine's or not permitted, or the inherited socket is not a TCP listener.
    pub(super) async fn open(
        own: SocketAddr,
        stop: CancellationToken,
    ) -> anyhow::Result<ListenSocket> {
        let inherited = ListenFd::from_env().take_tcp_listener(0);
        let inherited = inherited.context("LISTEN_FDS: the first socket is not a TCP listener")?;
        let is_inherited = inherited.is_some();
        let listener = match inherited {
            Some(inherited) => {
                inherited.set_nonblocking(true)?;
                TcpListener::from_std(inherited)?
            }
            None => TcpListener::bind(own)
                .await
                .map_err(|error| not_bound(own, error))?,
        };
        Ok(ListenSocket {
            address: listener.local_addr()?,
            listener: Some(listener),
            is_inherited,
            stop,
        })
    }
}

/// Why nobody can listen on this address, for people.
pub fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!("another program listens on {address}"),
        ErrorKind::AddrNotAvailable => format!("{address} is not an address of this machine"),
        ErrorKind::PermissionDenied => format!("this user may not listen on {address}"),
        _ => format!("cannot listen on {address}"),
    }
}

fn not_bound(own: SocketAddr, error: io::Error) -> anyhow::Error {
    let why = cannot_listen(own, &error);
    match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!(
            "LISTEN_ADDR: {why}, perhaps another `serve`. Stop it, or set LISTEN_ADDR to another port"
        ),
        ErrorKind::AddrNotAvailable => Error::Configuration(format!(
            "LISTEN_ADDR: {why}; 0.0.0.0:{} listens on all of them",
            own.port()
        ))
        .into(),
        ErrorKind::PermissionDenied => Error::NotPermitted(format!(
            "LISTEN_ADDR: {why}; ports from 1024 on need no permission"
        ))
        .into(),
        _ => anyhow::Error::from(error).context(format!("LISTEN_ADDR: {why}")),
    }
}

impl Listener for ListenSocket {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            let next = self.stop.run_until_cancelled(Listener::accept(listener));
            if let Some((connection, peer)) = next.await {
                // Else the end of a large page waits until the visitor's machine has acknowledged its beginning.
                connection.set_nodelay(true).ok();
                return (connection, peer);
            }
        }
        if !self.is_inherited {
            // Closed at once, so that clients are refused and retry, instead of waiting in vain.
            self.listener = None;
        }
        std::future::pending().await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
