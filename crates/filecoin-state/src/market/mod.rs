//! The market actor (f05): deals, and what their parties have in escrow.

mod deals;
mod terms;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

pub use self::deals::{DealTotals, Deals};
pub use self::terms::{DealLabel, DealState, DealTerms, Proposals};
use crate::ReadError;
use crate::hamt::Hamt;
use crate::node::read;

const PROPOSALS: &str = "the deals' proposals";
const STATES: &str = "the deals' states";

/// State of the market actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Root of the proposals by deal.
    pub proposals: Cid,
    /// Root of the states of activated deals by deal.
    pub states: Cid,
    /// The id that the next published deal gets.
    pub next_deal: u64,
    /// Root of what everybody has in escrow.
    escrow: Cid,
    /// Root of what of it is locked.
    locked: Cid,
    /// How these two are kept.
    form: Form,
    /// Whether a deal's state begins with its sector (actors v13 on) or with its start epoch.
    sector_first: bool,
}

/// What the shape of the state alone does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Whether the power actor is of v15 or later, which tells v19 from v9 to v12.
    pub(crate) recent: bool,
    /// Whether balances are in tries of 64 slots a node: from actors v3 on, state tree version 2.
    pub(crate) wide_balances: bool,
}

impl Market {
    /// `[proposals, states, pending proposals, escrow, locked, next deal, …]`: 11 fields (actors v1 to v8), 12 (v9 to v12, v19), 13 (v13 to
    /// v18). The first six are the same in all (builtin-actors `actors/market/src/state.rs`).
    pub(crate) fn read<BS: Blockstore>(store: &BS, state: &Cid, form: Form) -> Result<Self, ReadError> {
        read(store, state, "the market actor's state", |cursor| {
            let fields = cursor.tuple(&[11, 12, 13])?;
            let (proposals, states) = (cursor.link()?, cursor.link()?);
            cursor.skip()?; // pending proposals
            let (escrow, locked, next_deal) = (cursor.link()?, cursor.link()?, cursor.uint()?);
            cursor.skip_many(fields - 6)?;
            let sector_first = fields == 13 || (fields == 12 && form.recent);
            Ok(Self { proposals, states, next_deal, escrow, locked, form, sector_first })
        })
    }

    /// What somebody has in escrow that is not locked, attoFIL: what deals can be paid from.
    ///
    /// # Errors
    /// A node is missing or malformed.
    pub fn available<BS: Blockstore>(&self, store: &BS, who: ActorID) -> Result<TokenAmount, ReadError> {
        let escrow = self.balance(store, &self.escrow, who)?;
        Ok(escrow - self.balance(store, &self.locked, who)?)
    }

    fn balance<BS: Blockstore>(
        &self,
        store: &BS,
        table: &Cid,
        who: ActorID,
    ) -> Result<TokenAmount, ReadError> {
        const WHAT: &str = "the market's balances";
        let balances = if self.form.wide_balances { Hamt::wide(store, WHAT) } else { Hamt::new(store, WHAT) };
        let key = Address::new_id(who).to_bytes();
        Ok(balances.get(table, &key, |cursor| cursor.amount())?.unwrap_or_default())
    }
}
