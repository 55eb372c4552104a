//! The power actor (f04): network totals and every miner's claim.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use fvm_shared::bigint::{BigInt, Sign};
use fvm_shared::econ::TokenAmount;

use crate::cbor::Cbor;
use crate::hamt::Hamt;
use crate::node::{read, whole};
use crate::{Fault, ReadError};

/// Raw and quality-adjusted power, bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PowerPair {
    /// Raw byte power.
    pub raw: BigInt,
    /// Quality-adjusted power.
    pub qa: BigInt,
}

impl PowerPair {
    pub(crate) fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        cursor.tuple(&[2])?;
        Ok(Self { raw: cursor.big_int()?, qa: cursor.big_int()? })
    }
}

/// A smoothed quantity in Q.128 (`AlphaBetaFilter` of the actors).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Value, Q.128.
    pub position: BigInt,
    /// Change an epoch, Q.128.
    pub velocity: BigInt,
}

impl Estimate {
    pub(crate) fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        cursor.tuple(&[2])?;
        Ok(Self { position: cursor.big_int()?, velocity: cursor.big_int()? })
    }
}

/// A miner's power, as the power actor holds it: active sectors only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Registered WindowPoSt proof type (seal proof type in actors v2; none in v1).
    pub proof_type: Option<i64>,
    /// Raw and quality-adjusted power, bytes.
    pub power: PowerPair,
}

impl Claim {
    fn read(cursor: &mut Cbor<'_>) -> Result<Self, Fault> {
        let proof_type = if cursor.tuple(&[2, 3])? == 3 { Some(cursor.int()?) } else { None };
        Ok(Self { proof_type, power: PowerPair { raw: cursor.big_int()?, qa: cursor.big_int()? } })
    }

    /// The power that is held against the consensus minimum: raw, but quality-adjusted in actors v1.
    fn nominal(&self) -> &BigInt {
        if self.proof_type.is_some() { &self.power.raw } else { &self.power.qa }
    }
}

/// What became of one miner's claim between two states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimChange {
    /// The miner.
    pub miner: ActorID,
    /// Its claim before; `None` where it had none.
    pub before: Option<Claim>,
    /// Its claim after; `None` where it was removed.
    pub after: Option<Claim>,
}

/// State of the power actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// Power of the miners above the consensus minimum.
    pub above_minimum: PowerPair,
    /// Power of every miner.
    pub committed: PowerPair,
    /// Pledge of the network, attoFIL.
    pub pledge: TokenAmount,
    /// Totals as they were at the end of the previous epoch's cron: the realised power that the reward actor was given.
    pub this_epoch: PowerPair,
    /// Pledge at the end of the previous epoch's cron, attoFIL.
    pub this_epoch_pledge: TokenAmount,
    /// Smoothed quality-adjusted power.
    pub smoothed_qa: Estimate,
    /// Miners with a claim, of any power.
    pub miners: i64,
    /// Miners whose power is at least the consensus minimum.
    pub miners_above_minimum: i64,
    /// Root of the claims.
    pub claims: Cid,
    /// Whether its form is that of actors v15 or later.
    pub(crate) from_v15: bool,
}

