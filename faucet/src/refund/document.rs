//! How much is paid back, as it is written.

use apogee_domain::{Atto, Digest, Epoch};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::policy::{Coin, Money};

/// How much of the burnt base fee is paid back, and to whom. TOML; an unknown key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPolicy {
    /// Its number; every change has a higher one.
    pub version: u32,
    /// How much of the burn, in hundredths; at most all of it.
    pub percent: u32,
    /// At most so much for each sector that was proven.
    pub per_sector: Money,
    /// At most so much for a message.
    pub per_message: Money,
    /// At most so much for a miner on a day.
    pub per_miner: Money,
    /// At most so much for all miners of an owner on a day.
    pub per_owner: Money,
    /// At most so much on a day.
    pub per_day: Money,
    /// How many epochs a day has; it begins with a multiple of this.
    pub day_epochs: u32,
    /// Methods of the miner actor that are paid back.
    pub methods: Vec<u64>,
    /// Miners that are paid nothing, as the network writes them.
    #[serde(default)]
    pub blocked: Vec<String>,
    /// What share is paid at what base fee: straight lines between these points, as the first before it and as the last behind it. Where gas is
    /// free, nobody saves it: the share has to fall when the base fee rises.
    pub share: Vec<SharePoint>,
    /// So many epochs are waited for the first WindowPoSt of a message's sectors; nothing is waited for where it is left out.
    pub hold_epochs: Option<u32>,
    /// How many epochs' refunds go into one payment to a sender.
    pub period_epochs: u32,
    /// What pauses the faucet.
    #[serde(default)]
    pub alarm: Alarms,
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharePoint {
    /// Base fee, attoFIL a unit of gas.
    pub base_fee: u64,
    /// Millionths that are paid back.
    pub millionths: u32,
}

/// What pauses the faucet by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// An owner has more than so many hundredths of a day's refunds …
    pub owner_percent: Option<u32>,
    /// … once these come to this.
    pub owner_from: Option<Money>,
    /// The base fee is so many times the day's median so far, and the curve's first point at least.
    pub base_fee_times: Option<u32>,
}

/// A policy that is none.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// It is not TOML, or a key is unknown, missing or of the wrong kind.
    #[error("the policy of refunds does not read")]
    Toml(#[from] toml::de::Error),
    /// It reads, but makes no sense.
    #[error("the policy of refunds: {0}")]
    Invalid(&'static str),
}

/// All of it, in millionths.
const WHOLE: u32 = 1_000_000;

impl RefundPolicy {
    /// What holds unless a network says otherwise.
    pub const DEFAULT: &str = include_str!("../../policies/refund.toml");

    /// Read and check it.
    ///
    /// # Errors
    /// [`RefundError`] says what is wrong.
    pub fn read(text: &str) -> Result<Self, RefundError> {
        let policy: Self = toml::from_str(text)?;
        let ensure = |holds, problem| if holds { Ok(()) } else { Err(RefundError::Invalid(problem)) };
        let amounts =
            [policy.per_sector, policy.per_message, policy.per_miner, policy.per_owner, policy.per_day];
        let all = amounts.into_iter().chain(policy.alarm.owner_from);
        ensure(all.into_iter().all(|amount| amount.coin == Coin::Fil), "its amounts are in FIL")?;
        ensure(policy.percent <= 100, "percent is more than 100: who burns would gain by it")?;
        ensure(policy.day_epochs > 0 && policy.period_epochs > 0, "a day or a period of no epochs")?;
        ensure(policy.share.iter().all(|point| point.millionths <= WHOLE), "a share of more than all")?;
        ensure(!policy.share.is_empty() && policy.share.len() <= 64, "the curve needs 1 to 64 points")?;
        let mut pairs = policy.share.iter().zip(policy.share.iter().skip(1));
        let falls = pairs.all(|(a, b)| a.base_fee < b.base_fee && a.millionths >= b.millionths);
        ensure(falls, "the curve has to rise in base fee, and not in share")?;
        if let (Some(percent), Some(from)) = (policy.alarm.owner_percent, policy.alarm.owner_from) {
            let most = policy.per_owner.atto.0.saturating_mul(100);
            let fires = most > from.atto.0.saturating_mul(percent.into());
            ensure(fires, "no owner can have owner_percent of owner_from: per_owner ends before")?;
        }
        Ok(policy)
    }

    /// SHA-256 of its canonical form: JSON with every key, in the order of this type.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Text, integers and lists of them: there is nothing in it that JSON cannot hold.
        Digest(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into())
    }

    /// The first epoch of the day that an epoch is part of.
    #[must_use]
    pub fn day_of(&self, epoch: Epoch) -> Epoch {
        let first = epoch.height() - epoch.height().rem_euclid(i64::from(self.day_epochs).max(1));
        Epoch::new(first).unwrap_or(epoch)
    }

    /// The number of the period that an epoch is part of.
    #[must_use]
    pub fn period_of(&self, epoch: Epoch) -> i64 {
        epoch.height().div_euclid(i64::from(self.period_epochs).max(1))
    }

    /// What share is paid at this base fee, in millionths; rounded down.
    #[must_use]
    pub fn share_at(&self, base_fee: Atto) -> u32 {
        let fee = base_fee.0;
        let before = self.share.iter().rev().find(|point| u128::from(point.base_fee) <= fee);
        let after = self.share.iter().find(|point| u128::from(point.base_fee) > fee);
        match (before, after) {
            (Some(from), Some(to)) => {
                let width = u128::from(to.base_fee - from.base_fee);
                let along = fee - u128::from(from.base_fee);
                let fall = u128::from(from.millionths.saturating_sub(to.millionths));
                // Rounding the fall up rounds the share down.
                let fallen = (fall * along).div_ceil(width.max(1));
                from.millionths.saturating_sub(u32::try_from(fallen).unwrap_or(WHOLE))
            }
            (Some(point), None) | (None, Some(point)) => point.millionths,
            (None, None) => 0,
        }
    }
}
