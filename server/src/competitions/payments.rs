use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_competition::{Competition, Final, Hex, payout_commitment};
use apogee_domain::{Atto, Digest, Network};
use apogee_package::payout::{Address, AuditTree, InvalidAddress, Payment, PaymentList, Unpayable};
use apogee_rules::{Id, Quantity};
use serde::Deserialize;

use super::ground::Ground;
use super::held::Held;
use super::prizes::whole_smidge;
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
    /// What hid the address, where the entity has committed to it and it is not opened yet.
    #[serde(default)]
    salt: Option<Hex<32>>,
}

impl Destination {
    /// Whether this is the address that hashes to a commitment.
    fn opens(&self, commitment: &Digest) -> bool {
        let (Some(salt), [address], 1) = (&self.salt, self.addresses.as_slice(), self.threshold) else {
            return false;
        };
        payout_commitment(salt, address) == *commitment
    }
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
    /// The entity has said by signature where it is paid.
    #[error(
        "{0} has committed to an address: it is paid there and nowhere else; give that address with its salt, or let it be opened"
    )]
    Committed(Id),
    /// Nobody knows where to pay.
    #[error("{count} entities have no payout address on the network: {named}")]
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

/// Where an entity is paid: where it has committed to, and where it has not, what an operator says.
fn destination(
    competition: &Competition,
    entity: &Id,
    given: Option<&Destination>,
) -> Result<Option<Destination>, NoPayments> {
    let competitor = competition.entities().get(entity);
    let opened = competitor.and_then(|competitor| competitor.address.clone());
    let committed = || NoPayments::Committed(entity.clone());
    match (opened, competitor.and_then(|competitor| competitor.payout), given) {
        (Some(address), _, None) => {
            Ok(Some(Destination { addresses: vec![address], threshold: 1, salt: None }))
        }
        (Some(address), _, Some(given))
            if given.addresses == std::slice::from_ref(&address) && given.threshold == 1 =>
        {
            Ok(Some(given.clone()))
        }
        (Some(_), _, Some(_)) => Err(committed()),
        (None, Some(commitment), Some(given)) if given.opens(&commitment) => Ok(Some(given.clone())),
        (None, Some(_), Some(_)) => Err(committed()),
        (None, _, given) => Ok(given.cloned()),
    }
}

/// Who is paid what. An address that a miner has signed goes before any that is given; one that `network` does not have is none. What can be moved of an amount is
/// paid: on Spacemesh whole smidge, so that what is approved can be paid to the last of it.
pub(crate) fn payments(
    stood: &Stood,
    competition: &Competition,
    given: &BTreeMap<Id, Destination>,
    missing: Missing,
    network: Option<&Network>,
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
        let Some(destination) = destination(competition, entity, given.get(entity))? else {
            withheld.push((entity.clone(), payout.total));
            continue;
        };
        let read = |text: &String| text.parse::<Address>();
        let addresses = destination.addresses.iter().map(read).collect::<Result<_, _>>();
        let addresses: Vec<Address> =
            addresses.map_err(|cause| NoPayments::Address { entity: entity.clone(), cause })?;
        if network.is_some_and(|network| addresses.iter().any(|address| address.on(network).is_none())) {
            withheld.push((entity.clone(), payout.total));
            continue;
        }
        let amount = if addresses.iter().any(Address::is_spacemesh) { whole_smidge(amount) } else { amount };
        if amount == Atto::ZERO {
            continue;
        }
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
