use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Digest;
use apogee_rules::{Id, Quantity};
use num_bigint::BigUint;
use serde::{Serialize, Serializer};

use crate::Standings;
use crate::measure::Fraction;

/// What another rule, decision or epoch does to everybody: two standings side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Root of the standings before.
    pub before: Digest,
    /// Root of the standings after.
    pub after: Digest,
    /// How concentrated the money was, and is.
    pub concentration: (Concentration, Concentration),
    /// Everybody who is in either of the standings, by id.
    pub entities: Vec<EntityChange>,
}

/// What changes for one competitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntityChange {
    /// Who.
    pub entity: Id,
    /// Whether it was eligible, and is; `None` where it does not compete.
    pub eligible: (Option<bool>, Option<bool>),
    /// What it was owed, and is, in atto.
    pub amount: (Quantity, Quantity),
    /// Its ranks, in the order of the boards.
    pub ranks: Vec<RankChange>,
}

/// What changes in one list of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RankChange {
    /// The board.
    pub board: Id,
    /// The region, where the board is divided by region.
    pub region: Option<Id>,
    /// The rank before; `None` where there was none.
    pub before: Option<u64>,
    /// The rank after; `None` where there is none.
    pub after: Option<u64>,
}

/// How the payouts lie among those who are paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Concentration {
    /// The sum of all payouts, in atto.
    pub paid: Quantity,
    /// How many are paid.
    pub entities: u64,
    /// Part of the sum that the ten largest payouts make; `None` where nobody is paid.
    #[serde(serialize_with = "fraction")]
    pub top_ten: Option<Fraction>,
    /// Gini coefficient of the payouts: 0 where all are equal.
    #[serde(serialize_with = "fraction")]
    pub gini: Option<Fraction>,
    /// The fewest who together get more than half of the sum; 0 where nobody is paid.
    pub nakamoto: u64,
}

impl EntityChange {
    /// Whether anything is different.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.eligible.0 != self.eligible.1
            || self.amount.0 != self.amount.1
            || self.ranks.iter().any(|rank| rank.before != rank.after)
    }
}

/// Compare two standings of one competition.
#[must_use]
pub fn compare(before: &Standings, after: &Standings) -> Comparison {
    let (old, new) = (ranks(before), ranks(after));
    let ids: BTreeSet<&Id> = before.entities.iter().chain(&after.entities).map(|row| &row.id).collect();
    let entities = ids.into_iter().map(|id| {
        let eligible = |standings: &Standings| standings.entity(id.as_str()).map(|row| row.eligible);
        let amount = |standings: &Standings| {
            standings.payout(id.as_str()).map_or(Quantity::ZERO, |payout| payout.total)
        };
        EntityChange {
            entity: id.clone(),
            eligible: (eligible(before), eligible(after)),
            amount: (amount(before), amount(after)),
            ranks: places(old.get(id), new.get(id)),
        }
    });
    Comparison {
        before: before.root,
        after: after.root,
        entities: entities.collect(),
        concentration: (Concentration::of(before), Concentration::of(after)),
    }
}

type Place<'a> = (&'a Id, Option<&'a Id>, Option<u64>);

/// Where everybody stands, in the order of the boards.
fn ranks(standings: &Standings) -> BTreeMap<&Id, Vec<Place<'_>>> {
    let mut ranks: BTreeMap<&Id, Vec<Place<'_>>> = BTreeMap::new();
    for list in &standings.boards {
        for row in &list.rows {
            ranks.entry(&row.entity).or_default().push((&list.board, list.region.as_ref(), row.rank));
        }
    }
    ranks
}

/// The lists of either side: those of the newer one in its order, then those that are gone.
fn places(before: Option<&Vec<Place<'_>>>, after: Option<&Vec<Place<'_>>>) -> Vec<RankChange> {
    let (before, after) =
        (before.map(Vec::as_slice).unwrap_or_default(), after.map(Vec::as_slice).unwrap_or_default());
    let rank = |places: &[Place<'_>], of: &Place<'_>| {
        places.iter().find(|place| (place.0, place.1) == (of.0, of.1)).and_then(|place| place.2)
    };
    let gone = before.iter().filter(|old| !after.iter().any(|new| (new.0, new.1) == (old.0, old.1)));
    let of = |place: &Place<'_>| RankChange {
        board: place.0.clone(),
        region: place.1.cloned(),
        before: rank(before, place),
        after: rank(after, place),
    };
    after.iter().chain(gone).map(of).collect()
}

impl Concentration {
    /// Concentration of the payouts of standings.
    #[must_use]
    pub fn of(standings: &Standings) -> Self {
        let mut amounts: Vec<u128> = standings.payouts.iter().map(|payout| payout.total.0).collect();
        amounts.sort_unstable();
        let sum: BigUint = amounts.iter().sum();
        let largest = || amounts.iter().rev();
        let top: BigUint = largest().take(10).sum();
        // Gini = Σ (2i − n − 1)·xᵢ / (n·Σx) over ascending amounts, i from 1; its positive and negative parts apart.
        let count = BigUint::from(amounts.len());
        let weighted: BigUint =
            (1_u32..).zip(&amounts).map(|(i, amount)| BigUint::from(2 * i) * *amount).sum();
        let even = (&count + 1_u32) * &sum;
        let mut rest = BigUint::ZERO;
        let half = |part: &&u128| {
            let reached = &rest * 2_u32 > sum;
            rest += **part;
            !reached
        };
        let nakamoto = largest().take_while(half).count() as u64;
        Self {
            entities: amounts.len() as u64,
            top_ten: Fraction::new(top, sum.clone()),
            gini: Fraction::new(if weighted > even { weighted - even } else { BigUint::ZERO }, count * &sum),
            nakamoto,
            paid: Quantity(u128::try_from(sum).unwrap_or(u128::MAX)),
        }
    }
}

fn fraction<S: Serializer>(fraction: &Option<Fraction>, serializer: S) -> Result<S::Ok, S::Error> {
    match fraction {
        Some(fraction) => serializer.collect_str(fraction),
        None => serializer.serialize_none(),
    }
}
