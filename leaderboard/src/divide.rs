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

/// Winners who divide something, by id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claims<'c> {
    claims: &'c [Claim],
    /// Among how many the last places are split.
    among: u32,
}

impl<'c> Claims<'c> {
    pub(crate) fn new(claims: &'c [Claim]) -> Self {
        Self { claims, among: claims.iter().map(|claim| claim.wins.among).max().unwrap_or(1) }
    }

    /// A weight in whole numbers: everything times the number among whom places are split.
    pub(crate) fn weight(self, claim: &Claim) -> BigUint {
        let times = if claim.wins.among == self.among { claim.wins.places } else { self.among };
        BigUint::from(claim.weight) * times
    }

    fn weights(self) -> impl Iterator<Item = BigUint> + use<'c> {
        self.claims.iter().map(move |claim| self.weight(claim))
    }
}

/// Divide among claims that come by id; `None` where the weights add up to 2¹²⁸ or more.
pub(crate) fn divide(terms: Terms, claims: &[Claim]) -> Option<Division> {
    let claims = Claims::new(claims);
    let total: BigUint = claims.weights().sum();
    if &total >> 128_u32 >= BigUint::from(claims.among) {
        return None;
    }
    let cap = terms.cap.map(|cap| cap_of(terms.amount, cap));
    let mut rounds = vec![Round { remaining: terms.amount, total }];
    let mut capped = vec![false; claims.claims.len()];
    if let (Some(cap), Some(rule)) = (cap, terms.cap) {
        match rule.excess {
            CapExcess::Redistribute => refill(claims, cap, &mut rounds, &mut capped),
            CapExcess::Undistributed => {
                for ((weight, capped), round) in claims.weights().zip(&mut capped).zip(rounds.iter().cycle())
                {
                    *capped = round.exceeds(&weight, cap);
                }
            }
        }
    }
    let mut shares = round_off(terms, claims, cap, rounds.last()?, &capped);
    for share in shares.iter_mut().filter(|share| **share < terms.floor) {
        *share = 0;
    }
    Some(Division { shares, cap, rounds })
}

/// `⌊amount × share⌋`.
fn cap_of(amount: u128, cap: Cap) -> u128 {
    let product = BigUint::from(amount) * cap.share.numerator() / cap.share.denominator();
    u128::try_from(product).unwrap_or(u128::MAX)
}

/// Let those whose share exceeds the cap leave with it, and divide what remains again. The largest weights leave first.
fn refill(claims: Claims<'_>, cap: u128, rounds: &mut Vec<Round>, capped: &mut [bool]) {
    let mut order: Vec<(usize, BigUint)> = claims.weights().enumerate().collect();
    order.sort_by(|(_, left), (_, right)| right.cmp(left));
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
    claims: Claims<'_>,
    cap: Option<u128>,
    round: &Round,
    capped: &[bool],
) -> Vec<u128> {
    let mut shares = Vec::with_capacity(capped.len());
    let mut rests = Vec::new();
    let (mut given, mut open) = (0_u128, BigUint::ZERO);
    for ((weight, capped), index) in claims.weights().zip(capped).zip(0_u32..) {
        if *capped {
            shares.push(cap.unwrap_or(0));
            continue;
        }
        let (share, rest) = round.share(&weight);
        shares.push(share);
        if terms.rounding == Rounding::LargestRemainder {
            given += share;
            open += weight;
            rests.push((Reverse(parts(&rest)), index));
        }
    }
    if terms.rounding == Rounding::LargestRemainder {
        let mut left = round.share(&open).0 - given;
        rests.sort_unstable();
        for (_, index) in rests {
            match shares.get_mut(index as usize) {
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

/// A number below 2¹⁹² without room of its own, in its order: a weight is below 2¹²⁸ × 2³².
fn parts(number: &BigUint) -> [u64; 3] {
    let mut digits = number.iter_u64_digits();
    let mut next = || digits.next().unwrap_or(0);
    let (low, middle, high) = (next(), next(), next());
    [high, middle, low]
}
