//! Whether `serve` runs, its version, and what it says of itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;

use super::{examined::Examined, finding::Finding, row::Row};

/// What is read of `/readyz`.
#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    #[serde(default)]
    store: Option<String>,
}

/// What is read of `/openapi.json`.
#[derive(Deserialize)]
struct Document {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    version: String,
}

/// Whether `serve` runs on this database, and is this version.
pub(super) async fn running(examined: &Examined) -> Finding {
    if examined.store.is_none() {
        return examined.without_store("`serve` has not run here yet");
    }
    if !examined.is_served {
        return Finding::warning(
            "`serve` does not run on this database; nothing is recorded or written meanwhile",
            "start it: livekit-airtable serve",
            Row::Service,
        );
    }
    let Some(address) = address(examined) else {
        return Finding::ok("it runs; where it listens is not known (LISTEN_ADDR has port 0)");
    };
    match ask(&examined.http, address).await {
        None => Finding::warning(
            format!("it runs on this database, and does not answer at {address}"),
            "LISTEN_ADDR: give doctor the same value as `serve`, and run it on the same machine",
            Row::Service,
        ),
        Some((readiness, _)) if !readiness.ready => Finding::warning(
            format!(
                "/readyz is red: {}",
                readiness.store.as_deref().unwrap_or("a job has died")
            ),
            "DATABASE_URL: see the check of the database, and the log of `serve`",
            Row::Service,
        ),
        Some((_, version)) if version != env!("CARGO_PKG_VERSION") => Finding::warning(
            format!(
                "`serve` is version {version}, and this is {}",
                env!("CARGO_PKG_VERSION")
            ),
            "restart `serve` with this version",
            Row::Service,
        ),
        Some((_, version)) => Finding::ok(format!("version {version}, /readyz is green")),
    }
}

/// Where it listens, as seen from this machine; `None`: on a port that the system chose.
pub(super) fn address(examined: &Examined) -> Option<SocketAddr> {
    let listen = examined.settings.http.as_ref()?.listen;
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    (listen.port() != 0).then(|| SocketAddr::new(ip, listen.port()))
}

async fn ask(http: &reqwest::Client, address: SocketAddr) -> Option<(Readiness, String)> {
    let get = async |path: &str| {
        let answer = http.get(format!("http://{address}{path}")).send().await;
        answer.ok()?.text().await.ok()
    };
    let readiness = serde_json::from_str(&get("/readyz").await?).ok()?;
    let document: Document = serde_json::from_str(&get("/openapi.json").await?).ok()?;
    Some((readiness, document.info.version))
}
