//! What limits are counted by.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a limit counts grants of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Somebody who signed in.
    Identity,
    /// An actor of the network, whatever form of its address is given.
    Actor,
    /// One IPv4 address.
    V4Address,
    /// The /24 network of an IPv4 address.
    V4Network,
    /// The /64 network of an IPv6 address: what one customer has at least.
    V6Network,
    /// The /48 network of an IPv6 address: what one site has at most.
    V6Site,
    /// An event, for all of its guests together.
    Event,
}

impl Scope {
    /// Those that are part of an IP address, which everybody shares who asks from there.
    pub const PREFIXES: [Self; 4] = [Self::V4Address, Self::V4Network, Self::V6Network, Self::V6Site];

    /// The word it is stored and written by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Actor => "actor",
            Self::V4Address => "v4-address",
            Self::V4Network => "v4-network",
            Self::V6Network => "v6-network",
            Self::V6Site => "v6-site",
            Self::Event => "event",
        }
    }

    /// Whether it is one of [`PREFIXES`](Self::PREFIXES).
    #[must_use]
    pub const fn is_prefix(self) -> bool {
        matches!(self, Self::V4Address | Self::V4Network | Self::V6Network | Self::V6Site)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The narrower and the wider network that an address is counted in. An IPv4 address written as IPv6 (`::ffff:…`) is the IPv4 address.
#[must_use]
pub fn prefixes(address: IpAddr) -> [(Scope, String); 2] {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [(Scope::V4Address, format!("{address}/32")), (Scope::V4Network, format!("{a}.{b}.{c}.0/24"))]
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            let network = |length: u32| {
                let kept = bits >> (128 - length) << (128 - length);
                format!("{}/{length}", std::net::Ipv6Addr::from_bits(kept))
            };
            [(Scope::V6Network, network(64)), (Scope::V6Site, network(48))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_network_has_its_prefix() {
        for (address, narrow, wide) in [
            ("203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("::1", "::/64", "::/48"),
        ] {
            let [(_, found), (_, wider)] = prefixes(address.parse().unwrap());
            assert_eq!((found.as_str(), wider.as_str()), (narrow, wide), "{address}");
        }
    }
}
