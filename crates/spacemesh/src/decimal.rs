//! Decimal arithmetic of 34 digits, rounded half to even after each step: IEEE 754 decimal128's precision, in which
//! subsidies are defined.

use num_bigint::BigUint;
use num_traits::{One, Zero};

/// Digits that a number keeps.
const PRECISION: u32 = 34;
/// Places behind the point in which the exponential is worked out before it is rounded. The smallest result that is
/// asked for has 36 zeros there.
const PLACES: u32 = 100;
/// From here on one minus the exponential is one in 34 digits.
const NOTHING_LEFT: u32 = 81;
/// How often an exponent is halved before it is small.
const HALVINGS: u32 = 8;

/// A number that is not negative: `digits · 10^-places`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: BigUint,
    places: u32,
}

fn power_of_ten(exponent: u32) -> BigUint {
    BigUint::from(10_u32).pow(exponent)
}

impl Decimal {
    /// `digits · 10^-places`.
    pub(crate) fn new(digits: u128, places: u32) -> Self {
        Self { digits: digits.into(), places }
    }

    fn one() -> Self {
        Self { digits: BigUint::one(), places: 0 }
    }

    /// The product, rounded.
    pub(crate) fn times(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, places: self.places + other.places }.rounded()
    }

    /// One minus this, rounded; zero for what is more than one.
    pub(crate) fn complement(&self) -> Self {
        let one = power_of_ten(self.places);
        let digits = if self.digits < one { one - &self.digits } else { BigUint::zero() };
        Self { digits, places: self.places }.rounded()
    }

    /// The whole part; `None` where it does not fit.
    pub(crate) fn whole(&self) -> Option<u64> {
        (&self.digits / power_of_ten(self.places)).try_into().ok()
    }

    /// `1 - e^-self`: the exponential rounded first, the difference after.
    pub(crate) fn decayed(&self) -> Self {
        match self.exponential() {
            Some(exponential) => exponential.complement(),
            None => Self::one(),
        }
    }

    /// `e^-self`, rounded; `None` where it makes no difference to one.
    fn exponential(&self) -> Option<Self> {
        let scale = power_of_ten(PLACES);
        let exponent = &self.digits * &scale / power_of_ten(self.places);
        if exponent >= &scale * NOTHING_LEFT {
            return None;
        }
        // e^x for a small x by its series, all of whose terms are positive; then squared as often as x was halved.
        let small = exponent >> HALVINGS;
        let (mut sum, mut term) = (scale.clone(), scale.clone());
        let mut index = 0_u32;
        while !term.is_zero() {
            index += 1;
            term = term * &small / (&scale * index);
            sum += &term;
        }
        for _ in 0..HALVINGS {
            sum = &sum * &sum / &scale;
        }
        Some(Self { digits: &scale * &scale / sum, places: PLACES }.rounded())
    }

    /// In 34 digits, half to even.
    fn rounded(self) -> Self {
        let length = u32::try_from(self.digits.to_str_radix(10).len()).unwrap_or(u32::MAX);
        // What would be rounded in front of the point has no place in these sums: amounts have 19 digits.
        let cut = length.saturating_sub(PRECISION).min(self.places);
        let unit = power_of_ten(cut);
        let (mut digits, rest) = (&self.digits / &unit, &self.digits % &unit);
        let twice = rest * 2_u32;
        if twice > unit || (twice == unit && digits.bit(0)) {
            digits += 1_u32;
        }
        Self { digits, places: self.places - cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_goes_to_the_even_digit() {
        let rounded = |digits: u128, places| Decimal::new(digits, places).rounded();
        let odd = 1_000_000_000_000_000_000_000_000_000_000_001;
        assert_eq!(rounded(odd * 10 + 5, 34), Decimal::new(odd + 1, 33));
        assert_eq!(rounded((odd + 1) * 10 + 5, 34), Decimal::new(odd + 1, 33));
        assert_eq!(rounded((odd + 1) * 100 + 51, 35), Decimal::new(odd + 2, 33));
        assert_eq!(rounded(odd * 10 + 4, 34), Decimal::new(odd, 33));
        // A carry makes a digit more, and no zero is dropped that the value needs.
        assert_eq!(
            rounded(99_999_999_999_999_999_999_999_999_999_999_995, 35),
            Decimal::new(10_u128.pow(34), 34)
        );
        assert_eq!(rounded(5, 3), Decimal::new(5, 3));
    }

    #[test]
    fn exponentials_have_34_digits() {
        // e^-1, e^-0.5 and e^-80 by an independent decimal library.
        let digits = |number: &Decimal| (number.digits.to_string(), number.places);
        let e = Decimal::new(1, 0).exponential().unwrap();
        assert_eq!(digits(&e), ("3678794411714423215955237701614609".to_owned(), 34));
        let e = Decimal::new(5, 1).exponential().unwrap();
        assert_eq!(digits(&e), ("6065306597126334236037995349911805".to_owned(), 34));
        let e = Decimal::new(80, 0).exponential().unwrap();
        assert_eq!(digits(&e), ("1804851387845415172312128357350027".to_owned(), 68));
        assert_eq!(Decimal::new(0, 0).exponential(), Some(Decimal::new(10_u128.pow(33), 33)));
        assert_eq!(Decimal::new(81, 0).exponential(), None);
        assert_eq!(Decimal::new(81, 0).decayed(), Decimal::one());
    }
}
