//! Where addresses lead: to this machine, to a private network, or anywhere.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether the URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether the URL sends its requests in clear text to another machine.
pub(super) fn is_clear_text(url: &str) -> bool {
    let url = Url::parse(url);
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "ws") && !is_loopback(&url))
}

/// Whether everybody can reach the host, as far as its name says.
pub(super) fn is_public(url: &Url) -> bool {
    match url.host() {
        _ if is_loopback(url) => false,
        Some(Host::Ipv4(ip)) => !is_private(ip),
        Some(Host::Ipv6(ip)) => !is_private6(ip),
        Some(Host::Domain(name)) => {
            const PRIVATE: [&str; 6] =
                [".local", ".internal", ".lan", ".home.arpa", ".svc", ".test"];
            name.contains('.') && !PRIVATE.iter().any(|end| name.ends_with(end))
        }
        None => false,
    }
}

fn is_private(ip: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is for the networks of providers, and of Tailscale.
    let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    ip.is_private() || ip.is_link_local() || ip.is_unspecified() || is_shared
}

fn is_private6(ip: Ipv6Addr) -> bool {
    match ip.to_ipv4_mapped() {
        Some(ip) => ip.is_loopback() || is_private(ip),
        None => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_known() {
        let public = |url| is_public(&Url::parse(url).unwrap());
        for url in [
            "https://clinic.livekit.cloud",
            "https://8.8.8.8",
            "https://[2001:4860::1]",
            "https://livekit.example.com:7880",
        ] {
            assert!(public(url), "{url}");
        }
        for url in [
            "http://localhost:7880",
            "http://livekit:7880",
            "http://127.0.0.2",
            "http://10.1.2.3",
            "http://192.168.0.1",
            "http://100.100.1.1",
            "http://[fd00::1]",
            "http://livekit.default.svc.cluster.local",
        ] {
            assert!(!public(url), "{url}");
        }
    }

    #[test]
    fn only_other_machines_are_in_clear_text() {
        for url in [
            "http://10.1.2.3/hook",
            "http://n8n:5678",
            "ws://livekit:7880",
        ] {
            assert!(is_clear_text(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:1",
            "http://localhost",
            "https://n8n:5678",
            "x",
        ] {
            assert!(!is_clear_text(url), "{url}");
        }
    }
}
