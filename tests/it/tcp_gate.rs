//! A TCP proxy in front of a server: open, closed (connections are refused), stuck (connections are accepted, but
//! nothing is answered), or slow (one byte of the response at a time).

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub struct Gate {
    address: SocketAddr,
    target: String,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy)]
enum Way {
    Open,
    Stuck,
    Dribble,
}

impl Gate {
    /// An open one before the server at this `http://IP:port`.
    pub async fn before(url: &str) -> Gate {
        static COUNT: AtomicU8 = AtomicU8::new(0);
        // Its own address, so that no other program takes its port while it is closed.
        let process = (std::process::id() % 250) as u8 + 1;
        let host = Ipv4Addr::new(127, process, COUNT.fetch_add(1, Ordering::Relaxed), 7);
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let mut gate = Gate {
            address: listener.local_addr().unwrap(),
            target: url.trim_start_matches("http://").to_owned(),
            keeper: None,
        };
        gate.keep(listener, Way::Open);
        gate
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts every connection; new ones are refused.
    pub async fn close(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
            keeper.await.ok();
        }
    }

    pub async fn open(&mut self) {
        self.change(Way::Open).await;
    }

    pub async fn stick(&mut self) {
        self.change(Way::Stuck).await;
    }

    pub async fn dribble(&mut self) {
        self.change(Way::Dribble).await;
    }

    async fn change(&mut self, way: Way) {
        self.close().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.keep(listener, way);
    }

    fn keep(&mut self, listener: TcpListener, way: Way) {
        let target = self.target.clone();
        self.keeper = Some(tokio::spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                passing.spawn(pass(socket, target.clone(), way));
            }
        }));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

async fn pass(mut client: TcpStream, target: String, way: Way) {
    if matches!(way, Way::Stuck) {
        return std::future::pending().await;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    if matches!(way, Way::Open) {
        tokio::io::copy_bidirectional(&mut client, &mut server)
            .await
            .ok();
        return;
    }
    client.set_nodelay(true).ok();
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let asked = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let answered = async {
        while let Ok(byte) = from_server.read_u8().await {
            if to_client.write_u8(byte).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { _ = asked => {}, () = answered => {} }
}
