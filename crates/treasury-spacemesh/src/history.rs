//! Accounts in the past. A node tells what an account has now; what it had before follows from the transactions and rewards that changed it
//! since.

use std::collections::BTreeSet;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_gateway::AccountState;
use apogee_treasury::chain::{Account, ChainError, Tip};

use crate::chain::{Spacemesh, unreadable, wrong};
use crate::effect::Done;
use crate::layers::moved;
use crate::money::atto;

/// How often an account is read again that changed while it was read.
const TRIES: u32 = 3;
/// Layers that are looked through for the transaction before the first one that is wanted; eight times as many each time that there is none.
const BACK: u32 = 64;
const LAST: LayerId = LayerId(u32::MAX);

/// What an account did itself, and what else happened to it, in some layers.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    /// The nonce that the first of its own transactions could have had; of an account without any, nothing is said.
    pub(crate) next: u64,
    /// Its own transactions, by nonce.
    pub(crate) own: Vec<Done>,
    /// By how much transactions changed what it has, in smidge.
    change: i128,
    /// The last layer in which one did.
    last: Option<LayerId>,
}

impl Spacemesh {
    /// An account in the state before a tip.
    pub(crate) async fn account_at(&self, tip: &Tip, address: &Address) -> Result<Account, ChainError> {
        let from = self.first_after(tip)?;
        self.stands(tip).await?;
        let mut now = self.present(address).await?;
        for _ in 0..TRIES {
            let found = if now.layer < from {
                Some(Account { nonce: now.next_nonce, balance: atto(now.balance) })
            } else {
                self.before(from, address, &now).await?
            };
            let again = self.present(address).await?;
            if let Some(account) = found.filter(|_| again == now) {
                // Of another chain than the tip's nothing was read, unless it came and went in between.
                self.stands(tip).await?;
                return Ok(account);
            }
            now = again;
        }
        Err(moved("an account changed each time that it was read"))
    }

    /// What an account has now.
    pub(crate) async fn present(&self, address: &Address) -> Result<AccountState, ChainError> {
        let account = self.gateway.account(address).await.map_err(unreadable)?;
        Ok(account.map(|account| account.current).unwrap_or_default())
    }

    /// The account `now` before layer `from`; `None` where what is told does not explain it, because something happened in between.
    async fn before(
        &self,
        from: LayerId,
        address: &Address,
        now: &AccountState,
    ) -> Result<Option<Account>, ChainError> {
        let since = self.stretch(address, from, LAST).await?;
        let rewards = self.gateway.rewards_of(address, &(from..=LAST)).await.map_err(unreadable)?;
        let rewarded = rewards.iter().map(|reward| reward.layer).max();
        let follows =
            since.own.last().is_none_or(|one| one.body.nonce.checked_add(1) == Some(now.next_nonce));
        if since.last.max(rewarded) != Some(now.layer) || !follows {
            return Ok(None);
        }
        let earned = rewards.iter().map(|reward| i128::from(reward.amount.total));
        let change = earned.fold(since.change, i128::saturating_add);
        let balance = i128::from(now.balance).saturating_sub(change);
        let balance = u64::try_from(balance)
            .map_err(|_| wrong("an account", &format_args!("it had {balance} smidge before layer {from}")))?;
        let nonce = if since.own.is_empty() { now.next_nonce } else { since.next };
        Ok(Some(Account { nonce, balance: atto(balance) }))
    }

    /// What was executed from `first` up to `last` that changed an account.
    pub(crate) async fn stretch(
        &self,
        address: &Address,
        first: LayerId,
        last: LayerId,
    ) -> Result<Stretch, ChainError> {
        let (mut back, mut start) = (BACK, first);
        loop {
            // Earlier ones and those that are wanted come in one answer, so that both are of one chain.
            let all = self.executed_in(address, start, last).await?;
            let own = |one: &&Done| one.body.principal == *address;
            let before = all.iter().filter(own).rfind(|one| one.layer() < first).map(|one| one.body.nonce);
            let wanted: Vec<Done> = all.into_iter().filter(|one| one.layer() >= first).collect();
            let earliest = LayerId(self.beginning().0.saturating_add(1));
            let next = match (before, wanted.iter().find(own)) {
                (_, None) => 0,
                (Some(before), _) => before.saturating_add(1),
                (None, Some(_)) if start > earliest => {
                    start = LayerId(first.0.saturating_sub(back).max(earliest.0));
                    back = back.saturating_mul(8);
                    continue;
                }
                // After a restart from a checkpoint accounts have nonces of before, and nobody tells which.
                (None, Some(one)) if self.is_restarted() => one.body.nonce,
                (None, Some(_)) => 0,
            };
            return Stretch::of(wanted, address, next);
        }
    }

    /// Transactions that changed an account, by layer and nonce.
    async fn executed_in(
        &self,
        address: &Address,
        first: LayerId,
        last: LayerId,
    ) -> Result<Vec<Done>, ChainError> {
        let rows = self.gateway.transactions(address, &(first..=last)).await.map_err(unreadable)?;
        let mut all = rows.into_iter().map(Done::read).collect::<Result<Vec<_>, _>>()?;
        all.sort_by_key(|one| (one.layer(), one.body.nonce));
        Ok(all)
    }

    /// Whether the network began again from a checkpoint.
    fn is_restarted(&self) -> bool {
        self.network.effective_genesis != self.network.epochs.first_effective_genesis()
    }
}

impl Stretch {
    fn of(all: Vec<Done>, address: &Address, next: u64) -> Result<Self, ChainError> {
        let change = all.iter().map(|one| one.change(address)).fold(0, i128::saturating_add);
        let last = all.iter().map(Done::layer).max();
        let own: Vec<Done> = all.into_iter().filter(|one| one.body.principal == *address).collect();
        let nonces: BTreeSet<u64> = own.iter().map(|one| one.body.nonce).collect();
        // Each nonce once, in order, and none before the first that was free.
        let ascends = own.is_sorted_by_key(|one| one.body.nonce) && nonces.len() == own.len();
        if !ascends || nonces.first().is_some_and(|first| *first < next) {
            let nonces: Vec<_> = own.iter().take(20).map(|one| one.body.nonce).collect();
            let detail = format!("after nonce {next} was free, transactions had nonces {nonces:?}");
            return Err(wrong("the chain", &detail));
        }
        Ok(Self { next, own, change, last })
    }
}
