//! The first gate, in memory: floods are turned away before any work is done for them.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::policy::{Scope, prefixes};

type Key = (Scope, String);

/// How fast the networks that an address lies in may ask, whatever they ask. Of one process, and forgotten when it ends: what counts is counted in
/// the database.
pub struct Front<C: Clock = DefaultClock> {
    narrow: RateLimiter<Key, DashMapStateStore<Key>, C, NoOpMiddleware<C::Instant>>,
    wide: RateLimiter<Key, DashMapStateStore<Key>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock> std::fmt::Debug for Front<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("narrow", &self.narrow.len()).field("wide", &self.wide.len()).finish()
    }
}

impl<C: Clock + Clone> Front<C> {
    /// Each /32 or /64 may ask `per_minute` times a minute, and so often at once; each /24 or /48 ten times as often.
    #[must_use]
    pub fn new(per_minute: NonZeroU32, clock: C) -> Self {
        let wide = per_minute.saturating_mul(NonZeroU32::MIN.saturating_add(9));
        Self {
            narrow: RateLimiter::new(
                Quota::per_minute(per_minute),
                DashMapStateStore::default(),
                clock.clone(),
            ),
            wide: RateLimiter::new(Quota::per_minute(wide), DashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Whether this address may ask now.
    ///
    /// # Errors
    /// How long it has to wait; at least a second, so that it can be told in seconds.
    pub fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let [narrow, wide] = prefixes(address);
        let wait = |not: governor::NotUntil<C::Instant>| {
            not.wait_time_from(self.clock.now()).max(Duration::from_secs(1))
        };
        self.narrow.check_key(&narrow).map_err(wait)?;
        self.wide.check_key(&wide).map_err(wait)
    }

    /// Forget the networks that may ask as often as if they never had. To be called every minute or so.
    pub fn prune(&self) {
        for limiter in [&self.narrow, &self.wide] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// How many networks are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.narrow.len() + self.wide.len()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_flood_from_one_network_is_turned_away_and_then_forgotten() {
        let clock = FakeRelativeClock::default();
        let front = Front::new(NonZeroU32::new(6).unwrap(), clock.clone());
        let peer = |number: u32| format!("2001:db8:1:2::{number:x}").parse().unwrap();
        assert!((0..6).all(|number| front.check(peer(number)).is_ok()), "six at once");
        let wait = front.check(peer(99)).unwrap_err();
        assert!(wait > Duration::from_secs(9) && wait <= Duration::from_secs(10), "{wait:?}");
        assert!(front.check("2001:db8:1:3::1".parse().unwrap()).is_ok(), "the next network may");
        assert!(front.check("::ffff:192.0.2.1".parse().unwrap()).is_ok());
        clock.advance(Duration::from_secs(10));
        assert!(front.check(peer(100)).is_ok() && front.check(peer(101)).is_err());
        assert!(front.remembered() > 3);
        clock.advance(Duration::from_secs(3_600));
        front.prune();
        assert_eq!(front.remembered(), 0);
    }

    #[test]
    fn many_networks_of_one_site_share_the_site() {
        let front = Front::new(NonZeroU32::new(6).unwrap(), FakeRelativeClock::default());
        let passed =
            (0..200).filter(|n| front.check(format!("2001:db8:7:{n:x}::1").parse().unwrap()).is_ok()).count();
        assert_eq!(passed, 60);
    }
}
