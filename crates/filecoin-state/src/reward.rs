//! The reward actor (f02): what a block earns, and how that moves over null rounds.

mod minting;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::bigint::{BigInt, Integer};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;

use crate::node::read;
use crate::{Estimate, ReadError};

/// Leaders an epoch is expected to have (`EXPECTED_LEADERS_PER_EPOCH`).
const EXPECTED_LEADERS: u64 = 5;
/// A longer run of null rounds is not computed.
const MAX_NULL_ROUNDS: i64 = 10_000;
/// Minted in simple form, whole FIL (actors v19, where it is no longer in the state).
const SIMPLE_TOTAL: u64 = 330_000_000;
/// Minted against the baseline, attoFIL (actors v19, where it is no longer in the state).
const BASELINE_TOTAL: u128 = 768_335_872_210_768_889_362_796_814;

/// State of the reward actor.
///
/// It is written by the cron of the previous epoch: [`epoch`](Self::epoch) is the one that it pays for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// What [`cumsum_realized`](Self::cumsum_realized) must reach for the effective network time to move, byte-epochs.
    pub cumsum_baseline: BigInt,
    /// Sum of the network's power, each epoch capped by the baseline, byte-epochs.
    pub cumsum_realized: BigInt,
    /// How far the network has come along the baseline, epochs, rounded up.
    pub effective_network_time: ChainEpoch,
    /// The baseline at that time, bytes.
    pub effective_baseline: BigInt,
    /// What all expected leaders of the epoch earn together, attoFIL.
    pub this_epoch_reward: TokenAmount,
    /// The same, smoothed.
    pub smoothed_reward: Estimate,
    /// The baseline of the epoch, bytes.
    pub this_epoch_baseline: BigInt,
    /// The epoch that the reward is for.
    pub epoch: ChainEpoch,
    /// Block rewards minted since genesis, attoFIL. In the [`streams`](Self::streams) form it counts the shares of streams and burn too.
    pub total_minted: TokenAmount,
    /// Totals that minting follows, attoFIL; none in actors v1, whose minting is not computed here.
    totals: Option<(TokenAmount, TokenAmount)>,
    /// Root of the reward streams (actors v19, FIP-0118): where there is one, a miner may get less than the whole block reward.
    pub streams: Option<Cid>,
}

