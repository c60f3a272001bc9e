//! Starting a stand-in.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::simulator::{Airtable, Inner};
use super::state::State;
use super::{seed, server};

/// Listens and serves until [`Airtable::stop`]; port 0 picks a free one.
///
/// # Errors
/// The socket's, or `InvalidInput` with what is wrong with the seed.
pub async fn start(listen: SocketAddr, options: Options) -> std::io::Result<Airtable> {
    let invalid = |why| std::io::Error::new(std::io::ErrorKind::InvalidInput, why);
    let base = seed::plant(options.seed.as_ref()).map_err(invalid)?;
    // Attachments are fetched over https, too.
    crate::install_crypto();
    let listener = TcpListener::bind(listen).await?;
    let airtable = Airtable(Arc::new(Inner {
        address: listener.local_addr()?,
        state: Mutex::new(State::new(base, &options)),
        options,
        stop: CancellationToken::new(),
    }));
    tokio::spawn(server::serve(listener, airtable.clone()));
    Ok(airtable)
}
