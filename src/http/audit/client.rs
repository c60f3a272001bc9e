//! Where a request came from.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request},
    http::HeaderMap,
};

use crate::domain::audit::TrustedProxies;

/// The client's address: the connection's, or what a trusted proxy says.
pub(in crate::http) fn client(proxies: &TrustedProxies, request: &Request) -> String {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let Some(ConnectInfo(peer)) = peer else {
        return "unknown".to_owned();
    };
    let hops = hops(request.headers());
    let hops: Vec<&str> = hops.iter().map(String::as_str).collect();
    proxies.client(peer.ip(), &hops).to_string()
}

/// The hops of `X-Forwarded-For`, else of `Forwarded`; each proxy has added one at the end.
fn hops(headers: &HeaderMap) -> Vec<String> {
    let values = |name: &str| {
        let all = headers.get_all(name).iter();
        let texts: Vec<&str> = all
            .map(|value| value.to_str().unwrap_or("invalid"))
            .collect();
        texts.join(",")
    };
    if headers.contains_key("x-forwarded-for") {
        return values("x-forwarded-for")
            .split(',')
            .map(str::to_owned)
            .collect();
    }
    if !headers.contains_key("forwarded") {
        return Vec::new();
    }
    values("forwarded").split(',').map(forwarded_for).collect()
}

/// `for=192.0.2.1;proto=https`. An element without `for` is a hop that cannot be read.
fn forwarded_for(element: &str) -> String {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn hops_are_read_from_either_header() {
        let hops_of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            hops(&headers)
                .iter()
                .map(|hop| hop.trim().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(hops_of(&[]), [""; 0]);
        assert_eq!(
            hops_of(&[
                ("x-forwarded-for", "1.1.1.1, 2.2.2.2"),
                ("x-forwarded-for", "3.3.3.3"),
                ("forwarded", "for=9.9.9.9")
            ]),
            ["1.1.1.1", "2.2.2.2", "3.3.3.3"]
        );
        assert_eq!(
            hops_of(&[(
                "forwarded",
                "for=1.1.1.1;proto=https, proto=http;For=\"[2001:db8::1]:80\", by=x"
            )]),
            ["1.1.1.1", "\"[2001:db8::1]:80\"", ""]
        );
    }
}
