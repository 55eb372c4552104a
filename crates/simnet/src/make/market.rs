//! The market actor of version 18: proposals, states of deals, what clients have in escrow.

use apogee_market::DealProposal;
use cid::Cid;
use fvm_ipld_amt::Amt;
use fvm_ipld_encoding::tuple::*;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MakeError;
use super::actors::{array, map, put};
use super::state::{MARKET, State, read};
use crate::ledger::Ledger;

const PROPOSALS_WIDTH: u32 = 5;
const STATES_WIDTH: u32 = 6;
const BALANCES_WIDTH: u32 = 6;
/// Where nothing has happened yet.
const NEVER: i64 = -1;
/// Deals of a made chain are in the first sector of their provider.
const SECTOR: u64 = 0;

/// `market.State`.
#[derive(Serialize_tuple, Deserialize_tuple)]
struct MarketState {
    proposals: Cid,
    states: Cid,
    pending: Cid,
    escrow: Cid,
    locked: Cid,
    next: u64,
    by_epoch: Cid,
    last_cron: i64,
    client_locked: TokenAmount,
    provider_locked: TokenAmount,
    client_fee: TokenAmount,
    allocations: Cid,
    provider_sectors: Cid,
}

/// `market.DealState`.
#[derive(Clone, Debug, PartialEq, Serialize_tuple, Deserialize_tuple)]
struct DealState {
    sector: u64,
    start: i64,
    updated: i64,
    slashed: i64,
}

/// What happens to deals in an epoch.
#[derive(Clone, Debug)]
pub(super) enum Dealing {
    /// These are published; both parties are actor ids.
    Publish(Vec<DealProposal>),
    /// The sectors of these are proven.
    Activate(Vec<u64>),
    /// The sectors of these are terminated.
    Slash(Vec<u64>),
    /// A client has so much in escrow.
    Escrow(ActorID, TokenAmount),
}

/// Write the market actor's state, without deals.
pub(super) fn market(ledger: &Ledger) -> Result<Cid, MakeError> {
    let empty = map::<u64>(ledger, [])?;
    let state = MarketState {
        proposals: array::<u64>(ledger, PROPOSALS_WIDTH, [])?,
        states: array::<u64>(ledger, STATES_WIDTH, [])?,
        pending: empty,
        escrow: empty,
        locked: empty,
        next: 0,
        by_epoch: empty,
        last_cron: NEVER,
        client_locked: TokenAmount::default(),
        provider_locked: TokenAmount::default(),
        client_fee: TokenAmount::default(),
        allocations: empty,
        provider_sectors: empty,
    };
    put(ledger, &state)
}

/// The market that is being changed.
pub(super) struct Book<'a> {
    state: MarketState,
    ledger: &'a Ledger,
    proposals: Amt<DealProposal, &'a Ledger>,
    states: Amt<DealState, &'a Ledger>,
    escrow: Hamt<&'a Ledger, TokenAmount>,
    locked: Hamt<&'a Ledger, TokenAmount>,
}

fn load<V: Serialize + DeserializeOwned>(
    ledger: &Ledger,
    root: Cid,
) -> Result<Amt<V, &'_ Ledger>, MakeError> {
    Amt::load(&root, ledger).map_err(MakeError::state)
}

fn balances(ledger: &Ledger, root: Cid) -> Result<Hamt<&'_ Ledger, TokenAmount>, MakeError> {
    Hamt::load_with_bit_width(&root, ledger, BALANCES_WIDTH).map_err(MakeError::state)
}

fn key(id: ActorID) -> BytesKey {
    BytesKey(Address::new_id(id).to_bytes())
}

/// What somebody has in a table; `None` where they never had anything.
fn held(table: &Hamt<&Ledger, TokenAmount>, who: &BytesKey) -> Result<Option<TokenAmount>, MakeError> {
    table.get(who).map(|found| found.cloned()).map_err(MakeError::state)
}

impl<'a> Book<'a> {
    /// The market in a state.
    pub(super) fn open(state: &State<'a>) -> Result<Self, MakeError> {
        let ledger = state.ledger();
        let state: MarketState = read(ledger, &state.actor(MARKET)?.head)?;
        Ok(Self {
            proposals: load(ledger, state.proposals)?,
            states: load(ledger, state.states)?,
            escrow: balances(ledger, state.escrow)?,
            locked: balances(ledger, state.locked)?,
            ledger,
            state,
        })
    }

    fn write(mut self) -> Result<Cid, MakeError> {
        self.state.proposals = self.proposals.flush().map_err(MakeError::state)?;
        self.state.states = self.states.flush().map_err(MakeError::state)?;
        self.state.escrow = self.escrow.flush().map_err(MakeError::state)?;
        self.state.locked = self.locked.flush().map_err(MakeError::state)?;
        put(self.ledger, &self.state)
    }

    /// The deal with this proposal.
    pub(super) fn find(&self, wanted: &DealProposal) -> Result<Option<u64>, MakeError> {
        let mut found = None;
        let each = |deal, proposal: &DealProposal| {
            if found.is_none() && proposal == wanted {
                found = Some(deal);
            }
            Ok(())
        };
        self.proposals.for_each(each).map_err(MakeError::state)?;
        Ok(found)
    }

    fn proposal(&self, deal: u64) -> Result<Option<DealProposal>, MakeError> {
        self.proposals.get(deal).map(|found| found.cloned()).map_err(MakeError::state)
    }

    fn is_active(&self, deal: u64) -> Result<bool, MakeError> {
        self.states.get(deal).map(|found| found.is_some()).map_err(MakeError::state)
    }

