//! What a transaction that was executed did to an account, read from its bytes and its result.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{LayerId, TransactionId};
use apogee_spacemesh::result::TransactionResult;
use apogee_spacemesh::transaction::{Body, Call, Payment, Transaction};
use apogee_spacemesh_gateway::Transaction as Row;
use apogee_treasury::chain::ChainError;

use crate::chain::wrong;

/// A transaction that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) id: TransactionId,
    pub(crate) body: Body,
    pub(crate) result: TransactionResult,
}

impl Done {
    /// From what a node tells. Its name is that of its bytes: the gateway's client has seen to that.
    pub(crate) fn read(row: Row) -> Result<Self, ChainError> {
        let name = row.id;
        let unread = |why: &dyn std::fmt::Display| {
            wrong("a transaction", &format_args!("{name} cannot be read: {why}"))
        };
        let transaction = Transaction::decode(&row.raw).map_err(|error| unread(&error))?;
        let result = row.result.ok_or_else(|| unread(&"it has no result"))?;
        Ok(Self { id: row.id, body: transaction.body, result })
    }

    pub(crate) const fn layer(&self) -> LayerId {
        self.result.layer
    }

    /// What it was to pay, and to whom.
    pub(crate) const fn payment(&self) -> Option<&Payment> {
        match &self.body.call {
            Call::Spend(payment) | Call::Drain { payment, .. } => Some(payment),
            Call::Spawn(_) => None,
        }
    }

    /// The account that it was to pay from.
    const fn payer(&self) -> Address {
        match &self.body.call {
            Call::Drain { vault, .. } => *vault,
            Call::Spend(_) | Call::Spawn(_) => self.body.principal,
        }
    }

    /// What its principal lost besides the fee, in smidge.
    pub(crate) fn moved(&self) -> u64 {
        match self.payment() {
            Some(payment) if self.result.succeeded && self.payer() == self.body.principal => {
                if payment.destination == self.body.principal { 0 } else { payment.amount }
            }
            _ => 0,
        }
    }

    /// By how much it changed what `account` has, in smidge.
    pub(crate) fn change(&self, account: &Address) -> i128 {
        let mut change = 0_i128;
        if self.body.principal == *account {
            change -= i128::from(self.result.fee);
        }
        if let Some(payment) = self.payment().filter(|_| self.result.succeeded) {
            let amount = i128::from(payment.amount);
            if self.payer() == *account {
                change -= amount;
            }
            if payment.destination == *account {
                change += amount;
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use apogee_spacemesh::id::{BlockId, PublicKey};
    use apogee_spacemesh::template::Spawn;

    use super::*;

    const fn account(number: u8) -> Address {
        Address([number; 24])
    }

    fn done(call: Call, succeeded: bool) -> Done {
        let body = Body { principal: account(1), call, nonce: 0, gas_price: 1 };
        let result = TransactionResult {
            succeeded,
            message: Vec::new(),
            gas: 7,
            fee: 7,
            block: BlockId([0; 20]),
            layer: LayerId(9),
            addresses: Vec::new(),
        };
        Done { id: TransactionId([0; 32]), body, result }
    }

    fn changes(done: &Done) -> [i128; 3] {
        [1, 2, 3].map(|number| done.change(&account(number)))
    }

    #[test]
    fn a_payment_changes_both_ends_and_a_failed_one_its_principal_alone() {
        let pay =
            |to, succeeded| done(Call::Spend(Payment { destination: account(to), amount: 100 }), succeeded);
        assert_eq!((changes(&pay(2, true)), pay(2, true).moved()), ([-107, 100, 0], 100));
        assert_eq!((changes(&pay(2, false)), pay(2, false).moved()), ([-7, 0, 0], 0));
        assert_eq!((changes(&pay(1, true)), pay(1, true).moved()), ([-7, 0, 0], 0), "to itself");
    }

    #[test]
    fn a_vault_pays_and_its_owner_has_the_fee() {
        let payment = Payment { destination: account(3), amount: 100 };
        let drain = done(Call::Drain { vault: account(2), payment }, true);
        assert_eq!((changes(&drain), drain.moved()), ([-7, -100, 100], 0));
        let own = Payment { destination: account(1), amount: 100 };
        assert_eq!(changes(&done(Call::Drain { vault: account(2), payment: own }, true)), [93, -100, 0]);
    }

    #[test]
    fn making_an_account_costs_its_fee() {
        let spawn = done(Call::Spawn(Spawn::Wallet(PublicKey([1; 32]))), true);
        assert_eq!((changes(&spawn), spawn.moved(), spawn.payment()), ([-7, 0, 0], 0, None));
    }
}
