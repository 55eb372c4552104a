use std::collections::{BTreeMap, HashSet};

use apogee_domain::Atto;
use apogee_leaderboard::Standings;
use apogee_rules::Id;

use super::Address;

/// What one entity is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who is paid.
    pub entity: Id,
    /// Its name, for people; no artefact depends on it but the plain table.
    pub name: String,
    /// Where to: one address, or the signers of the multisig that is made for it.
    pub addresses: Vec<Address>,
    /// How many of them sign.
    pub threshold: u32,
    /// How much, in attoFIL. Not zero.
    pub amount: Atto,
}

impl Payment {
    /// The canonical JSON of the payment: what is approved, and what is a leaf of the audit tree.
    #[must_use]
    pub fn row(&self) -> String {
        // Ids, addresses and digits have nothing to escape.
        let addresses: Vec<String> = self.addresses.iter().map(|address| format!("\"{address}\"")).collect();
        format!(
            "{{\"addresses\":[{}],\"amount\":\"{}\",\"entity\":\"{}\",\"threshold\":{}}}",
            addresses.join(","),
            self.amount,
            self.entity,
            self.threshold
        )
    }

    /// The only address.
    pub(super) fn address(&self) -> Result<&Address, Unpayable> {
        match &self.addresses[..] {
            [address] => Ok(address),
            _ => Err(Unpayable::Several(self.entity.clone())),
        }
    }
}

/// Why payments are no list, or a list cannot be paid in a certain way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpayable {
    /// Nobody to pay.
    #[error("there is nobody to pay")]
    Nobody,
    /// An entity that is paid twice.
    #[error("{0}: it is paid more than once")]
    Twice(Id),
    /// An amount of nothing.
    #[error("{0}: its amount is 0")]
    Nothing(Id),
    /// No address, or the same one twice.
    #[error("{0}: its addresses are none, or one of them is there twice")]
    Addresses(Id),
    /// More signers are asked for than there are, or none.
    #[error("{0}: {1} of {2} addresses cannot sign")]
    Threshold(Id, u32, usize),
    /// The amounts add up to something else.
    #[error("the amounts add up to {0} attoFIL, not to {1}")]
    Total(Atto, Atto),
    /// The amounts add up to more than there can be.
    #[error("the sum of the amounts is 2^128 attoFIL or more")]
    Overflow,
    /// An entity whose address nobody has shown.
    #[error("{0}: it has no payout address")]
    NoAddress(Id),
    /// A way of paying that knows one address only.
    #[error("{0}: this pays one address, and it has several")]
    Several(Id),
    /// A way of paying that needs an Ethereum address.
    #[error("{0}: {1} has no Ethereum form")]
    NoEthereum(Id, Address),
    /// A way of paying that needs the address of a key.
    #[error("{0}: {1} is not the address of a key (f1 or f3)")]
    NoKey(Id, Address),
    /// A way of paying that needs a Filecoin address.
    #[error("{0}: {1} has no Filecoin form")]
    NoFilecoin(Id, Address),
    /// Two entities with one address, of which only one could claim.
    #[error("{0}: {1} is the address of another entity too")]
    Shared(Id, Address),
    /// More actors than a genesis has room for.
    #[error("the genesis has room for {limit} actors, and these payments need {needed}")]
    NoRoom {
        /// Multisigs and signers.
        needed: usize,
        /// How many there can be.
        limit: usize,
    },
    /// A batch without room.
    #[error("a batch has to have room for a payment")]
    NoBatch,
}

/// An approved list: the one thing that all artefacts are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentList {
    payments: Vec<Payment>,
    total: Atto,
}

impl PaymentList {
    /// The list in order of entities, if it pays each of them once and `total` in all.
    ///
    /// # Errors
    /// Says which entity cannot be paid and why, or what the amounts add up to instead.
    pub fn new(mut payments: Vec<Payment>, total: Atto) -> Result<Self, Unpayable> {
        payments.sort_unstable_by(|a, b| a.entity.cmp(&b.entity));
        let mut sum = Atto::ZERO;
        let mut last: Option<&Id> = None;
        for payment in &payments {
            let entity = || payment.entity.clone();
            if last == Some(&payment.entity) {
                return Err(Unpayable::Twice(entity()));
            }
            if payment.amount == Atto::ZERO {
                return Err(Unpayable::Nothing(entity()));
            }
            let repeated = || {
                let mut seen = HashSet::new();
                !payment.addresses.iter().all(|address| seen.insert(address))
            };
            if payment.addresses.is_empty() || (payment.addresses.len() > 1 && repeated()) {
                return Err(Unpayable::Addresses(entity()));
            }
            let signers = payment.addresses.len();
            if payment.threshold == 0 || usize::try_from(payment.threshold).map_or(true, |n| n > signers) {
                return Err(Unpayable::Threshold(entity(), payment.threshold, signers));
            }
            sum = sum.checked_add(payment.amount).ok_or(Unpayable::Overflow)?;
            last = Some(&payment.entity);
        }
        match last {
            None => Err(Unpayable::Nobody),
            Some(_) if sum != total => Err(Unpayable::Total(sum, total)),
            Some(_) => Ok(Self { payments, total }),
        }
    }

