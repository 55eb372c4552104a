use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Limits;
use super::proxies::{Range, is_ours};

/// Who is connected, and who may be.
#[derive(Debug)]
pub(super) struct Connections {
    total: usize,
    per_address: usize,
    proxies: Vec<Range>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are as many as may be.
    Total,
    /// There are as many from that address as may be.
    PerAddress,
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { connections: total, connections_per_address: per_address, .. } = *limits;
        Self { total, per_address, proxies: limits.proxies.clone(), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.open().total
    }

    /// A place for a connection from `from`.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr) -> Result<Place, Refused> {
        let from = from.to_canonical();
        // Many people share a proxy: there only the total counts.
        let address = (!is_ours(&self.proxies, from)).then(|| site(from));
        let mut open = self.open();
        if open.total >= self.total {
            return Err(Refused::Total);
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.per_address {
                return Err(Refused::PerAddress);
            }
            *count += 1;
        }
        open.total += 1;
        Ok(Place { connections: Arc::clone(self), address })
    }
}

/// One subscriber has a whole /64 of version 6.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.total = open.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_by_address_and_in_all_and_are_given_back() {
        let limits = Limits {
            connections: 4,
            connections_per_address: 2,
            proxies: vec!["10.0.0.1".parse().unwrap()],
            ..Limits::default()
        };
        let connections = Arc::new(Connections::new(&limits));
        let admit = |address: &str| connections.admit(address.parse().unwrap());
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1").unwrap_err(), Refused::PerAddress);
        drop(first);
        let _again = admit("192.0.2.1").unwrap();
        let _proxied = [admit("10.0.0.1").unwrap(), admit("10.0.0.1").unwrap()];
        assert_eq!(admit("192.0.2.9").unwrap_err(), Refused::Total);
        assert_eq!(connections.count(), 4);
    }

    #[test]
    fn a_version_6_subscriber_is_one_address() {
        let limits = Limits { connections_per_address: 1, ..Limits::default() };
        let connections = Arc::new(Connections::new(&limits));
        let _one = connections.admit("2001:db8:1:2::1".parse().unwrap()).unwrap();
        assert_eq!(connections.admit("2001:db8:1:2:f::9".parse().unwrap()).unwrap_err(), Refused::PerAddress);
        let _other = connections.admit("2001:db8:1:3::1".parse().unwrap()).unwrap();
        drop((_one, _other));
        assert!(connections.open().by_address.is_empty());
    }
}
