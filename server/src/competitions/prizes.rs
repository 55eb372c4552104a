//! From an approved list to payments of the treasury.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Network, NetworkId, NetworkKind, Timestamp};
use apogee_package::payout::PaymentList;
use apogee_rules::{Id, Quantity};
use apogee_store::{AttemptKind, Page, Payment, PaymentState, Store, StoreError, Wallet};

use super::{Held, NoLedger};

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

/// What of an amount a network can move: on Spacemesh whole smidge. Nobody can be paid what is left.
pub(crate) const fn payable(amount: Atto, kind: NetworkKind) -> Atto {
    match kind {
        NetworkKind::Filecoin => amount,
        NetworkKind::Spacemesh => whole_smidge(amount),
    }
}

/// An amount without what is less than a smidge.
pub(crate) const fn whole_smidge(amount: Atto) -> Atto {
    const SMIDGE: u128 = 1_000_000_000;
    Atto(amount.0 - amount.0 % SMIDGE)
}

/// From which wallet, on which network, and when.
#[derive(Clone, Debug)]
pub(crate) struct From<'a> {
    pub(crate) competition: &'a str,
    pub(crate) network: &'a Network,
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
        // What was paid by other means may stand for what failed or was taken back.
        let dead = given.iter().filter(|payment| !payment.state.may_pay());
        let dead = dead.map(|payment| payment.amount.0).fold(0, u128::saturating_add);
        let elsewhere = Atto(recorded.saturating_sub(finals(given)).saturating_sub(dead));
        let sum = given.iter().map(|payment| payment.amount).try_fold(elsewhere, Atto::checked_add);
        let sum = sum.ok_or_else(|| too_much(Atto(u128::MAX)))?;
        let due = approved.amount.checked_sub(sum).ok_or_else(|| too_much(sum))?;
        let due = payable(due, from.network.kind);
        if due == Atto::ZERO {
            continue;
        }
        let [address] = approved.addresses.as_slice() else {
            let (addresses, threshold) = (approved.addresses.len(), approved.threshold);
            return Err(NoDues::Multisig { entity: entity.clone(), addresses, threshold });
        };
        let payee = address.on(from.network);
        let payee =
            payee.ok_or_else(|| NoDues::Address { entity: entity.clone(), address: address.to_string() })?;
        dues.push(Payment {
            network: from.network.id.clone(),
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

/// How far an entity's prize is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nobody has given it to a wallet yet, or not all of it.
    Owed,
    /// A wallet is to pay it.
    Waiting,
    /// A message that pays it is on the chain, and could still leave it.
    OnChain,
    /// It is paid.
    Final,
    /// It is proposed to a multisig, whose signers pay it or not.
    Proposed,
    /// A payment failed: somebody has to look.
    Failed,
    /// A payment was taken back.
    TakenBack,
    /// It is paid by other means, as the ledger of the competition says.
    Elsewhere,
    /// Something was paid by other means, and the ledger does not say to whom.
    Unknown,
}

impl Progress {
    /// As programs are told.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Waiting => "waiting",
            Self::OnChain => "on-chain",
            Self::Final => "final",
            Self::Proposed => "proposed",
            Self::Failed => "failed",
            Self::TakenBack => "taken-back",
            Self::Elsewhere => "elsewhere",
            Self::Unknown => "unknown",
        }
    }

    /// The same of a prize that a wallet has proposed, not paid.
    pub(crate) const fn proposed(self) -> Self {
        if matches!(self, Self::Final | Self::OnChain) { Self::Proposed } else { self }
    }

    /// How far a prize of `amount` is, of which `given` was given to the treasury and `elsewhere` paid by other means; `None` where that is not
    /// known.
    pub(crate) fn of(amount: Atto, given: &[Payment], elsewhere: Option<Atto>) -> Self {
        let any = |states: &[PaymentState]| given.iter().any(|payment| states.contains(&payment.state));
        let sum = given.iter().map(|payment| payment.amount.0).fold(0, u128::saturating_add);
        match elsewhere {
            _ if any(&[PaymentState::Failed]) => Self::Failed,
            _ if any(&[PaymentState::Cancelled]) => Self::TakenBack,
            _ if any(&[PaymentState::Accepted, PaymentState::Held, PaymentState::Paying]) => Self::Waiting,
            _ if any(&[PaymentState::Included]) => Self::OnChain,
            _ if sum >= amount.0 => Self::Final,
            None => Self::Unknown,
            Some(elsewhere) if elsewhere.0.saturating_add(sum) < amount.0 => Self::Owed,
            Some(_) if sum == 0 => Self::Elsewhere,
            Some(_) => Self::Final,
        }
    }
}