    /// Why a deal that was not published before cannot be in `epoch`; `None` where it can.
    pub(super) fn unpublishable(
        &self,
        proposal: &DealProposal,
        epoch: i64,
    ) -> Result<Option<&'static str>, MakeError> {
        if proposal.end_epoch <= proposal.start_epoch {
            return Ok(Some("a deal ends before it starts"));
        }
        if proposal.start_epoch < epoch {
            return Ok(Some("the start of a deal has passed"));
        }
        let client = BytesKey(proposal.client.to_bytes());
        let Some(escrow) = held(&self.escrow, &client)? else { return Ok(None) };
        let locked = held(&self.locked, &client)?.unwrap_or_default();
        Ok((locked + proposal.client_balance() > escrow).then_some("the client's escrow does not suffice"))
    }

    /// Why a deal cannot be activated in `epoch`; `None` where it can.
    pub(super) fn inactivable(&self, deal: u64, epoch: i64) -> Result<Option<&'static str>, MakeError> {
        let Some(proposal) = self.proposal(deal)? else { return Ok(Some("there is no such deal")) };
        if proposal.start_epoch < epoch {
            return Ok(Some("the start of a deal has passed"));
        }
        Ok(self.is_active(deal)?.then_some("a deal is active already"))
    }

    /// Why a deal cannot be slashed in `epoch`; `None` where it can.
    pub(super) fn unslashable(&self, deal: u64, epoch: i64) -> Result<Option<&'static str>, MakeError> {
        let Some(proposal) = self.proposal(deal)? else { return Ok(Some("there is no such deal")) };
        if !self.is_active(deal)? {
            return Ok(Some("a deal is not active"));
        }
        Ok((proposal.end_epoch <= epoch).then_some("a deal has ended"))
    }

    /// What a client has locked.
    pub(super) fn locked(&self, client: ActorID) -> Result<TokenAmount, MakeError> {
        Ok(held(&self.locked, &key(client))?.unwrap_or_default())
    }

    /// What cannot be done is passed over: on another branch a deal may be another one.
    fn deal(&mut self, epoch: i64, dealing: &Dealing) -> Result<(), MakeError> {
        match dealing {
            Dealing::Publish(proposals) => {
                for proposal in proposals {
                    if self.find(proposal)?.is_none() && self.unpublishable(proposal, epoch)?.is_none() {
                        let deal = self.state.next;
                        self.state.next += 1;
                        self.proposals.set(deal, proposal.clone()).map_err(MakeError::state)?;
                        self.lock(proposal, &proposal.client_balance())?;
                    }
                }
            }
            Dealing::Activate(deals) => {
                for deal in deals {
                    if self.inactivable(*deal, epoch)?.is_none() {
                        let state =
                            DealState { sector: SECTOR, start: epoch, updated: NEVER, slashed: NEVER };
                        self.states.set(*deal, state).map_err(MakeError::state)?;
                    }
                }
            }
            Dealing::Slash(deals) => {
                for deal in deals {
                    if self.unslashable(*deal, epoch)?.is_none() {
                        self.remove(*deal)?;
                    }
                }
            }
            Dealing::Escrow(client, amount) => {
                let amount = self.locked(*client)?.max(amount.clone());
                self.escrow.set(key(*client), amount).map_err(MakeError::state)?;
            }
        }
        Ok(())
    }

    /// Deals that were not activated by the end of the epoch in which they start go.
    fn cron(&mut self, epoch: i64) -> Result<(), MakeError> {
        let mut late = Vec::new();
        let each = |deal, proposal: &DealProposal| {
            if proposal.start_epoch <= epoch {
                late.push(deal);
            }
            Ok(())
        };
        self.proposals.for_each(each).map_err(MakeError::state)?;
        for deal in late {
            if !self.is_active(deal)? {
                self.remove(deal)?;
            }
        }
        Ok(())
    }

    /// Take a deal out, and give its client back what was locked for it.
    fn remove(&mut self, deal: u64) -> Result<(), MakeError> {
        if let Some(proposal) = self.proposals.delete(deal).map_err(MakeError::state)? {
            self.lock(&proposal, &-proposal.client_balance())?;
        }
        self.states.delete(deal).map_err(MakeError::state)?;
        Ok(())
    }

    /// Lock more, or less, of what a client has in escrow. Nothing is locked of those who never had anything there.
    fn lock(&mut self, proposal: &DealProposal, more: &TokenAmount) -> Result<(), MakeError> {
        let client = BytesKey(proposal.client.to_bytes());
        if held(&self.escrow, &client)?.is_some() {
            let locked = held(&self.locked, &client)?.unwrap_or_default() + more;
            let locked = locked.max(TokenAmount::default());
            self.locked.set(client, locked).map_err(MakeError::state)?;
        }
        Ok(())
    }

    /// Everything that is in escrow.
    fn total(&self) -> Result<TokenAmount, MakeError> {
        let mut total = TokenAmount::default();
        let each = |_: &BytesKey, amount: &TokenAmount| {
            total += amount;
            Ok(())
        };
        self.escrow.for_each(each).map_err(MakeError::state)?;
        Ok(total)
    }
}

/// Do what is due in the epochs after `before` up to `epoch`, in their order, each with the actor's cron at its end.
pub(super) fn pass(
    state: &mut State<'_>,
    (before, epoch): (i64, i64),
    due: &[(i64, Dealing)],
) -> Result<(), MakeError> {
    let mut book = Book::open(state)?;
    if due.is_empty() && book.proposals.count() == 0 {
        return Ok(());
    }
    for epoch in before.saturating_add(1)..=epoch {
        for (_, dealing) in due.iter().filter(|(at, _)| *at == epoch) {
            book.deal(epoch, dealing)?;
        }
        book.cron(epoch)?;
    }
    let (balance, head) = (book.total()?, book.write()?);
    state.change(MARKET, |actor| {
        actor.head = head;
        actor.balance = balance;
    })
}
