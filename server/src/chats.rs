//! Chats whose commands reach a faucet: whose signature is taken, and how often one account may ask.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use apogee_chat::{ApplicationKey, Snowflake};
use apogee_domain::NetworkId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Config;

/// Commands that an account may send in a minute, and so many at once: most of them ask a node.
const A_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");
/// Commands between looks at who may be forgotten.
const SWEEP: u32 = 1_024;

/// The doors of chats.
pub(crate) struct Chats {
    doors: BTreeMap<NetworkId, Door>,
    pace: DefaultKeyedRateLimiter<Snowflake>,
    clock: DefaultClock,
    passed: AtomicU32,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// The faucet behind it.
    pub(crate) faucet: String,
    /// Whose signature is taken.
    pub(crate) key: ApplicationKey,
}

impl std::fmt::Debug for Chats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chats").field("doors", &self.doors).finish_non_exhaustive()
    }
}

impl Chats {
    /// Those of some settings.
    pub(crate) fn open(config: &Config) -> Self {
        let door = |(name, faucet): (&String, &crate::config::Faucet)| {
            let network = config.wallets.get(&faucet.wallet)?.network.clone();
            let key = faucet.discord.as_ref()?.application_public_key.clone();
            Some((network, Door { faucet: name.clone(), key }))
        };
        let clock = DefaultClock::default();
        Self {
            doors: config.faucets.iter().filter_map(door).collect(),
            pace: RateLimiter::keyed(Quota::per_minute(A_MINUTE)),
            clock,
            passed: AtomicU32::new(0),
        }
    }

    /// The door of a network's faucet.
    pub(crate) fn door(&self, network: &NetworkId) -> Option<&Door> {
        self.doors.get(network)
    }

    /// Whether an account may send a command now.
    ///
    /// # Errors
    /// Seconds that it has to wait.
    pub(crate) fn pass(&self, account: Snowflake) -> Result<(), u64> {
        // Only accounts that a chat has verified are remembered.
        if self.passed.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.pace.retain_recent();
            self.pace.shrink_to_fit();
        }
        self.pace.check_key(&account).map_err(|not| {
            let wait = not.wait_time_from(self.clock.now());
            (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_asks_twenty_times_at_once_and_keeps_nobody_else_waiting() {
        let chats = Chats::open(&Config::defaults().unwrap());
        let account = |text: &str| text.parse::<Snowflake>().unwrap();
        let passed = (0..100).filter(|_| chats.pass(account("7")).is_ok()).count();
        assert!((20..=21).contains(&passed), "{passed}");
        assert!((1..=4).contains(&chats.pass(account("7")).unwrap_err()));
        assert_eq!(chats.pass(account("8")), Ok(()));
    }
}
