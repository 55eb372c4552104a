use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use apogee_faucet::Front;
use axum::http::Method;
use governor::clock::{Clock, DefaultClock};

/// Requests a minute of one /32 or /64, and ten times as many of its /24 or /48.
///
/// A classroom stands behind one IPv4 address, and all of it begins at once: sixty people who sign in, ask whether they may and then ask, and
/// press a button once more, are four requests a head within a minute. It is no more than that because of what each costs: some milliseconds of a
/// database that takes hundreds in a second. How often somebody is *granted* something, and whether a code is guessed, is not decided here:
/// limits count in the database, and codes are too long to be guessed at this pace or at any.
const CLASSROOM: NonZeroU32 = NonZeroU32::new(240).expect("240 is not zero");
/// A program that waits to be let in asks every five seconds: the same classroom with a terminal each.
const TERMINALS: NonZeroU32 = NonZeroU32::new(1_200).expect("1,200 is not zero");
/// Requests between looks at who may be forgotten.
const SWEEP: u32 = 4_096;

/// Turns floods away, in memory and before a session is looked up. Each gate counts for itself: who has asked a faucet too often can still sign
/// out of it.
pub(super) struct Gates<C: Clock = DefaultClock> {
    gates: [Gate<C>; 6],
    passed: AtomicU32,
}

struct Gate<C: Clock> {
    name: &'static str,
    /// What paths begin with.
    path: &'static str,
    a_minute: NonZeroU32,
    front: Front<C>,
}

/// Somebody asks too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flood {
    /// Which gate.
    pub(crate) gate: &'static str,
    /// Requests that it lets through in a minute.
    pub(crate) a_minute: u32,
    /// Seconds until it lets one through again.
    pub(crate) wait: u64,
}

impl<C: Clock> std::fmt::Debug for Gates<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gates").finish_non_exhaustive()
    }
}

impl<C: Clock + Clone> Gates<C> {
    pub(super) fn new(clock: &C) -> Self {
        let gate =
            |name, path, a_minute| Gate { name, path, a_minute, front: Front::new(a_minute, clock.clone()) };
        let gates = [
            gate("check", "/check", CLASSROOM),
            gate("faucet", "/faucet", CLASSROOM),
            // All of a chat comes from a few servers; how often one account may ask is counted behind this.
            gate("discord", "/discord", TERMINALS),
            gate("sign-in", "/signin", CLASSROOM),
            gate("device", "/device", TERMINALS),
            gate("account", "/me", CLASSROOM),
        ];
        Self { gates, passed: AtomicU32::new(0) }
    }

    /// Whether somebody may send something to a page, or come back from a provider.
    ///
    /// # Errors
    /// How long they have to wait.
    pub(super) fn check(&self, method: &Method, path: &str, address: IpAddr) -> Result<(), Flood> {
        // A page that is only looked at changes nothing; who comes back from a provider makes us ask it, and who looks something up a node.
        if *method != Method::POST && !path.ends_with("/callback") && !asks_a_node(path) {
            return Ok(());
        }
        let below = |gate: &&Gate<C>| {
            path.strip_prefix(gate.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let Some(gate) = self.gates.iter().find(below) else { return Ok(()) };
        if self.passed.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.gates.iter().for_each(|gate| gate.front.prune());
        }
        gate.front.check(address).map_err(|wait| {
            // Who comes back a moment too early is turned away once more.
            let wait = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Flood { gate: gate.name, a_minute: gate.a_minute.get(), wait }
        })
    }
}

/// Whether an answer at a path needs one of a node.
fn asks_a_node(path: &str) -> bool {
    let rest = path.strip_prefix("/faucet/").and_then(|rest| rest.split_once('/'));
    let asks = |rest: &str| rest == "status" || rest.starts_with("balance/") || rest.starts_with("tx/");
    rest.is_some_and(|(_, rest)| asks(rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn passed(gates: &Gates<FakeRelativeClock>, path: &str, address: &str, times: usize) -> usize {
        let address = address.parse().unwrap();
        (0..times).filter(|_| gates.check(&Method::POST, path, address).is_ok()).count()
    }

    #[test]
    fn a_classroom_behind_one_address_signs_in_and_a_flood_does_not() {
        let clock = FakeRelativeClock::default();
        let gates = Gates::new(&clock);
        assert_eq!(passed(&gates, "/signin/github", "192.0.2.1", 60 * 4), 240);
        assert_eq!(passed(&gates, "/signin/invite", "192.0.2.1", 1_000), 0);
        let flood =
            gates.check(&Method::GET, "/signin/github/callback", "192.0.2.1".parse().unwrap()).unwrap_err();
        assert_eq!(flood, Flood { gate: "sign-in", a_minute: 240, wait: 1 });
        assert_eq!(passed(&gates, "/signin/github", "192.0.2.2", 1), 1, "the neighbour may");
        assert_eq!(
            passed(&gates, "/device/token", "192.0.2.1", 60 * 12),
            720,
            "another gate counts for itself"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(passed(&gates, "/signin/github", "192.0.2.1", 10), 4, "four a second come back");
    }

    #[test]
    fn many_addresses_of_one_site_share_the_site() {
        let gates = Gates::new(&FakeRelativeClock::default());
        let site = (0..3_000).filter(|n| {
            let address = format!("2001:db8:7:{n:x}::1").parse().unwrap();
            gates.check(&Method::POST, "/faucet/calibration", address).is_ok()
        });
        assert_eq!(site.count(), 2_400);
    }

    #[test]
    fn who_looks_something_up_passes_the_gate_of_the_faucet() {
        let gates = Gates::new(&FakeRelativeClock::default());
        let address = "192.0.2.1".parse().unwrap();
        let looked = |path| gates.check(&Method::GET, path, address).is_ok();
        let paths = ["/faucet/mesh/balance/stest1q", "/faucet/mesh/tx/00", "/faucet/mesh/status"];
        assert_eq!((0..1_000).filter(|n| looked(paths[n % 3])).count(), 240);
        assert!(gates.check(&Method::POST, "/faucet/mesh", address).is_err(), "it is the same gate");
        assert!(looked("/faucet/mesh") && looked("/faucet/mesh/g/tx/1") && looked("/faucet/mesh/find"));
    }

    #[test]
    fn pages_that_are_only_looked_at_have_no_gate() {
        let gates = Gates::new(&FakeRelativeClock::default());
        let address = "192.0.2.1".parse().unwrap();
        assert!((0..1_000).all(|_| gates.check(&Method::GET, "/faucet/calibration", address).is_ok()));
        assert!((0..1_000).all(|_| gates.check(&Method::POST, "/signout", address).is_ok()));
        assert!((0..1_000).all(|_| gates.check(&Method::POST, "/menu", address).is_ok()));
    }
}
