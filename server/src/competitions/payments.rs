use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_competition::{Competition, Final};
use apogee_domain::{Atto, Digest};
use apogee_package::payout::{Address, AuditTree, InvalidAddress, Payment, PaymentList, Unpayable};
use apogee_rules::{Id, Quantity};
use serde::Deserialize;

use super::ground::Ground;
use super::held::Held;
use super::stood::{NoStandings, Stands, Stood, Triple};

/// Entities that are named before the rest is counted.
const NAMED: usize = 5;

/// Where an entity is paid, as an operator says it besides what the ledger shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    /// One address, or the signers of a multisig that is made for it.
    addresses: Vec<String>,
    /// How many of them sign.
    #[serde(default = "one")]
    threshold: u32,
}

const fn one() -> u32 {
    1
}

/// What becomes of whoever has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is no list without it.
    Refused,
    /// It is left out, and said to be.
    Withheld,
}

/// Who is paid what by final standings.
#[derive(Clone, Debug)]
pub(crate) struct Payments {
    /// The list.
    pub(crate) list: PaymentList,
    /// The root of its audit tree, which is what is approved.
    pub(crate) root: Digest,
    /// Who has no address, and is owed so much.
    pub(crate) withheld: Vec<(Id, Quantity)>,
    /// What the standings pay in all: the list and what is withheld.
    pub(crate) owed: Quantity,
}

/// Why nobody can be paid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPayments {
    /// Results are not final.
    #[error("there are no final standings yet")]
    NotFinal,
    /// Final standings cannot be computed again.
    #[error(transparent)]
    Standings(#[from] NoStandings),
    /// Other standings come out than were final.
    #[error("final standings have the root {pinned}, but {found} comes out: the facts have changed")]
    Root { pinned: Digest, found: Digest },
    /// An address is none.
    #[error("{entity}")]
    Address {
        entity: Id,
        #[source]
        cause: InvalidAddress,
    },
    /// Nobody knows where to pay.
    #[error("{count} entities have no payout address: {named}")]
    Unaddressed { count: usize, named: String },
    /// There is an address for somebody who is owed nothing.
    #[error("{0} is owed nothing, and has an address in the file")]
    Stranger(Id),
    /// It is no list.
    #[error(transparent)]
    Unpayable(#[from] Unpayable),
}

/// The final standings that hold, computed again.
pub(crate) async fn final_standings<'a>(
    stands: &Stands,
    held: &'a Held,
    ground: &Ground,
) -> Result<(&'a Final, Arc<Stood>), NoPayments> {
    let last = held.competition().finals().last().ok_or(NoPayments::NotFinal)?;
    let triple = Triple { at: last.pin.at, rules: last.pin.rules, seq: last.pin.seq };
    let stood = stands.stand(held, ground, triple).await?;
    let (pinned, found) = (last.pin.root, stood.standings.root);
    if pinned == found { Ok((last, stood)) } else { Err(NoPayments::Root { pinned, found }) }
}

/// Who is paid what: addresses that are given go before those that the ledger shows.
pub(crate) fn payments(
    stood: &Stood,
    competition: &Competition,
    given: &BTreeMap<Id, Destination>,
    missing: Missing,
) -> Result<Payments, NoPayments> {
    let owed: Vec<_> = stood.standings.payouts.iter().filter(|payout| payout.total.0 > 0).collect();
    if let Some(stranger) = given.keys().find(|id| !owed.iter().any(|payout| payout.entity == **id)) {
        return Err(NoPayments::Stranger(stranger.clone()));
    }
    let (mut list, mut withheld) = (Vec::new(), Vec::new());
    let (mut sum, mut paid) = (Atto::ZERO, Atto::ZERO);
    for payout in owed {
        let amount = Atto(payout.total.0);
        sum = sum.checked_add(amount).ok_or(Unpayable::Overflow)?;
        let entity = &payout.entity;
        let shown = competition.entities().get(entity).and_then(|entity| entity.address.clone());
        let shown = || shown.map(|address| Destination { addresses: vec![address], threshold: 1 });
        let Some(destination) = given.get(entity).cloned().or_else(shown) else {
            withheld.push((entity.clone(), payout.total));
            continue;
        };
        let read = |text: &String| text.parse::<Address>();
        let addresses = destination.addresses.iter().map(read).collect::<Result<_, _>>();
        let addresses = addresses.map_err(|cause| NoPayments::Address { entity: entity.clone(), cause })?;
        paid = paid.checked_add(amount).ok_or(Unpayable::Overflow)?;
        let name = stood.entities.list().iter().find(|other| other.id == *entity);
        let name = name.map(|entity| entity.name.to_string()).unwrap_or_default();
        list.push(Payment {
            entity: entity.clone(),
            name,
            addresses,
            threshold: destination.threshold,
            amount,
        });
    }
    if missing == Missing::Refused && !withheld.is_empty() {
        let named: Vec<_> = withheld.iter().take(NAMED).map(|(id, _)| id.to_string()).collect();
        let more = if withheld.len() > NAMED { ", …" } else { "" };
        return Err(NoPayments::Unaddressed { count: withheld.len(), named: named.join(", ") + more });
    }
    let list = PaymentList::new(list, paid)?;
    Ok(Payments { root: AuditTree::new(&list).root(), list, withheld, owed: Quantity(sum.0) })
}