impl Paid<'_> {
    /// What the ledger records for an entity beyond what the treasury paid it; `None` where that is not known.
    pub(crate) fn elsewhere(&self, entity: &Id, prizes: &Prizes) -> Option<Atto> {
        let Some(to) = self.to else {
            let by_treasury = prizes.values().map(|given| finals(given)).fold(0, u128::saturating_add);
            return (self.total.0 <= by_treasury).then_some(Atto::ZERO);
        };
        let recorded = to.get(entity).map_or(0, |quantity| quantity.0);
        let by_treasury = prizes.get(entity).map_or(0, |given| finals(given));
        Some(Atto(recorded.saturating_sub(by_treasury)))
    }
}

/// Whether the ledger of its competition may say of a prize that somebody paid it by other means: then it is not paid again after it failed. Other
/// payments than prizes are in no such ledger.
pub(crate) async fn is_paid_elsewhere(store: &dyn Store, payment: &Payment) -> Result<bool, NoLedger> {
    let mut parts = payment.id.split('/');
    let (Some("prize"), Some(competition), Some(entity)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(false);
    };
    let held = Held::load(store, competition).await?;
    let total = held.competition().payout().map_or(Quantity(0), |(_, paid)| paid);
    let paid = Paid { total, to: held.competition().paid_to() };
    let given = prizes(store, &payment.network, competition).await?;
    let entity = entity.parse().map_err(|_| NoLedger::Name(entity.to_owned()))?;
    Ok(paid.elsewhere(&entity, &given) != Some(Atto::ZERO))
}

/// What of these is paid for good.
fn finals(given: &[Payment]) -> u128 {
    let finals = given.iter().filter(|payment| payment.state == PaymentState::Final);
    finals.map(|payment| payment.amount.0).fold(0, u128::saturating_add)
}

/// A payment that is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unpaid<'a> {
    pub(crate) payment: &'a Payment,
    /// How many of its nonces were signed for and have failed for good: so often the signer counts it as paid, and it is not.
    pub(crate) failed: u32,
}

