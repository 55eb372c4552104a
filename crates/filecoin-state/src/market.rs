//! The market actor (f05): active deals by provider.

use std::collections::{BTreeMap, BTreeSet};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Payload;
use fvm_shared::clock::ChainEpoch;

use crate::amt::Amt;
use crate::cbor::Cbor;
use crate::node::{read, whole};
use crate::{Fault, ReadError};

/// State of the market actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Root of the proposals by deal.
    pub proposals: Cid,
    /// Root of the states of activated deals by deal.
    pub states: Cid,
    /// Whether a deal's state begins with its sector (actors v13 on) or with its start epoch.
    sector_first: bool,
}

/// Count and bytes of a provider's active deals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DealTotals {
    /// How many.
    pub count: u64,
    /// Sum of their piece sizes, bytes (padded).
    pub bytes: u64,
}

/// What is counted of one deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proposal {
    provider: ActorID,
    bytes: u64,
    end: ChainEpoch,
}

/// The deals that were activated and not slashed, kept from state to state, so that only what changed is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deals {
    market: Market,
    deals: BTreeMap<u64, Proposal>,
}

impl Market {
    /// Fields: 11 (actors v1 to v8), 12 (v9 to v12, v19), 13 (v13 to v18). Proposals and states come first in all.
    /// `recent` tells v19 from v9 to v12: whether the power actor is of v15 or later.
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid, recent: bool) -> Result<Self, ReadError> {
        read(store, state, "the market actor's state", |cursor| {
            let fields = cursor.tuple(&[11, 12, 13])?;
            let market = Self {
                proposals: cursor.link()?,
                states: cursor.link()?,
                sector_first: fields == 13 || (fields == 12 && recent),
            };
            cursor.skip_many(fields - 2)?;
            Ok(market)
        })
    }

    /// Whether a deal was activated and not slashed.
    fn activated(&self, cursor: &mut Cbor<'_>) -> Result<bool, Fault> {
        let fields = cursor.tuple(&[3, 4])?;
        if fields == 4 && self.sector_first {
            cursor.uint()?;
        }
        let (start, _updated, slashed) = (cursor.int()?, cursor.int()?, cursor.int()?);
        if fields == 4 && !self.sector_first {
            cursor.uint()?; // verified claim
        }
        Ok(start >= 0 && slashed < 0)
    }

    /// Reads every deal.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn deals<BS: Blockstore>(&self, store: &BS) -> Result<Deals, ReadError> {
        let mut active = BTreeSet::new();
        Amt::new(store, "the deals' states").for_each(&self.states, &mut |deal, value| {
            if whole(value, |cursor| self.activated(cursor))? {
                active.insert(deal);
            }
            Ok(())
        })?;
        let mut deals = BTreeMap::new();
        Amt::new(store, "the deals' proposals").for_each(&self.proposals, &mut |deal, value| {
            if active.remove(&deal) {
                deals.insert(deal, whole(value, proposal)?);
            }
            Ok(())
        })?;
        if active.is_empty() { Ok(Deals { market: *self, deals }) } else { Err(orphan(self)) }
    }
}

impl Deals {
    /// Brings the deals to another state of the market, later or earlier, reading only what differs.
    ///
    /// # Errors
    /// A node is missing or malformed; the deals then stay as they were.
    pub fn advance<BS: Blockstore>(&mut self, store: &BS, to: &Market) -> Result<(), ReadError> {
        if self.market == *to {
            return Ok(());
        }
        let changes = Amt::new(store, "the deals' states").diff(&self.market.states, &to.states)?;
        let mut found = Vec::new();
        for (deal, (_, after)) in changes {
            let malformed = |source| ReadError::Malformed { what: "a deal's state", cid: to.states, source };
            let active = after
                .map(|value| whole(&value, |cursor| to.activated(cursor)))
                .transpose()
                .map_err(malformed)?
                .unwrap_or(false);
            let proposal = match active {
                false => None,
                true => Some(
                    Amt::new(store, "the deals' proposals")
                        .get(&to.proposals, deal, proposal)?
                        .ok_or_else(|| orphan(to))?,
                ),
            };
            found.push((deal, proposal));
        }
        for (deal, proposal) in found {
            match proposal {
                Some(proposal) => self.deals.insert(deal, proposal),
                None => self.deals.remove(&deal),
            };
        }
        self.market = *to;
        Ok(())
    }

    /// Active deals by provider at an epoch: activated, not slashed, and ending after it.
    #[must_use]
    pub fn totals(&self, epoch: ChainEpoch) -> BTreeMap<ActorID, DealTotals> {
        let mut totals = BTreeMap::<ActorID, DealTotals>::new();
        for proposal in self.deals.values().filter(|proposal| proposal.end > epoch) {
            let total = totals.entry(proposal.provider).or_default();
            total.count += 1;
            total.bytes = total.bytes.saturating_add(proposal.bytes);
        }
        totals
    }
}

fn proposal(cursor: &mut Cbor<'_>) -> Result<Proposal, Fault> {
    cursor.tuple(&[11])?;
    cursor.skip()?; // piece
    let bytes = cursor.uint()?;
    cursor.skip_many(2)?; // verified, client
    let Payload::ID(provider) = *cursor.address()?.payload() else {
        return Err(Fault::Invalid("names a provider that is no actor id"));
    };
    cursor.skip_many(2)?; // label, start
    let end = cursor.int()?;
    cursor.skip_many(3)?; // price and collaterals
    Ok(Proposal { provider, bytes, end })
}

/// The actor keeps `keys(states) ⊆ keys(proposals)`.
fn orphan(market: &Market) -> ReadError {
    ReadError::Malformed {
        what: "the market",
        cid: market.proposals,
        source: Fault::Invalid("lacks the proposal of an active deal"),
    }
}
