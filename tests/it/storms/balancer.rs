//! A load balancer as simple as they get: each connection to any backend that takes it, and none is kept at rest, so that
//! requests are spread although their clients keep connections.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use uuid::Uuid;

/// How long after an answer a connection is kept.
const REST: Duration = Duration::from_millis(20);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(600);

pub(super) struct Balancer {
    pub address: String,
    /// Connections that each backend took.
    taken: Arc<Vec<(String, AtomicUsize)>>,
}

impl Balancer {
    pub(super) async fn start(backends: &[String]) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let fresh = backends.iter().map(|b| (b.clone(), AtomicUsize::new(0)));
        let taken: Arc<Vec<_>> = Arc::new(fresh.collect());
        let backends = taken.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, backends.clone()));
            }
        });
        Balancer { address, taken }
    }

    /// How many connections each backend has taken.
    pub(super) fn taken(&self) -> Vec<usize> {
        let counts = self.taken.iter();
        counts.map(|(_, n)| n.load(Ordering::Relaxed)).collect()
    }
}

async fn pass(client: TcpStream, backends: Arc<Vec<(String, AtomicUsize)>>) {
    // Not in turn: then the same event of every call could be the same backend's.
    let first = usize::from(Uuid::new_v4().as_bytes()[0]);
    for n in 0..backends.len() {
        let (address, taken) = &backends[(first + n) % backends.len()];
        if let Ok(backend) = TcpStream::connect(address).await {
            taken.fetch_add(1, Ordering::Relaxed);
            exchange(client, backend).await.ok();
            return;
        }
    }
}

/// Until one side hangs up, which ends the other, too, or both rest.
async fn exchange(mut client: TcpStream, mut backend: TcpStream) -> io::Result<()> {
    let (mut request, mut answer) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let mut rest = ANSWER;
    loop {
        tokio::select! {
            read = client.read(&mut request) => match read? {
                0 => return Ok(()),
                bytes => {
                    backend.write_all(&request[..bytes]).await?;
                    rest = ANSWER;
                }
            },
            read = backend.read(&mut answer) => match read? {
                0 => return Ok(()),
                bytes => {
                    client.write_all(&answer[..bytes]).await?;
                    rest = REST;
                }
            },
            () = sleep(rest) => return Ok(()),
        }
    }
}
