//! Weights: binary fractions, with the rounding that every node of the network shares.
//!
//! Votes are counted in fixed point so that two nodes never differ by a rounding. Where the format of the original
//! (`spacemeshos/fixed`: sign and magnitude of 127 bits, 56 of them behind the point) rounds oddly, so does this.

use std::fmt;

/// Bits behind the point.
const FRACTION: u32 = 56;
/// The first magnitude that does not fit.
const END: u128 = 1 << 127;

/// A weight, or a difference of weights, in units of 2⁻⁵⁶.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(i128);

/// A weight of 2⁷¹ or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a weight does not fit")]
pub struct Overflow;

/// What votes come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sign {
    /// For it.
    Support,
    /// Against it.
    Against,
    /// Neither.
    #[default]
    Abstain,
}

impl Weight {
    /// A whole number.
    #[must_use]
    pub const fn whole(number: u64) -> Self {
        // 64 and 56 bits are fewer than 127.
        Self((number as i128) << FRACTION)
    }

    /// `numerator / denominator`.
    ///
    /// # Errors
    /// [`Overflow`] if the denominator is zero or the quotient does not fit.
    pub fn ratio(numerator: u64, denominator: u64) -> Result<Self, Overflow> {
        let quotient = divide(u128::from(numerator) << FRACTION, u128::from(denominator) << FRACTION);
        quotient.and_then(|raw| i128::try_from(raw).ok()).map(Self).ok_or(Overflow)
    }

    pub(crate) fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    pub(crate) fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }

    /// So many times as much.
    pub(crate) fn times(self, factor: u32) -> Result<Self, Overflow> {
        self.0.checked_mul(i128::from(factor)).map(Self).ok_or(Overflow)
    }

    /// A part of it.
    pub(crate) fn part(self, of: u32) -> Result<Self, Overflow> {
        let magnitude = divide(self.0.unsigned_abs(), u128::from(of) << FRACTION).ok_or(Overflow)?;
        let magnitude = i128::try_from(magnitude).map_err(|_| Overflow)?;
        Ok(Self(if self.0 < 0 { magnitude.saturating_neg() } else { magnitude }))
    }

    /// Whether there is more for than against.
    pub(crate) const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Which way this margin decides: it has to be *more* than the threshold.
    #[must_use]
    pub const fn against(self, threshold: Self) -> Sign {
        if self.0 > 0 && self.0 > threshold.0 {
            Sign::Support
        } else if self.0 < 0 && self.0.saturating_neg() > threshold.0 {
            Sign::Against
        } else {
            Sign::Abstain
        }
    }
}

/// As traces have it: `+8'55555555555555/56`, digits behind the point in hexadecimal.
impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let magnitude = self.0.unsigned_abs();
        let fraction = magnitude & ((1 << FRACTION) - 1);
        write!(f, "{sign}{}'{fraction:014x}/{FRACTION}", magnitude >> FRACTION)
    }
}

/// The quotient of two magnitudes in fixed point. `None` if it does not fit or nothing is divided by.
fn divide(dividend: u128, divisor: u128) -> Option<u128> {
    if divisor == 0 || dividend >= END {
        return None;
    }
    if dividend >> 71 == 0 {
        return Some(quotient(dividend << FRACTION, divisor).0);
    }
    // Too large to be moved by the whole fraction: whole part first, and what is left as far as it can be moved.
    let (whole, rest) = quotient(dividend, divisor);
    if whole >> 71 != 0 {
        return None;
    }
    let moved = rest.leading_zeros().saturating_sub(1).min(FRACTION);
    let (fraction, _) = quotient(rest << moved, divisor >> (FRACTION - moved));
    (whole << FRACTION).checked_add(fraction).filter(|sum| *sum < END)
}

/// Quotient and rest of integers as the original has them. By a divisor of more than 64 bits it guesses one less than
/// the leading bits say, and corrects the guess where the rest is more than the divisor: so an exact division is
/// one low, with the divisor as its rest.
fn quotient(dividend: u128, divisor: u128) -> (u128, u128) {
    if divisor >> 64 == 0 {
        return (dividend / divisor, dividend % divisor);
    }
    let shift = divisor.leading_zeros();
    let leading = (divisor << shift) >> 64;
    let guess = ((dividend / leading) >> (64 - shift)).saturating_sub(1);
    // The guess is at most the quotient, so neither of these can overflow.
    let rest = dividend.saturating_sub(guess.saturating_mul(divisor));
    if rest > divisor { (guess.saturating_add(1), rest.saturating_sub(divisor)) } else { (guess, rest) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNIT: i128 = 1 << FRACTION;

    #[test]
    fn shown_as_traces_have_it() {
        assert_eq!(Weight::default().to_string(), "+0'00000000000000/56");
        assert_eq!(Weight::whole(100).part(3).unwrap().part(4).unwrap().to_string(), "+8'55555555555555/56");
        assert_eq!(Weight(-UNIT - 1).to_string(), "-1'00000000000001/56");
    }

    /// 512 parts of 256: exact, and one low, as the original has it. By a smaller divisor it is exact.
    #[test]
    fn an_exact_division_by_256_and_more_is_one_low() {
        assert_eq!(Weight::ratio(512, 256), Ok(Weight(2 * UNIT - 1)));
        assert_eq!(Weight::ratio(510, 255), Ok(Weight(2 * UNIT)));
        assert_eq!(Weight::whole(4_032).part(4_032), Ok(Weight(UNIT - 1)));
        assert_eq!(Weight::ratio(1 << 20, 256), Ok(Weight((4_096 * UNIT) - 1)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Weight::ratio(1, 0), Err(Overflow));
        assert_eq!(Weight::whole(u64::MAX).times(256), Err(Overflow));
        assert_eq!(Weight(i128::MAX).plus(Weight(1)), Err(Overflow));
        assert_eq!(Weight(i128::MIN).minus(Weight(1)), Err(Overflow));
        assert_eq!(Weight(i128::MAX).part(1), Ok(Weight(i128::MAX)));
    }

    #[test]
    fn thresholds_are_strict() {
        let three = Weight::whole(3);
        assert_eq!(three.against(three), Sign::Abstain);
        assert_eq!(Weight(3 * UNIT + 1).against(three), Sign::Support);
        assert_eq!(Weight(-3 * UNIT - 1).against(three), Sign::Against);
        assert_eq!(Weight::default().against(Weight::default()), Sign::Abstain);
    }

    proptest! {
        /// Never more than the true quotient, and less by no more than two units of the last place.
        #[test]
        fn quotients_are_true_but_for_the_last_place(numerator in 0..1_u64 << 40, denominator in 1..1_u64 << 40) {
            let Weight(raw) = Weight::ratio(numerator, denominator).unwrap();
            let exact = (i128::from(numerator) << FRACTION) / i128::from(denominator);
            prop_assert!((exact - 2..=exact).contains(&raw), "{raw} is not {exact}");
        }

        #[test]
        fn small_divisors_are_exact(weight in 0..1_i128 << 126, of in 1..256_u32) {
            prop_assume!(weight / i128::from(of) < 1 << 126);
            prop_assert_eq!(Weight(weight).part(of).unwrap().0, weight / i128::from(of));
        }
    }
}
