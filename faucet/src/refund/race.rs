//! What the reimbursement faucet of Space Race 1 paid (`lotus-pcr`), to the atto, without its mistakes.

use serde::{Deserialize, Serialize};

use crate::policy::Money;

const FIL: u128 = 1_000_000_000_000_000_000;

/// Which messages it paid back, and how. TOML; an unknown key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RacePolicy {
    /// Its number; every change has a higher one.
    pub version: u32,
    /// How much of a collateral, in hundredths; 103 was the default.
    pub refund_percent: u32,
    /// Whether `PreCommitSector` is paid back.
    pub pre_commit: bool,
    /// Whether `ProveCommitSector` is paid back.
    pub prove_commit: bool,
    /// Whether gas of `SubmitWindowedPoSt` is paid back.
    pub window_post: bool,
    /// Whether gas of `PublishStorageDeals` is paid back.
    pub publish_deals: bool,
    /// A message with a higher fee cap, or in a tipset with a higher base fee, is not paid back; attoFIL a unit of gas.
    pub fee_cap_max: Option<Money>,
    /// Miners that are paid nothing.
    #[serde(default)]
    pub blocked: Vec<String>,
}

/// What a message cost. All figures are attoFIL of the state that `lotus-pcr` read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaceCost {
    /// `PreCommitSector`: the initial pledge by state at its tipset, not the value that was sent.
    PreCommit {
        /// Initial pledge.
        collateral: u128,
    },
    /// `ProveCommitSector`: the initial pledge at the pre-commitment's tipset, and the deposit that is returned.
    ProveCommit {
        /// Initial pledge.
        collateral: u128,
        /// Deposit of the pre-commitment.
        deposit: u128,
    },
    /// `SubmitWindowedPoSt`.
    WindowPost {
        /// Gas that it used.
        gas_used: u64,
    },
    /// `PublishStorageDeals`.
    PublishDeals {
        /// Gas that it used.
        gas_used: u64,
    },
}

/// A message with what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaceMessage {
    /// The miner; for `PublishStorageDeals` nobody.
    pub miner: Option<String>,
    /// Whether it was executed without failing.
    pub succeeded: bool,
    /// Its fee cap.
    pub fee_cap: u128,
    /// Base fee of the tipset that executed it: its own `ParentBaseFee`.
    pub base_fee: u128,
    /// What it cost.
    pub cost: RaceCost,
}

impl RacePolicy {
    /// As it ran on the testnet from 27 August 2020 on.
    pub const DEFAULT: &str = include_str!("../../policies/sr1-reimbursement.toml");

    /// Read it.
    ///
    /// # Errors
    /// It is not TOML, or a key is unknown, missing or of the wrong kind.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// `floor(collateral / 100) × percent`: the hundredths are lost before they are multiplied.
    #[must_use]
    pub fn of_collateral(&self, collateral: u128) -> u128 {
        (collateral / 100).saturating_mul(u128::from(self.refund_percent))
    }

    /// What is paid back for a message; nothing for one that does not count.
    #[must_use]
    pub fn refund(&self, of: &RaceMessage) -> u128 {
        let dear = self.fee_cap_max.is_some_and(|most| of.fee_cap > most.atto.0 || of.base_fee > most.atto.0);
        let blocked = of.miner.as_ref().is_some_and(|miner| self.blocked.contains(miner));
        if !of.succeeded || dear || blocked {
            return 0;
        }
        let gas = |used: u64| u128::from(used).saturating_mul(of.base_fee);
        match of.cost {
            RaceCost::PreCommit { collateral } if self.pre_commit => self.of_collateral(collateral),
            // A deposit above the pledge leaves nothing to be paid back.
            RaceCost::ProveCommit { collateral, deposit } if self.prove_commit => {
                self.of_collateral(collateral.saturating_sub(deposit))
            }
            RaceCost::WindowPost { gas_used } if self.window_post => gas(gas_used),
            RaceCost::PublishDeals { gas_used } if self.publish_deals => gas(gas_used),
            _ => 0,
        }
    }
}

/// What the wallet had to hold before `sum` was paid: a five-hundredth more, for gas.
#[must_use]
pub const fn solvent_from(sum: u128) -> u128 {
    sum.saturating_add(sum / 500)
}

/// How a miner with faults was helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It has no faults, or enough money.
    Skip,
    /// It is paid so much.
    Pay(u128),
    /// It would need more than 3,000 FIL, and is paid nothing.
    TooMuch(u128),
}

/// What `recover-miners` paid: `faults` sectors are faulty, and `available` is what the miner and its addresses have together, which may be less than nothing.
#[must_use]
pub fn recover(faults: u64, available: i128) -> Recovery {
    let most = 3_000 * FIL;
    let limit = u128::from(faults / 10).saturating_mul(FIL);
    let missing = i128::try_from(limit).unwrap_or(i128::MAX).saturating_sub(available);
    let Ok(missing) = u128::try_from(missing) else { return Recovery::Skip };
    if faults == 0 {
        return Recovery::Skip;
    }
    let refund = (missing / 100).saturating_mul(110).saturating_add(5 * FIL);
    if refund > most { Recovery::TooMuch(refund) } else { Recovery::Pay(refund) }
}
