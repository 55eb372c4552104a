//! What was signed for a wallet, and what that leaves to be signed.

use std::collections::HashMap;

use apogee_domain::{Atto, Timestamp};
use apogee_treasury::Purpose;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::policy::WalletPolicy;
use crate::refusal::{Refusal, Rule};

/// One message that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) wallet: String,
    pub(crate) fence: u64,
    pub(crate) nonce: u64,
    pub(crate) purpose: Purpose,
    pub(crate) payment: Option<String>,
    pub(crate) payee: String,
    pub(crate) amount: Atto,
    /// The multisig that is to pay it, where that is proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) multisig: Option<String>,
    pub(crate) fee: Atto,
    /// What the message without its signature is called: its CID, and on Spacemesh its SHA-256.
    pub(crate) message: String,
}

/// Who gets it, and which multisig is to pay, where that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whom {
    pub(crate) payee: Account,
    pub(crate) multisig: Option<Account>,
}

/// All that was signed for one wallet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    fence: u64,
    day: Day,
    nonces: HashMap<u64, Nonce>,
    /// Sum of what was signed for each payee, each nonce once.
    paid: HashMap<Account, u128>,
}

/// What was signed on the latest UTC day.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    number: i64,
    value: u128,
    fee: u128,
}

#[derive(Clone, Debug, Default)]
struct Nonce {
    pay: Option<(Whom, Atto)>,
    /// The highest.
    fee: Atto,
    messages: Vec<Box<str>>,
}

/// A book with entries that are not in it yet.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    book: &'a Book,
    new: Book,
}

impl Book {
    pub(crate) fn draft(&self) -> Draft<'_> {
        Draft { book: self, new: Self { fence: self.fence, day: self.day, ..Self::default() } }
    }

    /// Take over what a draft of this book came to.
    pub(crate) fn merge(&mut self, new: Self) {
        (self.fence, self.day) = (new.fence, new.day);
        self.nonces.extend(new.nonces);
        self.paid.extend(new.paid);
    }
}

impl Draft<'_> {
    pub(crate) fn finish(self) -> Book {
        self.new
    }

    /// Add an entry that pays `whom`, unless it is against a rule. `false`: it says nothing new.
    ///
    /// Without `limits` only the rules hold that nothing in a journal can be against.
    pub(crate) fn enter(
        &mut self,
        entry: &Entry,
        whom: &Whom,
        limits: Option<&WalletPolicy>,
    ) -> Result<bool, Refusal> {
        let refused = |rule, detail: String| Err(Refusal::new(entry.nonce, rule, detail));
        if entry.fence < self.new.fence {
            let detail = format!("the fence is {}, and {} has signed already", entry.fence, self.new.fence);
            return refused(Rule::Fence, detail);
        }
        let mut nonce = self.nonce(entry.nonce);
        let fresh = nonce.messages.is_empty();
        let mut first = false;
        if entry.purpose != Purpose::Cancel {
            match &nonce.pay {
                Some((paid, amount)) if paid == whom && *amount == entry.amount => {}
                Some((Whom { payee, multisig }, amount)) => {
                    let from =
                        multisig.as_ref().map(|multisig| format!(" from {multisig}")).unwrap_or_default();
                    let detail = format!("this nonce pays {amount} atto to {payee}{from}");
                    return refused(Rule::NonceReused, detail);
                }
                None if fresh => first = true,
                None => return refused(Rule::NonceReused, "this nonce pays nobody".into()),
            }
        }
        let value = if first { entry.amount.0 } else { 0 };
        self.spend(entry, value, entry.fee.0.saturating_sub(nonce.fee.0), limits)?;
        if first {
            self.pay(entry, &whom.payee, limits)?;
            nonce.pay = Some((whom.clone(), entry.amount));
        }
        let known = nonce.messages.iter().any(|message| **message == *entry.message);
        let is_new = !known || entry.fence > self.new.fence;
        if !known {
            nonce.messages.push(entry.message.as_str().into());
        }
        nonce.fee = nonce.fee.max(entry.fee);
        self.new.nonces.insert(entry.nonce, nonce);
        self.new.fence = entry.fence;
        Ok(is_new)
    }

    fn nonce(&self, number: u64) -> Nonce {
        let known = self.new.nonces.get(&number).or_else(|| self.book.nonces.get(&number));
        known.cloned().unwrap_or_default()
    }

    /// Count what a nonce adds to its day: the value when it first pays, and by how much its fee is higher than before.
    fn spend(
        &mut self,
        entry: &Entry,
        value: u128,
        fee: u128,
        limits: Option<&WalletPolicy>,
    ) -> Result<(), Refusal> {
        let number = entry.at.seconds().div_euclid(86_400);
        let day = if number == self.new.day.number { self.new.day } else { Day { number, ..Day::default() } };
        let most = limits.map_or((Atto(u128::MAX), Atto(u128::MAX)), |limits| {
            (limits.caps.day_value, limits.caps.day_fee)
        });
        // What adds nothing is no matter of caps: a signature can be asked for again after they were lowered.
        let sum = |what: &str, before: u128, more: u128, most: Atto| match before.checked_add(more) {
            Some(sum) if more == 0 || sum <= most.0 => Ok(sum),
            _ => {
                let detail =
                    format!("{before} atto of {what} and {more} more are over the most of a day, {most}");
                Err(Refusal::new(entry.nonce, Rule::CapDay, detail))
            }
        };
        let value = sum("value", day.value, value, most.0)?;
        let fee = sum("fee", day.fee, fee, most.1)?;
        self.new.day = Day { number, value, fee };
        Ok(())
    }

    /// Count what a payee gets in all.
    fn pay(&mut self, entry: &Entry, payee: &Account, limits: Option<&WalletPolicy>) -> Result<(), Refusal> {
        let before = self.new.paid.get(payee).or_else(|| self.book.paid.get(payee)).copied().unwrap_or(0);
        let most = limits.and_then(|limits| limits.payees.as_ref());
        let most = most.map_or(u128::MAX, |payees| payees.get(payee).copied().unwrap_or(0));
        match before.checked_add(entry.amount.0) {
            Some(sum) if sum <= most => {
                self.new.paid.insert(payee.clone(), sum);
                Ok(())
            }
            _ => {
                let detail =
                    format!("its payee has {before} atto of the {most} that approved lists have for it");
                Err(Refusal::new(entry.nonce, Rule::Payee, detail))
            }
        }
    }
}
