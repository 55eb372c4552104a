//! From an approved list to payments of the treasury.

use std::collections::BTreeMap;

use apogee_domain::{Atto, NetworkId, Timestamp};
use apogee_package::payout::PaymentList;
use apogee_rules::{Id, Quantity};
use apogee_store::{Page, Payment, PaymentState, Store, StoreError};

/// Payments read at once.
const PAGE: u32 = 1_000;

/// Prizes of a competition that were given to the treasury so far, by entity.
pub(crate) type Prizes = BTreeMap<Id, Vec<Payment>>;

/// Why a list cannot be paid by the treasury.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDues {
    #[error(
        "wrong-state: {entity} was given {given} atto already, and the approved list gives it {approved}"
    )]
    TooMuch { entity: Id, given: Atto, approved: Atto },
    #[error(
        "wrong-state: {entity} is paid to {addresses} addresses of which {threshold} sign: make that multisig first, and give its address"
    )]
    Multisig { entity: Id, addresses: usize, threshold: u32 },
    #[error(
        "wrong-state: {0} atto were paid by other means, and the ledger does not say to whom: pay the rest by hand"
    )]
    Unnamed(Quantity),
    #[error("{entity}: {address} has no form on this network")]
    Address { entity: Id, address: String },
}

/// Where prizes of a competition come from, which their names begin with.
pub(crate) fn source(competition: &str) -> String {
    format!("prize/{competition}")
}

/// What was given to the treasury so far.
pub(crate) async fn prizes(
    store: &dyn Store,
    network: &NetworkId,
    competition: &str,
) -> Result<Prizes, StoreError> {
    let (source, mut prizes, mut after) = (source(competition), Prizes::new(), None);
    loop {
        let page = store.payments_of(network, &source, Page { after, limit: PAGE }).await?;
        let Some(last) = page.last() else { return Ok(prizes) };
        after = Some(last.id.clone());
        for payment in page {
            // `prize/<competition>/<entity>/<number>`
            let entity = payment.id.split('/').nth(2).and_then(|entity| entity.parse().ok());
            let entity: Id = entity.ok_or_else(|| StoreError::Damaged {
                table: "payments",
                detail: format!("{} names no entity", payment.id),
            })?;
            prizes.entry(entity).or_default().push(payment);
        }
    }
}

/// From which wallet, on which network, and when.
#[derive(Clone, Debug)]
pub(crate) struct From<'a> {
    pub(crate) competition: &'a str,
    pub(crate) network: &'a NetworkId,
    pub(crate) testnet: bool,
    pub(crate) wallet: &'a str,
    pub(crate) now: Timestamp,
}

/// What the ledger of the competition says was paid: in all, and to whom where it says that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paid<'a> {
    pub(crate) total: Quantity,
    pub(crate) to: Option<&'a BTreeMap<Id, Quantity>>,
}

/// What the treasury still has to be given so that everybody of an approved list gets its amount, and no more.
///
/// A payment that failed or was taken back counts: it is paid under its own name after all, never beside itself. What the ledger
/// says was paid beyond what the treasury paid has gone other ways, and counts as well.
pub(crate) fn dues(
    list: &PaymentList,
    prizes: &Prizes,
    paid: Paid<'_>,
    from: &From<'_>,
) -> Result<Vec<Payment>, NoDues> {
    let finals = |given: &[Payment]| -> u128 {
        let finals = given.iter().filter(|payment| payment.state == PaymentState::Final);
        finals.map(|payment| payment.amount.0).fold(0, u128::saturating_add)
    };
    let by_treasury = prizes.values().map(|given| finals(given)).fold(0, u128::saturating_add);
    if paid.to.is_none() && paid.total.0 > by_treasury {
        return Err(NoDues::Unnamed(Quantity(paid.total.0 - by_treasury)));
    }
    let mut dues = Vec::new();
    for approved in list.payments() {
        let entity = &approved.entity;
        let given = prizes.get(entity).map_or(&[][..], Vec::as_slice);
        let too_much = |given| NoDues::TooMuch { entity: entity.clone(), given, approved: approved.amount };
        let recorded = paid.to.and_then(|to| to.get(entity)).map_or(0, |quantity| quantity.0);
        let elsewhere = Atto(recorded.saturating_sub(finals(given)));
        let sum = given.iter().map(|payment| payment.amount).try_fold(elsewhere, Atto::checked_add);
        let sum = sum.ok_or_else(|| too_much(Atto(u128::MAX)))?;
        let due = approved.amount.checked_sub(sum).ok_or_else(|| too_much(sum))?;
        if due == Atto::ZERO {
            continue;
        }
        let [address] = approved.addresses.as_slice() else {
            let (addresses, threshold) = (approved.addresses.len(), approved.threshold);
            return Err(NoDues::Multisig { entity: entity.clone(), addresses, threshold });
        };
        let payee = address.filecoin(from.testnet);
        let payee =
            payee.ok_or_else(|| NoDues::Address { entity: entity.clone(), address: address.to_string() })?;
        dues.push(Payment {
            network: from.network.clone(),
            id: format!("{}/{entity}/{}", source(from.competition), given.len() + 1),
            wallet: from.wallet.to_owned(),
            payee,
            amount: due,
            state: PaymentState::Accepted,
            reason: String::new(),
            created: from.now,
        });
    }
    Ok(dues)
}

