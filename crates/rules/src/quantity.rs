use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A measured or owed whole number: bytes, atto, gas or a count. Written as decimal digits without leading zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity(pub u128);

/// The text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number below 2^128 in decimal digits, without leading zeros")]
pub struct InvalidQuantity;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;
    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        digits(text).map(Self).ok_or(InvalidQuantity)
    }
}

/// A plain decimal number: digits only, no leading zero.
fn digits(text: &str) -> Option<u128> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl TryFrom<String> for Quantity {
    type Error = InvalidQuantity;
    fn try_from(text: String) -> Result<Self, InvalidQuantity> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A fraction in lowest terms with a positive denominator, written `p/q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ratio {
    numerator: u128,
    denominator: u128,
}

/// The text is not a ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ratio is two whole numbers p/q in lowest terms with q above zero, such as 4/5")]
pub struct InvalidRatio;

impl Ratio {
    /// 1/1.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator` in lowest terms, unless the denominator is zero.
    #[must_use]
    pub const fn new(numerator: u128, denominator: u128) -> Option<Self> {
        match gcd(numerator, denominator) {
            _ if denominator == 0 => None,
            common => Some(Self { numerator: numerator / common, denominator: denominator / common }),
        }
    }

    /// What stands above the line.
    #[must_use]
    pub const fn numerator(self) -> u128 {
        self.numerator
    }

    /// What stands below the line; never zero.
    #[must_use]
    pub const fn denominator(self) -> u128 {
        self.denominator
    }
}

const fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// By whole parts, then by the reciprocals of what is left: products of two such numbers need not fit.
impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b, mut c, mut d) =
            (self.numerator, self.denominator, other.numerator, other.denominator);
        let mut turned = false;
        loop {
            let whole = (a / b).cmp(&(c / d));
            let (left, right) = (a % b, c % d);
            let order = match (whole, left, right) {
                (Ordering::Equal, 0, _) | (Ordering::Equal, _, 0) => left.cmp(&right),
                (Ordering::Equal, _, _) => {
                    (a, b, c, d) = (b, left, d, right);
                    turned = !turned;
                    continue;
                }
                (order, _, _) => order,
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Ratio {
    type Err = InvalidRatio;
    fn from_str(text: &str) -> Result<Self, InvalidRatio> {
        let (p, q) = text.split_once('/').ok_or(InvalidRatio)?;
        let (numerator, denominator) = digits(p).zip(digits(q)).ok_or(InvalidRatio)?;
        let ratio = Self { numerator, denominator };
        if Self::new(numerator, denominator) == Some(ratio) { Ok(ratio) } else { Err(InvalidRatio) }
    }
}

impl TryFrom<String> for Ratio {
    type Error = InvalidRatio;
    fn try_from(text: String) -> Result<Self, InvalidRatio> {
        text.parse()
    }
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> Self {
        ratio.to_string()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_has_one_writing() {
        assert_eq!("0".parse(), Ok(Quantity::ZERO));
        assert_eq!(u128::MAX.to_string().parse(), Ok(Quantity(u128::MAX)));
        for bad in ["", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "340282366920938463463374607431768211456"]
        {
            assert_eq!(bad.parse::<Quantity>(), Err(InvalidQuantity), "{bad:?}");
        }
    }

    #[test]
    fn a_ratio_has_one_writing() {
        assert_eq!("4/5".parse(), Ok(Ratio::new(80, 100).unwrap()));
        assert_eq!(Ratio::new(0, 7).unwrap().to_string(), "0/1");
        for bad in ["", "1", "8/10", "0/2", "1/0", "01/2", "-1/2", "1/2/3", "80%"] {
            assert_eq!(bad.parse::<Ratio>(), Err(InvalidRatio), "{bad:?}");
        }
    }

    #[test]
    fn ratios_are_ordered_by_value_however_large_their_parts() {
        let ratio = |p, q| Ratio::new(p, q).unwrap();
        assert!(ratio(799, 1000) < ratio(4, 5));
        assert!(ratio(u128::MAX - 1, u128::MAX) < Ratio::ONE);
        assert!(ratio(u128::MAX - 2, u128::MAX - 1) < ratio(u128::MAX - 1, u128::MAX));
        for (a, b, c, d) in [(1, 3, 1, 2), (0, 1, 1, 9), (7, 5, 7, 4), (22, 7, 355, 113), (5, 5, 3, 3)] {
            assert_eq!(ratio(a, b).cmp(&ratio(c, d)), (a * d).cmp(&(c * b)), "{a}/{b} {c}/{d}");
            assert_eq!(ratio(c, d).cmp(&ratio(a, b)), (c * b).cmp(&(a * d)), "{c}/{d} {a}/{b}");
        }
    }
}
