use std::sync::Arc;

use apogee_rules::{Id, Problem, Quantity};
use num_bigint::BigUint;

use crate::document::problem;
use crate::pool::Paid;
use crate::stand::Stage;
use crate::standings::{Payout, PayoutPart};

/// What each is owed: shares in the order of the pools, then awards by number (`docs/rules.md` §11).
pub(crate) fn payouts(stage: &Stage<'_>, paid: &[Paid<'_>]) -> Result<Vec<Payout>, Problem> {
    let names: Vec<(Arc<Id>, Option<Arc<Id>>)> = paid
        .iter()
        .map(|paid| (Arc::new(paid.pool.id.clone()), paid.region.map(|region| Arc::new(region.clone()))))
        .collect();
    let shares = paid.iter().zip(&names).flat_map(|(paid, (pool, region))| {
        paid.shares.iter().map(move |(competitor, amount)| {
            let amount = Quantity(*amount);
            (*competitor, PayoutPart::Share { amount, pool: Arc::clone(pool), region: region.clone() })
        })
    });
    let awards = stage.effects.awards.iter().filter(|(_, (_, amount))| *amount > 0).filter_map(
        |(seq, (id, amount))| {
            let place = stage.field.list.binary_search_by(|competitor| competitor.id.cmp(id)).ok()?;
            Some((u32::try_from(place).ok()?, PayoutPart::Award { amount: Quantity(*amount), award: *seq }))
        },
    );
    let mut parts: Vec<(u32, PayoutPart)> = shares.chain(awards).collect();
    // Stable: the parts of one entity stay in their order.
    parts.sort_by_key(|(competitor, _)| *competitor);

    let mut payouts: Vec<Payout> = Vec::new();
    let mut last = None;
    for (competitor, part) in parts {
        let Some(id) = stage.field.list.get(competitor as usize).map(|competitor| competitor.id) else {
            continue;
        };
        if last != Some(competitor) {
            payouts.push(Payout { entity: id.clone(), parts: Vec::with_capacity(1), total: Quantity::ZERO });
            last = Some(competitor);
        }
        if let Some(payout) = payouts.last_mut() {
            let total = payout.total.0.checked_add(part.amount().0);
            let too_large = || problem(format_args!("payouts.{id}"), "its parts add up to 2^128 or more");
            payout.total = Quantity(total.ok_or_else(too_large)?);
            payout.parts.push(part);
        }
    }
    Ok(payouts)
}

impl PayoutPart {
    /// How much it is, in atto.
    #[must_use]
    pub const fn amount(&self) -> Quantity {
        match self {
            Self::Share { amount, .. } | Self::Award { amount, .. } => *amount,
        }
    }
}

/// What is vested of an amount, in atto, when so many epochs of a linear vesting over `duration` have passed; all of it where it lasts no time.
#[must_use]
pub fn vested(amount: Quantity, elapsed: u64, duration: u64) -> Quantity {
    if elapsed >= duration {
        return amount;
    }
    let vested = BigUint::from(amount.0) * elapsed / duration;
    Quantity(u128::try_from(vested).unwrap_or(amount.0))
}