/// What a wallet still has to pay: of what it was given that which is not final and was not taken back, and what is due.
pub(crate) async fn unpaid<'a>(
    store: &dyn Store,
    prizes: &'a Prizes,
    dues: &'a [Payment],
    wallet: &Wallet,
) -> Result<Vec<Unpaid<'a>>, StoreError> {
    let (network, name) = (&wallet.network, &wallet.name);
    let mut all = Vec::new();
    let given = prizes.values().flatten().filter(|payment| payment.wallet == *name);
    for payment in given {
        if matches!(payment.state, PaymentState::Final | PaymentState::Cancelled) {
            continue;
        }
        let mut failed = 0;
        for transfer in store.transfers_of(network, &payment.id).await? {
            if !transfer.state.is_spent() {
                continue;
            }
            let attempts = store.attempts(network, name, transfer.nonce, transfer.nonce).await?;
            let paid = attempts.iter().any(|attempt| attempt.kind != AttemptKind::Cancel);
            failed += u32::from(paid);
        }
        all.push(Unpaid { payment, failed });
    }
    all.extend(dues.iter().map(|payment| Unpaid { payment, failed: 0 }));
    Ok(all)
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

    fn network(kind: NetworkKind, prefix: &str) -> Network {
        Network {
            id: devnet(),
            kind,
            genesis: String::new(),
            genesis_time: Timestamp(0),
            epoch_seconds: 30,
            address_prefix: prefix.to_owned(),
            finality: apogee_domain::Finality { depth: 10, certificates: false },
        }
    }

    fn due_after(list: &PaymentList, prizes: &Prizes, paid: Paid<'_>) -> Result<Vec<(String, u128)>, NoDues> {
        let network = network(NetworkKind::Filecoin, "t");
        let from = From { competition: "sprint", network: &network, wallet: WALLET, now: Timestamp(7) };
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
    fn what_is_less_than_a_smidge_is_paid_to_nobody() {
        let mesh = network(NetworkKind::Spacemesh, "stest");
        let from = From { competition: "sprint", network: &mesh, wallet: WALLET, now: Timestamp(7) };
        let account =
            apogee_spacemesh::address::Address::of(apogee_spacemesh::address::Address([1; 24]), b"ada");
        let address = account.text(apogee_spacemesh::address::Prefix::TEST);
        let payment = |entity: &str, amount| list::Payment {
            entity: entity.parse().unwrap(),
            name: String::new(),
            addresses: vec![address.parse().unwrap()],
            threshold: 1,
            amount: Atto(amount),
        };
        let list = PaymentList::new(vec![payment("ada", 5_000_000_001)], Atto(5_000_000_001)).unwrap();
        let paid = Paid { total: Quantity(0), to: Some(&BTreeMap::new()) };
        let due = dues(&list, &Prizes::new(), paid, &from).unwrap();
        assert_eq!((due[0].amount, due[0].payee.as_str()), (Atto(5_000_000_000), address.as_str()));
        let given = given(&[("ada", 5_000_000_000, PaymentState::Final)]);
        assert!(dues(&list, &given, paid, &from).unwrap().is_empty());
        let progress = |amount| {
            Progress::of(
                payable(Atto(amount), mesh.kind),
                &given[&"ada".parse::<Id>().unwrap()],
                Some(Atto::ZERO),
            )
        };
        assert_eq!(progress(5_000_000_001), Progress::Final);
        assert_eq!(progress(6_000_000_000), Progress::Owed);
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
    fn how_far_a_prize_is_follows_from_its_payments_and_the_ledger() {
        use PaymentState::{Accepted, Cancelled, Failed, Final, Held, Included, Paying};
        let of = |rows: &[(u128, PaymentState)], elsewhere: Option<u128>| {
            let rows: Vec<_> = rows.iter().map(|(amount, state)| ("ada", *amount, *state)).collect();
            let given = given(&rows).remove("ada").unwrap_or_default();
            Progress::of(Atto(70), &given, elsewhere.map(Atto)).as_str()
        };
        assert_eq!(of(&[], Some(0)), "owed");
        assert_eq!(of(&[], Some(69)), "owed");
        assert_eq!(of(&[], Some(70)), "elsewhere");
        assert_eq!(of(&[], None), "unknown");
        for state in [Accepted, Held, Paying] {
            assert_eq!(of(&[(70, state)], Some(0)), "waiting");
        }
        assert_eq!(of(&[(70, Included)], None), "on-chain");
        assert_eq!(of(&[(70, Final)], None), "final");
        assert_eq!(of(&[(60, Final)], Some(0)), "owed", "after an amendment");
        assert_eq!(of(&[(60, Final), (10, Accepted)], Some(0)), "waiting");
        assert_eq!(of(&[(60, Final), (10, Failed)], Some(10)), "failed");
        assert_eq!(of(&[(70, Cancelled)], Some(0)), "taken-back");
        assert_eq!(of(&[(60, Final)], Some(10)), "final");
        assert_eq!(Progress::Final.proposed().as_str(), "proposed", "nobody is said to be paid");
        assert_eq!(Progress::Failed.proposed().as_str(), "failed");
        let sent = super::tests::given(&[("ada", 60, Final), ("bob", 5, Paying)]);
        let recorded: BTreeMap<Id, Quantity> = [("ada".parse().unwrap(), Quantity(70))].into();
        let paid = Paid { total: Quantity(70), to: Some(&recorded) };
        let elsewhere = |paid: Paid<'_>, id: &str| paid.elsewhere(&id.parse().unwrap(), &sent);
        assert_eq!(elsewhere(paid, "ada"), Some(Atto(10)));
        assert_eq!(elsewhere(paid, "bob"), Some(Atto(0)));
        assert_eq!(elsewhere(Paid { total: Quantity(60), to: None }, "ada"), Some(Atto(0)));
        assert_eq!(elsewhere(Paid { total: Quantity(61), to: None }, "ada"), None);
    }

    #[test]
    fn what_failed_or_was_taken_back_is_not_owed_beside_itself() {
        let list = approved(&[("ada", 70), ("bob", 30)]);
        let before = given(&[("ada", 70, PaymentState::Failed), ("bob", 30, PaymentState::Cancelled)]);
        assert_eq!(due(&list, &before).unwrap(), []);
    }
}
