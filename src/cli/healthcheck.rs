//! `healthcheck`: whether the service in this container, or on this machine, works.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::failure::Failure;
use crate::config::{self, Source};

/// How long the answer may take. The service itself waits up to 10 s for its database.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const ANSWER: u64 = 64 << 10;

#[derive(clap::Args)]
pub(super) struct HealthcheckArgs {
    /// Read the address from this file, which `serve --addr-file` has written; otherwise from LISTEN_ADDR or PORT
    #[arg(long, value_name = "PATH")]
    addr_file: Option<PathBuf>,
}

/// Succeeds if `/readyz` answers 200.
pub(super) async fn run(args: HealthcheckArgs, source: &Source) -> anyhow::Result<()> {
    let address = match args.addr_file {
        Some(path) => {
            let read = std::fs::read_to_string(&path);
            let text = read.with_context(|| format!("{} cannot be read", path.display()))?;
            let address = text.trim().parse();
            address.with_context(|| format!("{} has no IP:port", path.display()))?
        }
        None => config::read(source, config::listen_address)?,
    };
    if address.port() == 0 {
        let usage = "LISTEN_ADDR: the service chooses its port itself; name it with --addr-file";
        return Err(Failure::Usage(usage.into()).into());
    }
    let address = reachable(address);
    let asking = tokio::time::timeout(TIMEOUT, ask(address));
    let answer = match asking.await {
        Ok(answer) => answer.with_context(|| {
            format!("the service does not answer at {address} (LISTEN_ADDR); is `serve` running?")
        })?,
        Err(_) => {
            anyhow::bail!("the service does not answer at {address} (LISTEN_ADDR) within 15 s")
        }
    };
    match answer.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        _ => anyhow::bail!("the service is not ready: {}", reason(&answer)),
    }
}

/// An address that leads to a service that listens on this one.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        address => address,
    }
}

/// The answer with its head. No proxy is used, and no name is looked up.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.take(ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What the body says: the database, and jobs that have died.
fn reason(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap_or_default().to_owned();
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        return status;
    };
    let store = body["store"].as_str().filter(|store| *store != "writable");
    let jobs = body["jobs"].as_object().into_iter().flatten();
    let dead = jobs.filter(|(_, state)| *state == "dead");
    let dead = dead.map(|(job, _)| format!("the job {job} has ended"));
    let store = store.map(|store| format!("the database is {store}"));
    let reasons: Vec<String> = store.into_iter().chain(dead).collect();
    match reasons.is_empty() {
        true => status,
        false => reasons.join("; "),
    }
}
