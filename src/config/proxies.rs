//! HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case.

use super::{Reader, address};

/// The proxies for outgoing requests; they may contain a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// For `http://` addresses.
    pub http: Option<String>,
    /// For `https://` addresses.
    pub https: Option<String>,
    /// Hosts that are reached without a proxy, comma-separated.
    pub none_for: String,
}

impl ProxySettings {
    /// HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
    pub fn read(r: &mut Reader<'_>) -> Self {
        let all = proxy(r, ["ALL_PROXY", "all_proxy"]);
        let none_for = ["NO_PROXY", "no_proxy"].map(|name| r.text(name, "hosts, comma-separated"));
        Self {
            http: proxy(r, ["HTTP_PROXY", "http_proxy"]).or_else(|| all.clone()),
            https: proxy(r, ["HTTPS_PROXY", "https_proxy"]).or(all),
            none_for: none_for.into_iter().flatten().next().unwrap_or_default(),
        }
    }
}

fn proxy(r: &mut Reader<'_>, names: [&str; 2]) -> Option<String> {
    let expected = "the proxy's URL, http://host:port";
    let found = names.map(|name| r.address(name, expected, address::proxy_url));
    found.into_iter().flatten().next()
}
