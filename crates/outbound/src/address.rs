//! Which addresses are of the public internet: IANA's registries of special purposes, as tables.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far a connector reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet alone.
    Global,
    /// Those of this machine and of private networks too: devnets and tests. A miner who is dialled like this can have the bot speak to whatever the bot's
    /// network offers.
    AlsoPrivate,
}

/// Why an address is not of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// `0.0.0.0/8`, `::`: on most systems, this machine.
    Unspecified,
    /// This machine.
    Loopback,
    /// RFC 1918.
    Private,
    /// `100.64.0.0/10`: between a carrier and its customers.
    Shared,
    /// `fc00::/7`.
    UniqueLocal,
    /// `169.254.0.0/16`, `fe80::/10`: the wire, and the metadata services of clouds.
    LinkLocal,
    /// `fec0::/10`.
    SiteLocal,
    /// Many receivers.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// Examples in documents.
    Documentation,
    /// Tests of devices.
    Benchmarking,
    /// Another address inside: mapped, compatible, 6to4, Teredo, NAT64.
    Embedding,
    /// For the protocols themselves, for later, or for nobody.
    Reserved,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared between carrier and customers",
            Self::UniqueLocal => "unique local",
            Self::LinkLocal => "link-local",
            Self::SiteLocal => "site-local",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Documentation => "for documentation",
            Self::Benchmarking => "for benchmarks",
            Self::Embedding => "another address in disguise",
            Self::Reserved => "reserved",
        })
    }
}

impl Reach {
    /// Whether `address` may be dialled.
    ///
    /// # Errors
    /// What it is, if it may not.
    pub fn admit(self, address: IpAddr) -> Result<(), Special> {
        match (Special::of(address), self) {
            (None, _) => Ok(()),
            (
                Some(Special::Loopback | Special::Private | Special::Shared | Special::UniqueLocal),
                Self::AlsoPrivate,
            ) => Ok(()),
            (Some(special), _) => Err(special),
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    Ipv4Addr::new(a, b, c, d).to_bits()
}

/// First address, length of the prefix. Narrow ranges come before the wide ones that hold them.
const V4: &[(u32, u32, Special)] = &[
    (v4(0, 0, 0, 0), 8, Special::Unspecified),
    (v4(10, 0, 0, 0), 8, Special::Private),
    (v4(100, 64, 0, 0), 10, Special::Shared),
    (v4(127, 0, 0, 0), 8, Special::Loopback),
    (v4(169, 254, 0, 0), 16, Special::LinkLocal),
    (v4(172, 16, 0, 0), 12, Special::Private),
    (v4(192, 0, 0, 0), 24, Special::Reserved),
    (v4(192, 0, 2, 0), 24, Special::Documentation),
    (v4(192, 88, 99, 0), 24, Special::Embedding),
    (v4(192, 168, 0, 0), 16, Special::Private),
    (v4(198, 18, 0, 0), 15, Special::Benchmarking),
    (v4(198, 51, 100, 0), 24, Special::Documentation),
    (v4(203, 0, 113, 0), 24, Special::Documentation),
    (v4(224, 0, 0, 0), 4, Special::Multicast),
    (v4(255, 255, 255, 255), 32, Special::Broadcast),
    (v4(240, 0, 0, 0), 4, Special::Reserved),
];

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8]) -> u128 {
    Ipv6Addr::new(a, b, c, d, e, f, g, h).to_bits()
}

const V6: &[(u128, u32, Special)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 128, Special::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1]), 128, Special::Loopback),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0]), 96, Special::Embedding),
    // SIIT's ::ffff:0:a.b.c.d, and the compatible ::a.b.c.d.
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0]), 96, Special::Embedding),
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 96, Special::Embedding),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0]), 96, Special::Embedding),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0]), 48, Special::Embedding),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32, Special::Embedding),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0]), 48, Special::Benchmarking),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23, Special::Reserved),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]), 32, Special::Documentation),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16, Special::Embedding),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20, Special::Documentation),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7, Special::UniqueLocal),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10, Special::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0]), 10, Special::SiteLocal),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8, Special::Multicast),
];

impl Special {
    /// What `address` is for, if not for the public internet.
    #[must_use]
    pub fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                let row =
                    V4.iter().find(|(first, prefix, _)| (bits ^ first).checked_shr(32 - prefix) == Some(0));
                row.map(|(.., special)| *special)
            }
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let row =
                    V6.iter().find(|(first, prefix, _)| (bits ^ first).checked_shr(128 - prefix) == Some(0));
                // Whatever lies outside 2000::/3 was never given out.
                row.map(|(.., special)| *special).or((bits >> 125 != 1).then_some(Self::Reserved))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_at_both_ends_of_every_range_are_special() {
        for (first, prefix, special) in V4 {
            let last = first | u32::MAX.checked_shr(*prefix).unwrap_or(0);
            for bits in [*first, last] {
                let address = Ipv4Addr::from_bits(bits);
                let found = Special::of(address.into());
                let broadcast = bits == u32::MAX && found == Some(Special::Broadcast);
                assert!(found == Some(*special) || broadcast, "{address} is {found:?}");
            }
        }
        for (first, prefix, _) in V6 {
            let last = first | u128::MAX.checked_shr(*prefix).unwrap_or(0);
            for bits in [*first, last] {
                assert!(Special::of(Ipv6Addr::from_bits(bits).into()).is_some(), "{bits:x}");
            }
        }
    }

    #[test]
    fn addresses_of_the_public_internet_are_not_special() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "3fff:1000::",
        ] {
            assert_eq!(Special::of(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn a_devnet_reaches_private_networks_and_nothing_that_disguises_itself() {
        let reach = Reach::AlsoPrivate;
        for address in ["127.0.0.1", "10.1.2.3", "172.17.0.2", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
        {
            assert_eq!(reach.admit(address.parse().unwrap()), Ok(()), "{address}");
            assert!(Reach::Global.admit(address.parse().unwrap()).is_err(), "{address}");
        }
        for (address, special) in [
            ("0.0.0.0", Special::Unspecified),
            ("::", Special::Unspecified),
            ("169.254.169.254", Special::LinkLocal),
            ("fe80::1", Special::LinkLocal),
            ("::ffff:127.0.0.1", Special::Embedding),
            ("::127.0.0.1", Special::Embedding),
            ("2002:7f00:1::", Special::Embedding),
            ("64:ff9b::7f00:1", Special::Embedding),
            ("224.0.0.1", Special::Multicast),
            ("255.255.255.255", Special::Broadcast),
        ] {
            assert_eq!(reach.admit(address.parse().unwrap()), Err(special), "{address}");
        }
    }
}
