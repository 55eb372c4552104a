//! Active deals by provider, kept from state to state.

use std::collections::{BTreeMap, BTreeSet};

use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::clock::ChainEpoch;

use super::terms::id;
use super::{Market, PROPOSALS, STATES};
use crate::amt::Amt;
use crate::cbor::Cbor;
use crate::node::whole;
use crate::{Fault, ReadError};

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
    /// Reads every deal.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn deals<BS: Blockstore>(&self, store: &BS) -> Result<Deals, ReadError> {
        let mut active = BTreeSet::new();
        Amt::new(store, STATES).for_each(&self.states, &mut |deal, value| {
            if whole(value, |cursor| self.state(cursor))?.is_active() {
                active.insert(deal);
            }
            Ok(())
        })?;
        let mut deals = BTreeMap::new();
        Amt::new(store, PROPOSALS).for_each(&self.proposals, &mut |deal, value| {
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
        let changes = Amt::new(store, STATES).diff(&self.market.states, &to.states)?;
        let mut found = Vec::new();
        for (deal, (_, after)) in changes {
            let malformed = |source| ReadError::Malformed { what: "a deal's state", cid: to.states, source };
            let active = after
                .map(|value| whole(&value, |cursor| to.state(cursor)))
                .transpose()
                .map_err(malformed)?
                .is_some_and(|state| state.is_active());
            let proposal = match active {
                false => None,
                true => Some(
                    Amt::new(store, PROPOSALS)
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
    let provider = id(&cursor.address()?)?;
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
