//! Requests from the service's own machine.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header, uri::Authority};

/// What proxies add to a request.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Whether the request comes from this machine, and not from a proxy on it for somebody else. A proxy that adds nothing may
/// still keep the host that was asked for.
pub(super) fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let is_added = |name: &str| name.starts_with("x-forwarded") || FORWARDED.contains(&name);
    let hosts = headers.get_all(header::HOST);
    peer.ip().to_canonical().is_loopback()
        && !headers.keys().any(|name| is_added(name.as_str()))
        && hosts
            .iter()
            .all(|host| host.to_str().is_ok_and(is_this_machine))
}

/// Whether a `Host` is this machine's own name: `localhost:8080`, `127.0.0.1`, `[::1]:8080`.
pub(super) fn is_this_machine(host: &str) -> bool {
    let host: Option<Authority> = host.parse().ok();
    let host = host.as_ref().map_or("", Authority::host);
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}
