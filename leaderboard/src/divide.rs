use std::cmp::Reverse;

use apogee_rules::{Cap, CapExcess, Rounding};
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Zero;

use crate::board::Wins;

/// A winner who takes part in a division.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) weight: u128,
    pub(crate) wins: Wins,
}

/// What is divided, and how (`docs/rules.md` §10.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) amount: u128,
    pub(crate) rounding: Rounding,
    pub(crate) cap: Option<Cap>,
    pub(crate) floor: u128,
}

/// What everybody gets.
#[derive(Debug)]
pub(crate) struct Division {
    /// For each claim.
    pub(crate) shares: Vec<u128>,
    /// Most that one share can be.
    pub(crate) cap: Option<u128>,
    /// The divisions that were tried; the last one holds for those whom no round capped.
    pub(crate) rounds: Vec<Round>,
}

/// So much among weights that add up to so much; who would get more than the cap is capped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) remaining: u128,
    pub(crate) total: BigUint,
}

impl Round {
    /// A weight's share, rounded down, and what is left over in parts of `total`.
    pub(crate) fn share(&self, weight: &BigUint) -> (u128, BigUint) {
        if self.total.is_zero() {
            return (0, BigUint::ZERO);
        }
        let (share, rest) = (weight * self.remaining).div_rem(&self.total);
        // No weight is more than all of them.
        (u128::try_from(share).unwrap_or(self.remaining), rest)
    }

    /// Whether a weight's exact share is above the cap.
    pub(crate) fn exceeds(&self, weight: &BigUint, cap: u128) -> bool {
        weight * self.remaining > &self.total * cap
    }
}

/// Among how many a list's last places are split.
fn among(claims: &[Claim]) -> u32 {
    claims.iter().map(|claim| claim.wins.among).max().unwrap_or(1)
}

/// Weights in whole numbers: everything times the number among whom places are split.
pub(crate) fn weights(claims: &[Claim]) -> Vec<BigUint> {
    let among = among(claims);
    let times = |claim: &Claim| if claim.wins.among == among { claim.wins.places } else { among };
    claims.iter().map(|claim| BigUint::from(claim.weight) * times(claim)).collect()
}

/// Divide among claims that come by id; `None` where the weights add up to 2¹²⁸ or more.
pub(crate) fn divide(terms: Terms, claims: &[Claim]) -> Option<Division> {
    let weights = weights(claims);
    let total: BigUint = weights.iter().sum();
    if &total >> 128_u32 >= BigUint::from(among(claims)) {
        return None;
    }
    let cap = terms.cap.map(|cap| cap_of(terms.amount, cap));
    let mut rounds = vec![Round { remaining: terms.amount, total }];
    let redistribute = terms.cap.is_some_and(|cap| cap.excess == CapExcess::Redistribute);
    let mut capped = vec![false; weights.len()];
    if let Some(cap) = cap {
        if redistribute {
            refill(&weights, cap, &mut rounds, &mut capped);
        } else if let Some(round) = rounds.last() {
            for (weight, capped) in weights.iter().zip(&mut capped) {
                *capped = round.exceeds(weight, cap);
            }
        }
    }
    let mut shares = round_off(terms, &weights, cap, rounds.last(), &capped);
    for share in shares.iter_mut().filter(|share| **share < terms.floor) {
        *share = 0;
    }
    Some(Division { shares, cap, rounds })
}

/// `⌊amount × share⌋`.
pub(crate) fn cap_of(amount: u128, cap: Cap) -> u128 {
    let product = BigUint::from(amount) * cap.share.numerator() / cap.share.denominator();
    u128::try_from(product).unwrap_or(u128::MAX)
}

/// Let those whose share exceeds the cap leave with it, and divide what remains again. The largest weights leave first.
fn refill(weights: &[BigUint], cap: u128, rounds: &mut Vec<Round>, capped: &mut [bool]) {
    let mut order: Vec<(usize, &BigUint)> = weights.iter().enumerate().collect();
    order.sort_by_key(|(_, weight)| Reverse(*weight));
    let mut order = order.into_iter().peekable();
    while let Some(round) = rounds.last().cloned() {
        let mut next = round.clone();
        while let Some((index, weight)) = order.next_if(|(_, weight)| round.exceeds(weight, cap)) {
            if let Some(capped) = capped.get_mut(index) {
                *capped = true;
            }
            // Each one's share of what remained was above the cap, so that there is enough for all of them.
            next.remaining = next.remaining.saturating_sub(cap);
            next.total -= weight;
        }
        if next == round {
            break;
        }
        rounds.push(next);
    }
}

fn round_off(
    terms: Terms,
    weights: &[BigUint],
    cap: Option<u128>,
    round: Option<&Round>,
    capped: &[bool],
) -> Vec<u128> {
    let Some(round) = round else { return Vec::new() };
    let mut shares = Vec::with_capacity(weights.len());
    let mut rests = Vec::new();
    let (mut given, mut open) = (0_u128, BigUint::ZERO);
    for (index, (weight, capped)) in weights.iter().zip(capped).enumerate() {
        if *capped {
            shares.push(cap.unwrap_or(0));
            continue;
        }
        let (share, rest) = round.share(weight);
        shares.push(share);
        if terms.rounding == Rounding::LargestRemainder {
            given += share;
            open += weight;
            rests.push((Reverse(rest), index));
        }
    }
    if terms.rounding == Rounding::LargestRemainder {
        let mut left = round.share(&open).0 - given;
        rests.sort_unstable();
        for (_, index) in rests {
            match shares.get_mut(index) {
                Some(share) if left > 0 && cap.is_none_or(|cap| *share < cap) => {
                    *share += 1;
                    left -= 1;
                }
                _ => {}
            }
        }
    }
    shares
}
