//! Nonces that were left out. The chain does not wait for a nonce: once a later one was executed, those before it are dead. The treasury counts on
//! an answer for each, so a dead one is told as a message that failed and cost nothing.

use apogee_domain::Atto;
use apogee_spacemesh::address::Address;
use apogee_spacemesh::transaction::{Body, Transaction};
use apogee_store::{Attempt, AttemptKind, StoreError, Wallet};
use apogee_treasury::chain::{ChainError, Executed, Tip};

use crate::chain::{OVERTAKEN, Spacemesh, wrong};
use crate::effect::Done;
use crate::money::atto;

/// More nonces than that are left out by nobody who pays from here.
const MOST: u64 = 10_000;

impl Spacemesh {
    /// The transactions of an account and, in their places, the nonces that they overtook: by nonce, none missing from `next` on. `tip` gives the
    /// tip of each.
    pub(crate) async fn dense(
        &self,
        address: &Address,
        next: u64,
        own: &[Done],
        tip: impl Fn(&Done) -> Option<Tip>,
    ) -> Result<Vec<Executed>, ChainError> {
        let (mut all, mut next) = (Vec::with_capacity(own.len()), next);
        for one in own {
            let at =
                tip(one).ok_or_else(|| wrong("a transaction", &format_args!("{} has no layer", one.id)))?;
            if one.body.nonce > next {
                all.extend(self.overtaken(address, next, one.body.nonce, &at).await?);
            }
            next = one.body.nonce.saturating_add(1);
            all.push(self.told(one, at));
        }
        Ok(all)
    }

    /// The nonces from `from` up to and without `to`, dead since `at`.
    async fn overtaken(
        &self,
        address: &Address,
        from: u64,
        to: u64,
        at: &Tip,
    ) -> Result<Vec<Executed>, ChainError> {
        if to.saturating_sub(from) > MOST {
            return Err(wrong("the chain", &format_args!("nonces {from} to {to} were left out")));
        }
        let attempts = match self.wallet(address).await? {
            None => Vec::new(),
            Some(wallet) => {
                let last = to.saturating_sub(1);
                self.store.attempts(&self.id, &wallet.name, from, last).await.map_err(unread)?
            }
        };
        Ok((from..to).map(|nonce| self.dead(address, nonce, &attempts, at)).collect())
    }

    /// A dead nonce, by the name of the message that the books have for it: one that was to pay nobody where there is any, else the first.
    fn dead(&self, address: &Address, nonce: u64, attempts: &[Attempt], at: &Tip) -> Executed {
        let own = || attempts.iter().filter(|attempt| attempt.nonce == nonce);
        let named = own().find(|attempt| attempt.kind == AttemptKind::Cancel).or_else(|| own().next());
        let payment = named.and_then(|attempt| payment(&attempt.bytes));
        let (payee, amount) = payment.unwrap_or((*address, Atto::ZERO));
        Executed {
            nonce,
            id: named.map_or_else(|| format!("overtaken-{nonce}"), |attempt| attempt.message.clone()),
            tip: at.clone(),
            payee: payee.text(self.network.prefix),
            amount,
            exit_code: OVERTAKEN,
            cost: Atto::ZERO,
            moved: Atto::ZERO,
            proposal: None,
        }
    }

    /// The wallet with this address.
    pub(crate) async fn wallet(&self, address: &Address) -> Result<Option<Wallet>, ChainError> {
        let text = address.text(self.network.prefix);
        let all = self.store.wallets().await.map_err(unread)?;
        Ok(all.into_iter().find(|wallet| wallet.network == self.id && wallet.address == text))
    }
}

/// Whom stored bytes are to pay, and how much.
fn payment(bytes: &[u8]) -> Option<(Address, Atto)> {
    let Body { principal, call, .. } = Transaction::decode(bytes).ok()?.body;
    Some(match call {
        apogee_spacemesh::transaction::Call::Spend(payment) => (payment.destination, atto(payment.amount)),
        _ => (principal, Atto::ZERO),
    })
}

pub(crate) fn unread(error: StoreError) -> ChainError {
    ChainError::Unavailable(Box::new(error))
}
