//! What is paid back for a message, as a function of it and of what the day has paid back already.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Epoch, NetworkId};
use apogee_store::{ClaimState, Reimbursable};

use super::{Candidate, Held, RefundPolicy};

/// Why a message is not paid back, or not yet. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Methods like this one are not paid back.
    Method,
    /// It failed.
    Failed,
    /// It proved no sector.
    NoSector,
    /// Its sender is not the miner's worker and none of its control addresses.
    Sender,
    /// The miner is blocked.
    Blocked,
    /// The network is crowded: at this base fee nothing is paid back.
    BaseFee,
    /// The miner, its owner or everybody together have had what a day gives.
    Day,
    /// Nothing was burnt, or less than can be paid.
    Nothing,
    /// Its sectors wait for their first WindowPoSt.
    Unproven,
    /// Their first WindowPoSt did not come in time.
    NeverProven,
    /// None of its sectors is left.
    Gone,
    /// A check of its epoch failed.
    Unverified,
}

impl Reason {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::Method,
        Self::Failed,
        Self::NoSector,
        Self::Sender,
        Self::Blocked,
        Self::BaseFee,
        Self::Day,
        Self::Nothing,
        Self::Unproven,
        Self::NeverProven,
        Self::Gone,
        Self::Unverified,
    ];

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Failed => "failed",
            Self::NoSector => "no-sector",
            Self::Sender => "sender",
            Self::Blocked => "blocked",
            Self::BaseFee => "base-fee",
            Self::Day => "day",
            Self::Nothing => "nothing",
            Self::Unproven => "unproven",
            Self::NeverProven => "never-proven",
            Self::Gone => "gone",
            Self::Unverified => "unverified",
        }
    }
}

/// What a day has paid back so far.
#[derive(Clone, Debug, Default)]
struct Day {
    miners: BTreeMap<String, u128>,
    owners: BTreeMap<String, u128>,
    all: u128,
}

impl Day {
    fn add(&mut self, row: &Reimbursable) {
        let refund = row.refund.0;
        for (sums, of) in [(&mut self.miners, &row.miner), (&mut self.owners, &row.owner)] {
            let sum = sums.entry(of.clone()).or_default();
            *sum = sum.saturating_add(refund);
        }
        self.all = self.all.saturating_add(refund);
    }

    /// What the caps leave for another message.
    fn left(&self, policy: &RefundPolicy, of: &Candidate) -> u128 {
        let had = |sums: &BTreeMap<String, u128>, of| sums.get(of).copied().unwrap_or(0);
        let left = |cap: crate::policy::Money, had: u128| cap.atto.0.saturating_sub(had);
        left(policy.per_miner, had(&self.miners, &of.miner))
            .min(left(policy.per_owner, had(&self.owners, &of.owner)))
            .min(left(policy.per_day, self.all))
    }
}

/// Refusals of an epoch that cost nobody a sector. Whoever sends more of them is not told of each.
const IDLE_REFUSALS: usize = 32;

impl Reason {
    /// Whether a message that is refused so may be sent without end: nothing was sealed for it.
    const fn is_idle(self) -> bool {
        matches!(self, Self::Method | Self::Failed | Self::NoSector | Self::Sender)
    }
}

/// Decide the messages of one epoch, given what was paid back in earlier epochs of the same day. In whatever order they come, and however often, the rows
/// are the same: they are decided by their CIDs, each once. Of messages that prove no sector of their sender the first 32 have a row.
#[must_use]
pub fn decide(
    policy: &RefundPolicy,
    (network, faucet): (&NetworkId, &str),
    earlier: &[Reimbursable],
    candidates: &[Candidate],
) -> Vec<Reimbursable> {
    let mut day = Day::default();
    earlier.iter().for_each(|row| day.add(row));
    let by_cid: BTreeMap<&str, &Candidate> =
        candidates.iter().map(|one| (one.message.as_str(), one)).collect();
    let (mut rows, mut idle) = (Vec::new(), 0);
    for of in by_cid.into_values() {
        let decided = refund(policy, &day, of);
        if decided.is_err_and(Reason::is_idle) {
            idle += 1;
            if idle > IDLE_REFUSALS {
                continue;
            }
        }
        let (state, reason) = match decided {
            Err(reason) => (ClaimState::Refused, reason.word()),
            Ok(_) if policy.hold_epochs.is_some() => (ClaimState::Held, Reason::Unproven.word()),
            Ok(_) => (ClaimState::Owed, ""),
        };
        let row = Reimbursable {
            network: network.clone(),
            message: of.message.clone(),
            faucet: faucet.to_owned(),
            miner: of.miner.clone(),
            owner: of.owner.clone(),
            sender: of.sender.clone(),
            method: of.method,
            epoch: of.epoch,
            sectors: of.sectors.clone(),
            gas_used: of.gas_used,
            base_fee: of.base_fee,
            burn: of.burn,
            refund: Atto(decided.unwrap_or(0)),
            state,
            reason: reason.to_owned(),
            payment: None,
        };
        day.add(&row);
        rows.push(row);
    }
    rows
}

