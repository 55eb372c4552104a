//! Deals on a made chain: what is due, and in which epoch.

use std::collections::BTreeMap;

use apogee_domain::Epoch;
use apogee_market::DealProposal;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;

use super::MakeError;
use super::market::{Book, Dealing};
use super::simulation::Simulation;
use super::state::State;

/// What happens to deals by epoch, each on one branch or on all.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    due: BTreeMap<i64, Vec<(Option<u64>, Dealing)>>,
    /// The newest epoch that was mined on a branch.
    mined: BTreeMap<u64, i64>,
}

impl Calendar {
    /// An epoch was mined on a branch.
    pub(super) fn mined(&mut self, branch: u64, epoch: i64) {
        let newest = self.mined.entry(branch).or_insert(epoch);
        *newest = epoch.max(*newest);
    }

    /// What is due on a branch in the epochs after `before` up to `epoch`, in order.
    pub(super) fn due(&self, branch: u64, before: i64, epoch: i64) -> Vec<(i64, Dealing)> {
        let due = self.due.range(before.saturating_add(1)..=epoch);
        let each = due.flat_map(|(epoch, due)| due.iter().map(|(on, dealing)| (*epoch, *on, dealing)));
        each.filter(|(_, on, _)| on.is_none_or(|on| on == branch))
            .map(|(epoch, _, dealing)| (epoch, dealing.clone()))
            .collect()
    }

    /// Whether a proposal is still due on a branch, or on all, after an epoch that was mined.
    fn publishes(&self, on: Option<u64>, mined: i64, wanted: &DealProposal) -> bool {
        let due = self.due.range(mined.saturating_add(1)..).flat_map(|(_, due)| due);
        due.filter(|(other, _)| *other == on)
            .any(|(_, dealing)| matches!(dealing, Dealing::Publish(proposals) if proposals.contains(wanted)))
    }

    /// The newest epoch that was mined on a branch.
    fn newest(&self, branch: u64) -> i64 {
        self.mined.get(&branch).copied().unwrap_or(0)
    }
}

fn refused(why: &'static str) -> Result<(), MakeError> {
    Err(MakeError::Recipe(why))
}

impl Simulation {
    /// Publish these deals when `epoch` is executed, on every branch: what is read after that epoch shows them. They get the next ids in
    /// their order. A client without escrow ([`set_escrow`](Self::set_escrow)) is not asked for any.
    ///
    /// # Errors
    /// When the epoch has been mined; when a provider is no miner or a client no account of the chain, a deal ends before it starts or starts
    /// before the epoch, was published before, or is not covered by its client's escrow.
    pub fn publish_deals(&self, epoch: Epoch, deals: &[DealProposal]) -> Result<(), MakeError> {
        self.publish(None, epoch, deals)
    }

    /// The same in tipsets of one branch alone: the number that [`fork`](Self::fork) is called with, or 0 for those mined otherwise. The epoch
    /// may lie below the head.
    ///
    /// # Errors
    /// See [`publish_deals`](Self::publish_deals).
    pub fn publish_deals_on(
        &self,
        branch: u64,
        epoch: Epoch,
        deals: &[DealProposal],
    ) -> Result<(), MakeError> {
        self.publish(Some(branch), epoch, deals)
    }

    fn publish(&self, on: Option<u64>, epoch: Epoch, deals: &[DealProposal]) -> Result<(), MakeError> {
        let state = self.after_head()?;
        let book = Book::open(&state)?;
        let mut published: Vec<DealProposal> = Vec::new();
        for deal in deals {
            let deal = self.resolved(&state, deal)?;
            // What the head's branch has, another one need not have.
            let before = on.is_none() && book.find(&deal)?.is_some();
            let mined = self.mined(on);
            if before || published.contains(&deal) || self.calendar().publishes(on, mined, &deal) {
                return Err(MakeError::Recipe("the same deal was published before"));
            }
            book.unpublishable(&deal, epoch.height())?.map_or(Ok(()), refused)?;
            published.push(deal);
        }
        self.plan(on, epoch, Dealing::Publish(published))
    }

