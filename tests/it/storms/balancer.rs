//! A load balancer as simple as they get: connections in turn to whoever takes them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::net::{TcpListener, TcpStream};

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
            let mut next = 0;
            while let Ok((client, _)) = listener.accept().await {
                next += 1;
                tokio::spawn(pass(client, backends.clone(), next));
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

async fn pass(mut client: TcpStream, backends: Arc<Vec<(String, AtomicUsize)>>, first: usize) {
    for n in 0..backends.len() {
        let (address, taken) = &backends[(first + n) % backends.len()];
        if let Ok(mut backend) = TcpStream::connect(address).await {
            taken.fetch_add(1, Ordering::Relaxed);
            // A side that hangs up ends the other, too.
            tokio::io::copy_bidirectional(&mut client, &mut backend)
                .await
                .ok();
            return;
        }
    }
}
