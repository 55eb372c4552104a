use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Hops that are read of a forwarded request: more are none of ours.
const MOST_HOPS: usize = 16;

/// Addresses that begin alike: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Range {
    first: IpAddr,
    bits: u8,
}

impl Range {
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                first.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                first.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// The text is neither an address nor a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("say an address or a range: 10.0.0.1, 10.0.0.0/8, fd00::/8")]
pub(crate) struct NoRange;

impl FromStr for Range {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let first: IpAddr = address.parse().map_err(|_| NoRange)?;
        let most = match first {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NoRange))?;
        if bits > most { Err(NoRange) } else { Ok(Self { first, bits }) }
    }
}

impl TryFrom<String> for Range {
    type Error = NoRange;

    fn try_from(text: String) -> Result<Self, NoRange> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Whether an address is a proxy of ours.
pub(super) fn is_ours(proxies: &[Range], address: IpAddr) -> bool {
    proxies.iter().any(|range| range.contains(address))
}

/// Who asks: the peer, or, where the peer is a proxy of ours, the last address in `X-Forwarded-For` that is not.
///
/// What stands before that address was written by whoever asks, and means nothing.
pub(super) fn client(proxies: &[Range], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_ours(proxies, client) {
        return client;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    for hop in hops.take(MOST_HOPS) {
        // A hop that does not read was not written by a proxy of ours: what stands before it neither.
        let Some(address) = address(hop.trim()) else { return client };
        client = address;
        if !is_ours(proxies, client) {
            return client;
        }
    }
    client
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = bare.or_else(with_port).or_else(bracketed)?.to_canonical();
    (address != IpAddr::V4(Ipv4Addr::UNSPECIFIED)).then_some(address)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(proxies: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let proxies: Vec<Range> = proxies.iter().map(|range| range.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        client(&proxies, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_spoofed_x_forwarded_for_of_a_stranger_is_not_read() {
        assert_eq!(seen(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen(&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen(&["10.0.0.0/8"], "::ffff:192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn behind_proxies_the_last_hop_that_is_not_one_of_them_asks() {
        let ours = ["10.0.0.0/8", "2001:db8:1::/48"];
        for (forwarded, client) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (&["203.0.113.9, 198.51.100.7, 10.1.2.3"], "198.51.100.7"),
            (&["203.0.113.9", "198.51.100.7,10.1.2.3"], "198.51.100.7"),
            (&["203.0.113.9, 198.51.100.7, 2001:db8:1:2::3"], "198.51.100.7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8:2::1]:4711"], "2001:db8:2::1"),
            (&["203.0.113.9, nonsense"], "10.0.0.1"),
            (&["203.0.113.9, nonsense, 10.0.0.2"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(seen(&ours, "10.0.0.1", forwarded), client, "{forwarded:?}");
            assert_eq!(seen(&ours, "::ffff:10.0.0.1", forwarded), client, "{forwarded:?}");
        }
    }

    #[test]
    fn a_range_is_an_address_with_or_without_bits() {
        let range = |text: &str| text.parse::<Range>();
        assert!(range("10.0.0.0/8").unwrap().contains("10.255.0.1".parse().unwrap()));
        assert!(!range("10.0.0.0/8").unwrap().contains("11.0.0.1".parse().unwrap()));
        assert!(range("0.0.0.0/0").unwrap().contains("11.0.0.1".parse().unwrap()));
        assert!(!range("::/0").unwrap().contains("11.0.0.1".parse().unwrap()));
        assert!(range("::1").unwrap().contains("::1".parse().unwrap()));
        assert!(!range("10.0.0.1").unwrap().contains("10.0.0.2".parse().unwrap()));
        for wrong in ["", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "a"] {
            assert_eq!(range(wrong), Err(NoRange), "{wrong}");
        }
    }
}