    /// Prove the sectors of these deals when `epoch` is executed, on every branch that has them then.
    ///
    /// # Errors
    /// When the epoch has been mined; when a deal is not there after the head, starts before the epoch, or is active.
    pub fn activate_deals(&self, epoch: Epoch, deals: &[u64]) -> Result<(), MakeError> {
        let state = self.after_head()?;
        let book = Book::open(&state)?;
        for deal in deals {
            book.inactivable(*deal, epoch.height())?.map_or(Ok(()), refused)?;
        }
        self.plan(None, epoch, Dealing::Activate(deals.to_vec()))
    }

    /// Terminate the sectors of these deals when `epoch` is executed, on every branch that has them then. They are removed at once, as since
    /// actors v13 (FIP-0074).
    ///
    /// # Errors
    /// When the epoch has been mined; when a deal is not there after the head, not active, or has ended by then.
    pub fn slash_deals(&self, epoch: Epoch, deals: &[u64]) -> Result<(), MakeError> {
        let state = self.after_head()?;
        let book = Book::open(&state)?;
        for deal in deals {
            book.unslashable(*deal, epoch.height())?.map_or(Ok(()), refused)?;
        }
        self.plan(None, epoch, Dealing::Slash(deals.to_vec()))
    }

    /// Give a client so much in escrow when `epoch` is executed, on every branch. Nobody else has less for it. From then on its deals lock
    /// their whole price, until they are removed; nothing is ever paid to a provider.
    ///
    /// # Errors
    /// When the epoch has been mined; when there is no such actor, or more is locked after the head.
    pub fn set_escrow(&self, epoch: Epoch, client: ActorID, amount: &TokenAmount) -> Result<(), MakeError> {
        let state = self.after_head()?;
        if state.get(client)?.is_none() {
            return Err(MakeError::Recipe("there is no such client"));
        }
        if Book::open(&state)?.locked(client)? > *amount {
            return Err(MakeError::Recipe("more is locked"));
        }
        self.plan(None, epoch, Dealing::Escrow(client, amount.clone()))
    }

    /// The id of the deal with this proposal after the head; `None` where it is not there.
    ///
    /// # Errors
    /// When the chain is broken.
    pub fn deal(&self, proposal: &DealProposal) -> Result<Option<u64>, MakeError> {
        let state = self.after_head()?;
        Book::open(&state)?.find(&self.resolved(&state, proposal)?)
    }

    /// The state after the head.
    fn after_head(&self) -> Result<State<'_>, MakeError> {
        let (root, _) = self.executed(&self.ledger.head())?;
        State::open(&self.ledger, &root)
    }

    /// A proposal as the chain keeps it: both parties by id.
    fn resolved(&self, state: &State<'_>, deal: &DealProposal) -> Result<DealProposal, MakeError> {
        if self.miners().all(|miner| Address::new_id(miner) != deal.provider) {
            return Err(MakeError::Recipe("a provider is no miner of the chain"));
        }
        let client =
            state.resolve(&deal.client)?.filter(|id| state.get(*id).is_ok_and(|found| found.is_some()));
        let client = client.ok_or(MakeError::Recipe("a client is no account of the chain"))?;
        Ok(DealProposal { client: Address::new_id(client), ..deal.clone() })
    }

    /// The newest epoch that was mined on a branch, or on that of the head.
    fn mined(&self, on: Option<u64>) -> i64 {
        match on {
            Some(branch) => self.calendar().newest(branch),
            None => self.ledger.head().epoch().height(),
        }
    }

    fn plan(&self, on: Option<u64>, epoch: Epoch, dealing: Dealing) -> Result<(), MakeError> {
        let mined = self.mined(on);
        if epoch.height() <= mined {
            return Err(MakeError::Recipe("that epoch has been mined"));
        }
        self.calendar().due.entry(epoch.height()).or_default().push((on, dealing));
        Ok(())
    }
}