/// What is paid back; at most what was burnt.
fn refund(policy: &RefundPolicy, day: &Day, of: &Candidate) -> Result<u128, Reason> {
    let ensure = |holds, reason| if holds { Ok(()) } else { Err(reason) };
    ensure(policy.methods.contains(&of.method), Reason::Method)?;
    ensure(of.succeeded, Reason::Failed)?;
    ensure(!of.sectors.is_empty(), Reason::NoSector)?;
    ensure(of.operator, Reason::Sender)?;
    ensure(!policy.blocked.contains(&of.miner), Reason::Blocked)?;
    let share = policy.share_at(of.base_fee);
    ensure(share > 0, Reason::BaseFee)?;
    // Hundredths of millionths; at most all of it, so nothing overflows. Multiplied before it is divided.
    const WHOLE: u128 = 100 * 1_000_000;
    let part = u128::from(policy.percent) * u128::from(share);
    let (whole, rest) = (of.burn.0 / WHOLE, of.burn.0 % WHOLE);
    let by_burn = whole * part + rest * part / WHOLE;
    let by_sectors = policy.per_sector.atto.0.saturating_mul(of.sectors.len() as u128);
    let wanted = by_burn.min(by_sectors).min(policy.per_message.atto.0);
    ensure(wanted > 0, Reason::Nothing)?;
    let refund = wanted.min(day.left(policy, of));
    ensure(refund > 0, Reason::Day)?;
    Ok(refund)
}

/// What becomes of a message that is held, when its sectors stand like this at a final epoch; `None` where it goes on waiting.
#[must_use]
pub fn after_hold(policy: &RefundPolicy, row: &Reimbursable, held: Held, at: Epoch) -> Option<Reimbursable> {
    let wait = i64::from(policy.hold_epochs.unwrap_or(0));
    let late = at.height() > row.epoch.height().saturating_add(wait);
    let (refund, reason) = match held {
        Held::Proven(left) => (part(row.refund, left, row.sectors.len()), Reason::Nothing),
        Held::Gone => (Atto::ZERO, Reason::Gone),
        Held::Waits if late => (Atto::ZERO, Reason::NeverProven),
        Held::Waits => return None,
    };
    let (state, reason) =
        if refund == Atto::ZERO { (ClaimState::Refused, reason.word()) } else { (ClaimState::Owed, "") };
    Some(Reimbursable { refund, state, reason: reason.to_owned(), ..row.clone() })
}

/// `left` of `all` parts of an amount, rounded down: who gives up sectors before they are proven is not paid for them.
fn part(amount: Atto, left: usize, all: usize) -> Atto {
    let (left, all) = (left.min(all) as u128, all.max(1) as u128);
    Atto(amount.0 / all * left + amount.0 % all * left / all)
}

/// What looks like abuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// One owner has too much of a day.
    Owner {
        /// Which.
        owner: String,
        /// Hundredths of the day's refunds, rounded down.
        percent: u32,
    },
    /// The base fee has risen too far too fast.
    BaseFee {
        /// Base fee now.
        base_fee: Atto,
        /// The day's median so far.
        median: Atto,
    },
}

impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner { owner, percent } => write!(f, "owner {owner} has {percent} % of the day's refunds"),
            Self::BaseFee { base_fee, median } => {
                write!(f, "the base fee is {base_fee}, and {median} in the middle of the day so far")
            }
        }
    }
}

/// Whether the rows of a day, oldest first, look like abuse. What was refused before the last epoch need not be among them.
#[must_use]
pub fn alarm(policy: &RefundPolicy, day: &[Reimbursable]) -> Option<Alarm> {
    let mut sums = Day::default();
    day.iter().for_each(|row| sums.add(row));
    if let Some(most) = policy.alarm.owner_percent
        && sums.all >= policy.alarm.owner_from.map_or(1, |from| from.atto.0.max(1))
    {
        let (owner, sum) =
            sums.owners.iter().max_by_key(|(owner, sum)| (**sum, std::cmp::Reverse(*owner)))?;
        // A share of all that was ever minted, times 100, is far below the end of a `u128`.
        let percent = u32::try_from(sum.saturating_mul(100) / sums.all).unwrap_or(100);
        if percent > most {
            return Some(Alarm::Owner { owner: owner.clone(), percent });
        }
    }
    let times = u128::from(policy.alarm.base_fee_times?);
    let (last, before) = day.split_last()?;
    let mut fees: Vec<Atto> = before.iter().map(|row| row.base_fee).collect();
    fees.sort_unstable();
    let median = *fees.get(fees.len() / 2)?;
    let from = policy.share.first().map_or(0, |point| u128::from(point.base_fee));
    let high = last.base_fee.0 >= from.max(1) && last.base_fee.0 >= median.0.saturating_mul(times);
    high.then_some(Alarm::BaseFee { base_fee: last.base_fee, median })
}
