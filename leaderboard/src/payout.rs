use apogee_rules::{Problem, Quantity};
use num_bigint::BigUint;

use crate::document::problem;
use crate::pool::Paid;
use crate::standings::{EntityRow, Payout, PayoutPart};

/// What each is owed: shares in the order of the pools, then awards by number (`docs/rules.md` §11).
///
/// `awards`: places of entities, numbers of decisions and amounts.
pub(crate) fn payouts(
    rows: &[EntityRow],
    paid: &[Paid<'_>],
    awards: &[(u32, u64, u128)],
) -> Result<Vec<Payout>, Problem> {
    // Where the parts are, by entity: they themselves are made in their last place.
    let shares = paid.iter().zip(0_u32..).flat_map(|(paid, pool)| {
        let places = paid.shares.iter().map(|(competitor, _)| *competitor).zip(0_u32..);
        places.map(move |(competitor, share)| (competitor, pool, share))
    });
    let beside = awards.iter().map(|(competitor, ..)| *competitor).zip(0_u32..);
    let beside = beside.map(|(competitor, award)| (competitor, u32::MAX, award));
    let mut places: Vec<(u32, u32, u32)> = shares.chain(beside).collect();
    places.sort_unstable();

    let part = |(_, pool, place): &(u32, u32, u32)| match paid.get(*pool as usize) {
        Some(paid) => {
            let amount = Quantity(paid.shares.get(*place as usize)?.1);
            Some(PayoutPart::Share { amount, pool: paid.pool.id.clone(), region: paid.region.cloned() })
        }
        None => {
            let (_, award, amount) = *awards.get(*place as usize)?;
            Some(PayoutPart::Award { amount: Quantity(amount), award })
        }
    };
    let payout = |places: &[(u32, u32, u32)]| {
        let entity = &rows.get(places.first()?.0 as usize)?.id;
        let mut parts = Vec::with_capacity(places.len());
        parts.extend(places.iter().filter_map(part));
        let total = parts.iter().try_fold(0_u128, |sum, part| sum.checked_add(part.amount().0));
        let too_large = || problem(format_args!("payouts.{entity}"), "its parts add up to 2^128 or more");
        let total = total.map(Quantity).ok_or_else(too_large);
        Some(total.map(|total| Payout { entity: entity.clone(), parts, total }))
    };
    let count = places.chunk_by(|left, right| left.0 == right.0).count();
    let mut payouts = Vec::with_capacity(count);
    for places in places.chunk_by(|left, right| left.0 == right.0) {
        payouts.extend(payout(places).transpose()?);
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
