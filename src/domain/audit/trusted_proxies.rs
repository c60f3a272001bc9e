//! TRUSTED_PROXIES: whose word is taken for where a request came from.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// The networks of our own proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many bits at the beginning of an address are the network's.
    bits: u32,
}

/// An item that is no address, network or known word, or a network of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidNetwork;

impl Default for TrustedProxies {
    /// This machine.
    fn default() -> TrustedProxies {
        let loopback = ["127.0.0.0/8", "::1"];
        TrustedProxies(loopback.iter().filter_map(|it| it.parse().ok()).collect())
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    /// `10.0.0.0/8, 192.0.2.7, loopback`; `none`.
    fn from_str(text: &str) -> Result<TrustedProxies, InvalidNetwork> {
        let mut networks = Vec::new();
        for item in text.split([',', ' ', '\n']).map(str::trim) {
            match item {
                "" | "none" => {}
                "loopback" => networks.extend(TrustedProxies::default().0),
                item => networks.push(item.parse()?),
            }
        }
        Ok(TrustedProxies(networks))
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Network, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| InvalidNetwork)?,
            None => most,
        };
        match (1..=most).contains(&bits) {
            true => Ok(Network { address, bits }),
            false => Err(InvalidNetwork),
        }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                (ours.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                (ours.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl TrustedProxies {
    /// Whether this address is a proxy of ours.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address that a request came from: the last one of `peer` and the hops before it, from right to left, that is
    /// not a proxy of ours. What stands left of it, anybody may have written.
    pub fn client(&self, peer: IpAddr, hops: &[&str]) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in hops.iter().rev() {
            if !self.contains(client) {
                break;
            }
            let Some(address) = address(hop) else { break };
            client = address;
        }
        client
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, with quotes or without.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let with_port = || Some(hop.parse::<SocketAddr>().ok()?.ip());
    address
        .or_else(with_port)
        .map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, hops: &[&str]) -> String {
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.client(peer.parse().unwrap(), hops).to_string()
    }

    #[test]
    fn the_right_most_hop_that_is_not_ours_is_the_client() {
        let ours = "10.0.0.0/8,loopback";
        for (peer, hops, expected) in [
            ("10.0.0.1", &["6.6.6.6", "203.0.113.7"][..], "203.0.113.7"),
            (
                "10.0.0.1",
                &["6.6.6.6", "203.0.113.7", "10.9.9.9"],
                "203.0.113.7",
            ),
            ("203.0.113.7", &["6.6.6.6"], "203.0.113.7"),
            ("::1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.7", "unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            assert_eq!(client(ours, peer, hops), expected, "{peer} {hops:?}");
        }
        assert_eq!(client("none", "127.0.0.1", &["6.6.6.6"]), "127.0.0.1");
        assert_eq!(
            client("fd00::/8", "fd12::1", &["2001:db8::1"]),
            "2001:db8::1"
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in [
            "*",
            "proxy",
            "10.0.0.0/33",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/8/8",
            "1.2.3",
        ] {
            assert_eq!(
                wrong.parse::<TrustedProxies>(),
                Err(InvalidNetwork),
                "{wrong}"
            );
        }
    }
}