impl Reward {
    /// Fields: 9 (actors v1), 11 (v2 to v18), 15 (v19).
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid) -> Result<Self, ReadError> {
        read(store, state, "the reward actor's state", |cursor| {
            let fields = cursor.tuple(&[9, 11, 15])?;
            let mut reward = Self {
                cumsum_baseline: cursor.big_int()?,
                cumsum_realized: cursor.big_int()?,
                effective_network_time: cursor.int()?,
                effective_baseline: cursor.big_int()?,
                this_epoch_reward: cursor.amount()?,
                smoothed_reward: Estimate::read(cursor)?,
                this_epoch_baseline: cursor.big_int()?,
                epoch: cursor.int()?,
                total_minted: cursor.amount()?,
                totals: None,
                streams: None,
            };
            match fields {
                11 => reward.totals = Some((cursor.amount()?, cursor.amount()?)),
                15 => {
                    cursor.skip_many(5)?; // burnt, explicit, time lock, stream actor, accrued
                    reward.streams = Some(cursor.link()?);
                    reward.totals =
                        Some((TokenAmount::from_whole(SIMPLE_TOTAL), TokenAmount::from_atto(BASELINE_TOTAL)));
                }
                _ => {}
            }
            Ok(reward)
        })
    }

    /// The block reward of an award, without gas: `floor(ThisEpochReward × WinCount / 5)`, attoFIL.
    ///
    /// It holds for the state that the award runs on, that is after the cron of the null rounds before it
    /// ([`for_tipset`](Self::for_tipset)). It is what is minted: see [`streams`](Self::streams) for what a miner gets of it.
    #[must_use]
    pub fn block_reward(&self, win_count: u64) -> TokenAmount {
        (&self.this_epoch_reward * win_count).div_floor(EXPECTED_LEADERS)
    }

    /// The state that a tipset of `epoch` is awarded from, where this is the state after its parent of epoch `parent`: the
    /// node runs the cron of every null round between them first, and each gives the reward actor `realized` bytes of raw
    /// power ([`Power::current`](crate::Power::current) of the state before; a deadline in between may change it).
    ///
    /// Port of `update_network_kpi` of the actors; smoothing is left as it is. `None` for actors v1, for more than
    /// 10,000 null rounds, and for a state that no network can reach (the catch-up would not end).
    #[must_use]
    pub fn for_tipset(&self, parent: ChainEpoch, epoch: ChainEpoch, realized: &BigInt) -> Option<Self> {
        self.over_nulls(parent, epoch, |_| realized)
    }

    /// Like [`for_tipset`](Self::for_tipset), where power may have changed once in the null rounds: a deadline closed in one of them.
    ///
    /// No root names the state between null rounds, but the sum of what they were given is known: `after` is the state after the tipset, whose
    /// own round was given `own` bytes ([`Power::this_epoch`](crate::Power::this_epoch) there). Where that sum is one of rounds with
    /// `realized` followed by rounds with `own`, they are taken to have been these; else all are taken to have been given `realized`.
    #[must_use]
    pub fn for_tipset_before(
        &self,
        (parent, epoch): (ChainEpoch, ChainEpoch),
        realized: &BigInt,
        own: &BigInt,
        after: &Self,
    ) -> Option<Self> {
        let nulls = epoch.checked_sub(parent)?.checked_sub(1)?;
        let rounds = after.epoch.checked_sub(self.epoch)?;
        let given = &after.cumsum_realized - &self.cumsum_realized - own;
        let changed = realized - own;
        // given = early × realized + (nulls − early) × own
        let early = (rounds == nulls + 1 && changed != BigInt::default())
            .then(|| (given - own * nulls).div_mod_floor(&changed))
            .and_then(|(early, rest)| i64::try_from(early).ok().filter(|_| rest == BigInt::default()))
            .filter(|early| (0..=nulls).contains(early))
            .unwrap_or(nulls);
        self.over_nulls(parent, epoch, |null| if null - parent <= early { realized } else { own })
    }

    fn over_nulls<'a>(
        &self,
        parent: ChainEpoch,
        epoch: ChainEpoch,
        realized: impl Fn(ChainEpoch) -> &'a BigInt,
    ) -> Option<Self> {
        let mut state = self.clone();
        let first = parent.checked_add(1)?;
        if epoch.checked_sub(first)? > MAX_NULL_ROUNDS {
            return None;
        }
        for null in first..epoch {
            state.cron(null, realized(null))?;
        }
        Some(state)
    }

    /// The cron of one epoch. Only genesis is behind by more than nothing: it has no cron of its own.
    fn cron(&mut self, epoch: ChainEpoch, realized: &BigInt) -> Option<()> {
        let (simple, baseline) = self.totals.clone()?;
        if epoch.checked_sub(self.epoch)? > MAX_NULL_ROUNDS {
            return None;
        }
        while self.epoch < epoch {
            self.next_epoch(realized)?;
        }
        let before = minting::theta(self)?;
        self.next_epoch(realized)?;
        let after = minting::theta(self)?;
        self.this_epoch_reward = minting::reward(self.epoch, before, after, &simple, &baseline);
        Some(())
    }

    fn next_epoch(&mut self, realized: &BigInt) -> Option<()> {
        self.epoch = self.epoch.checked_add(1)?;
        self.this_epoch_baseline = minting::next_baseline(&self.this_epoch_baseline);
        self.cumsum_realized += realized.min(&self.this_epoch_baseline);
        for step in 0_u32.. {
            if self.cumsum_realized <= self.cumsum_baseline {
                break;
            }
            if step == minting::MAX_CATCH_UP {
                return None;
            }
            self.effective_network_time = self.effective_network_time.checked_add(1)?;
            self.effective_baseline = minting::next_baseline(&self.effective_baseline);
            self.cumsum_baseline += &self.effective_baseline;
        }
        Some(())
    }
}
