//! The HTTP client of the adapters.

use std::{sync::OnceLock, time::Duration};

use reqwest::{ClientBuilder, NoProxy, Proxy};

/// Hosts on this machine, which no proxy reaches: it would be sent their keys, and answer for them.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Minimal systems and images have none.
    #[error(
        "this machine's CA certificates cannot be read: install them (Debian, Ubuntu: apt-get install ca-certificates), or name a file of certificates in SSL_CERT_FILE"
    )]
    Certificates(#[source] reqwest::Error),
    /// The URL of a proxy.
    #[error("HTTPS_PROXY, HTTP_PROXY: a proxy's address cannot be used")]
    Proxy(#[source] reqwest::Error),
}

static PROXIES: OnceLock<Proxies> = OnceLock::new();

/// The proxies of this process.
#[derive(Default)]
pub struct Proxies {
    /// For `http://` addresses.
    pub http: Option<String>,
    /// For `https://` addresses.
    pub https: Option<String>,
    /// Hosts that are reached without a proxy, comma-separated.
    pub none_for: String,
}

/// The proxies of clients that are made from now on; without a call, none. A second call in one process does nothing.
pub fn use_proxies(proxies: Proxies) {
    PROXIES.set(proxies).ok();
}

/// The client for everything that is not the storage: connections in 10 s, complete requests in 30 s unless a request
/// says otherwise. No redirect is followed: a token must not travel to another host, and a POST must not become a GET.
///
/// # Errors
/// When the machine's certificates cannot be read, or a proxy's address cannot be used.
pub fn http_client() -> Result<reqwest::Client, HttpClientError> {
    build(limited())
}

/// The same client with the certificates of the servers in its answers.
///
/// # Errors
/// When the machine's certificates cannot be read, or a proxy's address cannot be used.
pub fn http_client_with_certificates() -> Result<reqwest::Client, HttpClientError> {
    build(limited().tls_info(true))
}

fn build(client: ClientBuilder) -> Result<reqwest::Client, HttpClientError> {
    let client = with_proxies(client).map_err(HttpClientError::Proxy)?;
    client.build().map_err(HttpClientError::Certificates)
}

fn limited() -> ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("livekit-airtable/", env!("CARGO_PKG_VERSION")))
}

/// The client's own rules for proxies include this machine, so they are not used.
fn with_proxies(client: ClientBuilder) -> reqwest::Result<ClientBuilder> {
    let mut client = client.no_proxy();
    let Some(proxies) = PROXIES.get() else {
        return Ok(client);
    };
    let direct = format!("{THIS_MACHINE},{}", proxies.none_for);
    let direct = || NoProxy::from_string(&direct);
    if let Some(url) = &proxies.http {
        client = client.proxy(Proxy::http(url)?.no_proxy(direct()));
    }
    if let Some(url) = &proxies.https {
        client = client.proxy(Proxy::https(url)?.no_proxy(direct()));
    }
    Ok(client)
}