    /// What standings owe, each to the one address of its entity: the payouts of final standings to the addresses that the ledger shows.
    ///
    /// # Errors
    /// As [`new`](Self::new), or the first entity that is owed something and has no address.
    pub fn owed(standings: &Standings, addresses: &BTreeMap<Id, Address>) -> Result<Self, Unpayable> {
        let payments = standings.payouts.iter().map(|payout| {
            let entity = payout.entity.clone();
            let address = *addresses.get(&entity).ok_or_else(|| Unpayable::NoAddress(entity.clone()))?;
            let name = standings.entity(entity.as_str()).map(|row| row.name().to_owned()).unwrap_or_default();
            let amount = Atto(payout.total.0);
            Ok(Payment { entity, name, addresses: vec![address], threshold: 1, amount })
        });
        let payments = payments.collect::<Result<Vec<_>, _>>()?;
        let total = payments.iter().try_fold(Atto::ZERO, |sum, payment| sum.checked_add(payment.amount));
        Self::new(payments, total.ok_or(Unpayable::Overflow)?)
    }

    /// The payments in order of entities.
    #[must_use]
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// What is paid in all.
    #[must_use]
    pub const fn total(&self) -> Atto {
        self.total
    }
}

/// An amount in FIL, exact: the shortest decimal fraction.
#[must_use]
pub fn fil(amount: Atto) -> String {
    let one = 10_u128.pow(18);
    let (whole, rest) = (amount.0 / one, amount.0 % one);
    let text = format!("{whole}.{rest:018}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(entity: &str, addresses: &[&str], threshold: u32, amount: u128) -> Payment {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let name = String::new();
        Payment { entity: entity.parse().unwrap(), name, addresses, threshold, amount: Atto(amount) }
    }

    #[test]
    fn a_list_is_refused_for_the_reason_that_it_has() {
        let refused =
            |payments: Vec<Payment>, total| PaymentList::new(payments, Atto(total)).unwrap_err().to_string();
        let good = || payment("b", &["f01"], 1, 7);
        assert_eq!(refused(vec![], 0), "there is nobody to pay");
        assert_eq!(
            refused(vec![good(), payment("a", &["f01"], 1, 1), good()], 15),
            "b: it is paid more than once"
        );
        assert_eq!(refused(vec![payment("a", &["f01"], 1, 0)], 0), "a: its amount is 0");
        let addresses = "a: its addresses are none, or one of them is there twice";
        assert_eq!(refused(vec![payment("a", &[], 1, 1)], 1), addresses);
        assert_eq!(refused(vec![payment("a", &["f01", "f01"], 1, 1)], 1), addresses);
        assert_eq!(refused(vec![payment("a", &["f01"], 0, 1)], 1), "a: 0 of 1 addresses cannot sign");
        assert_eq!(refused(vec![payment("a", &["f01", "f02"], 3, 1)], 1), "a: 3 of 2 addresses cannot sign");
        assert_eq!(refused(vec![good()], 8), "the amounts add up to 7 attoFIL, not to 8");
        let most = payment("a", &["f01"], 1, u128::MAX);
        assert_eq!(refused(vec![most, good()], 7), "the sum of the amounts is 2^128 attoFIL or more");
    }

    #[test]
    fn a_row_is_canonical_json() {
        let payment =
            payment("b.1_c-d", &["f01", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"], 2, u128::MAX);
        let value = apogee_rules::canonical::read(payment.row().as_bytes(), 1000).unwrap();
        assert_eq!(value["addresses"][1], "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
        assert_eq!(value["amount"], u128::MAX.to_string());
    }

    #[test]
    fn fil_is_exact() {
        for (atto, text) in [
            (0, "0"),
            (1, "0.000000000000000001"),
            (10_u128.pow(17), "0.1"),
            (10_u128.pow(18), "1"),
            (140_000 * 10_u128.pow(18), "140000"),
            (1_000_000_000_000_000_010, "1.00000000000000001"),
            (u128::MAX, "340282366920938463463.374607431768211455"),
        ] {
            assert_eq!(fil(Atto(atto)), text);
        }
    }
}