#[cfg(test)]
mod tests {
    use apogee_package::payout as list;

    use super::*;

    const WALLET: &str = "prizes";

    fn devnet() -> NetworkId {
        "devnet-a".parse().unwrap()
    }

    fn approved(amounts: &[(&str, u128)]) -> PaymentList {
        let payments: Vec<_> = amounts
            .iter()
            .enumerate()
            .map(|(number, (entity, amount))| list::Payment {
                entity: entity.parse().unwrap(),
                name: String::new(),
                addresses: vec![format!("t0{}", 1_000 + number).parse().unwrap()],
                threshold: 1,
                amount: Atto(*amount),
            })
            .collect();
        let total = Atto(amounts.iter().map(|(_, amount)| amount).sum());
        PaymentList::new(payments, total).unwrap()
    }

    fn due(list: &PaymentList, prizes: &Prizes) -> Result<Vec<(String, u128)>, NoDues> {
        due_after(list, prizes, Paid { total: Quantity(0), to: Some(&BTreeMap::new()) })
    }

    fn due_after(list: &PaymentList, prizes: &Prizes, paid: Paid<'_>) -> Result<Vec<(String, u128)>, NoDues> {
        let network = devnet();
        let from = From {
            competition: "sprint",
            network: &network,
            testnet: true,
            wallet: WALLET,
            now: Timestamp(7),
        };
        let dues = dues(list, prizes, paid, &from)?;
        Ok(dues.into_iter().map(|due| (due.id, due.amount.0)).collect())
    }

    fn given(rows: &[(&str, u128, PaymentState)]) -> Prizes {
        let mut prizes = Prizes::new();
        for (number, (entity, amount, state)) in rows.iter().enumerate() {
            prizes.entry(entity.parse().unwrap()).or_default().push(Payment {
                network: devnet(),
                id: format!("prize/sprint/{entity}/{number}"),
                wallet: WALLET.into(),
                payee: "t01000".into(),
                amount: Atto(*amount),
                state: *state,
                reason: String::new(),
                created: Timestamp(1),
            });
        }
        prizes
    }

    #[test]
    fn a_list_is_given_to_the_treasury_once() {
        let list = approved(&[("ada", 70), ("bob", 30)]);
        let first = vec![("prize/sprint/ada/1".to_owned(), 70), ("prize/sprint/bob/1".to_owned(), 30)];
        assert_eq!(due(&list, &Prizes::new()).unwrap(), first);
        let all = given(&[("ada", 70, PaymentState::Final), ("bob", 30, PaymentState::Paying)]);
        assert_eq!(due(&list, &all).unwrap(), []);
    }

    #[test]
    fn after_an_amendment_the_difference_is_due() {
        let before = given(&[("ada", 70, PaymentState::Final), ("bob", 30, PaymentState::Accepted)]);
        let amended = approved(&[("ada", 75), ("bob", 30)]);
        assert_eq!(due(&amended, &before).unwrap(), [("prize/sprint/ada/2".to_owned(), 5)]);
        let less = due(&approved(&[("ada", 69), ("bob", 31)]), &before).unwrap_err();
        assert!(matches!(less, NoDues::TooMuch { given: Atto(70), approved: Atto(69), .. }), "{less}");
    }

    #[test]
    fn what_was_paid_by_other_means_is_not_due() {
        let list = approved(&[("ada", 70), ("bob", 30)]);
        let sent = given(&[("ada", 70, PaymentState::Final)]);
        let to = |rows: &[(&str, u128)]| -> BTreeMap<Id, Quantity> {
            rows.iter().map(|(id, amount)| (id.parse().unwrap(), Quantity(*amount))).collect()
        };
        let recorded = to(&[("ada", 70), ("bob", 10)]);
        let paid = Paid { total: Quantity(80), to: Some(&recorded) };
        assert_eq!(due_after(&list, &sent, paid).unwrap(), [("prize/sprint/bob/1".to_owned(), 20)]);
        let unnamed = due_after(&list, &sent, Paid { total: Quantity(80), to: None }).unwrap_err();
        assert!(matches!(unnamed, NoDues::Unnamed(Quantity(10))), "{unnamed}");
        let own = due_after(&list, &sent, Paid { total: Quantity(70), to: None }).unwrap();
        assert_eq!(own, [("prize/sprint/bob/1".to_owned(), 30)]);
    }

    #[test]
    fn what_failed_or_was_taken_back_is_not_owed_beside_itself() {
        let list = approved(&[("ada", 70), ("bob", 30)]);
        let before = given(&[("ada", 70, PaymentState::Failed), ("bob", 30, PaymentState::Cancelled)]);
        assert_eq!(due(&list, &before).unwrap(), []);
    }
}