impl Power {
    /// Fields: 16 (actors v1), 15 (v2 to v14), 17 (v15 on).
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid) -> Result<Self, ReadError> {
        read(store, state, "the power actor's state", |cursor| {
            let fields = cursor.tuple(&[15, 16, 17])?;
            let (raw, committed_raw) = (cursor.big_int()?, cursor.big_int()?);
            let (qa, committed_qa) = (cursor.big_int()?, cursor.big_int()?);
            let pledge = cursor.amount()?;
            let this_epoch = PowerPair { raw: cursor.big_int()?, qa: cursor.big_int()? };
            let this_epoch_pledge = cursor.amount()?;
            let smoothed_qa = Estimate::read(cursor)?;
            let (miners, miners_above_minimum) = (cursor.int()?, cursor.int()?);
            if fields == 17 {
                cursor.skip_many(2)?; // ramp start and duration (FIP-0081)
            }
            cursor.skip_many(2)?; // cron queue, first cron epoch
            if fields == 16 {
                cursor.skip()?; // last processed cron epoch
            }
            let claims = cursor.link()?;
            cursor.skip()?; // proofs to be verified in a batch
            Ok(Self {
                above_minimum: PowerPair { raw, qa },
                committed: PowerPair { raw: committed_raw, qa: committed_qa },
                pledge,
                this_epoch,
                this_epoch_pledge,
                smoothed_qa,
                miners,
                miners_above_minimum,
                claims,
                from_v15: fields == 17,
            })
        })
    }

    /// The network's power that sortition divides by: that of the miners above the minimum.
    ///
    /// Lotus `stmgr.GetPowerRaw` (`TotalPower`); it knows no exception for small networks, unlike [`current`](Self::current).
    #[must_use]
    pub fn total(&self) -> &PowerPair {
        &self.above_minimum
    }

    /// The network's power as the actors count it (`current_total_power`): that of every miner while fewer than
    /// `min_miners` (4 on every known network) are above the minimum. The reward actor is given its raw part.
    #[must_use]
    pub fn current(&self, min_miners: i64) -> &PowerPair {
        if self.miners_above_minimum < min_miners { &self.committed } else { &self.above_minimum }
    }

    /// Whether a claim has the power to win blocks: at least `minimum` bytes, or any at all while fewer than `min_miners`
    /// miners reach it (`MinerNominalPowerMeetsConsensusMinimum`; actors v1 accept zero then and count quality-adjusted power).
    #[must_use]
    pub fn meets_minimum(&self, claim: &Claim, minimum: &BigInt, min_miners: i64) -> bool {
        let power = claim.nominal();
        power >= minimum
            || (self.miners_above_minimum < min_miners
                && (power.sign() == Sign::Plus
                    || (claim.proof_type.is_none() && power.sign() == Sign::NoSign)))
    }

    /// A miner's claim; `None` where it has none.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn claim<BS: Blockstore>(&self, store: &BS, miner: ActorID) -> Result<Option<Claim>, ReadError> {
        Hamt::new(store, "the claims").get(&self.claims, &Address::new_id(miner).to_bytes(), Claim::read)
    }

    /// Every claim, by miner.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn claims<BS: Blockstore>(&self, store: &BS) -> Result<Vec<(ActorID, Claim)>, ReadError> {
        let mut claims = Vec::new();
        Hamt::new(store, "the claims").for_each(&self.claims, &mut |key, value| {
            claims.push((miner(key)?, whole(value, Claim::read)?));
            Ok(())
        })?;
        claims.sort_unstable_by_key(|(miner, _)| *miner);
        Ok(claims)
    }

    /// What became of the claims since `before`, by miner; only nodes that differ are read.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn claim_changes<BS: Blockstore>(
        &self,
        store: &BS,
        before: &Cid,
    ) -> Result<Vec<ClaimChange>, ReadError> {
        let malformed = |source| ReadError::Malformed { what: "a claim", cid: self.claims, source };
        let claim = |value: Option<Vec<u8>>| value.map(|value| whole(&value, Claim::read)).transpose();
        let mut changes = Vec::new();
        for (key, (old, new)) in Hamt::new(store, "the claims").diff(before, &self.claims)? {
            let (before, after) = (claim(old).map_err(malformed)?, claim(new).map_err(malformed)?);
            if before != after {
                changes.push(ClaimChange { miner: miner(&key).map_err(malformed)?, before, after });
            }
        }
        changes.sort_unstable_by_key(|change| change.miner);
        Ok(changes)
    }
}

/// The miner of a claim's key.
fn miner(key: &[u8]) -> Result<ActorID, Fault> {
    match Address::from_bytes(key).map(|address| *address.payload()) {
        Ok(Payload::ID(id)) => Ok(id),
        _ => Err(Fault::Invalid("holds a claim whose key is no actor id")),
    }
}
