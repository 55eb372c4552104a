use std::cmp::Ordering;
use std::fmt;

use apogee_rules::{Bound, Quantity, Ratio};
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Zero;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The value of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// It is not known.
    Unknown,
    /// Bytes, atto, gas or a count.
    Whole(u128),
    /// A ratio.
    Ratio(Box<Fraction>),
    /// A rate and what it was taken from; `None` where not even the number of samples is known.
    Rate(Option<Box<Rate>>),
}

/// A rate and its samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The rate, where there are samples.
    pub value: Option<Fraction>,
    /// How many samples there are.
    pub samples: u128,
}

/// A ratio of any size, in lowest terms. Means over many members outgrow 128 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fraction {
    /// Both parts fit.
    Small(Ratio),
    /// Numerator and denominator.
    Large(Box<(BigUint, BigUint)>),
}

impl Fraction {
    /// `numerator / denominator`, unless the denominator is zero.
    #[must_use]
    pub fn new(numerator: BigUint, denominator: BigUint) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        let common = numerator.gcd(&denominator);
        let (numerator, denominator) = (numerator / &common, denominator / &common);
        let small = u128::try_from(&numerator).ok().zip(u128::try_from(&denominator).ok());
        match small.and_then(|(p, q)| Ratio::new(p, q)) {
            Some(ratio) => Some(Self::Small(ratio)),
            None => Some(Self::Large(Box::new((numerator, denominator)))),
        }
    }

    /// Numerator and denominator.
    #[must_use]
    pub fn parts(&self) -> (BigUint, BigUint) {
        match self {
            Self::Small(ratio) => (ratio.numerator().into(), ratio.denominator().into()),
            Self::Large(parts) => parts.as_ref().clone(),
        }
    }

    fn is_zero(&self) -> bool {
        matches!(self, Self::Small(ratio) if ratio.numerator() == 0)
    }
}

impl From<Ratio> for Fraction {
    fn from(ratio: Ratio) -> Self {
        Self::Small(ratio)
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Self::Small(left), Self::Small(right)) = (self, other) {
            return left.cmp(right);
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        (a * d).cmp(&(c * b))
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(ratio) => fmt::Display::fmt(ratio, f),
            Self::Large(parts) => write!(f, "{}/{}", parts.0, parts.1),
        }
    }
}

impl Measure {
    /// The whole number, where it is one and known.
    #[must_use]
    pub const fn whole(&self) -> Option<u128> {
        match self {
            Self::Whole(value) => Some(*value),
            _ => None,
        }
    }

    /// The ratio or rate, where it is one and known.
    #[must_use]
    pub fn fraction(&self) -> Option<&Fraction> {
        match self {
            Self::Ratio(ratio) => Some(ratio),
            Self::Rate(rate) => rate.as_ref()?.value.as_ref(),
            Self::Unknown | Self::Whole(_) => None,
        }
    }

    /// Samples of a rate, where they are known.
    #[must_use]
    pub fn samples(&self) -> Option<u128> {
        match self {
            Self::Rate(rate) => Some(rate.as_ref()?.samples),
            _ => None,
        }
    }

    /// Whether the value is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Whole(_)) || self.fraction().is_some()
    }

    /// Whether it is known and above a bar; above zero where there is none.
    pub(crate) fn is_above(&self, bar: Option<Quantity>) -> bool {
        let bar = bar.unwrap_or(Quantity::ZERO).0;
        self.whole().is_some_and(|value| value > bar) || self.fraction().is_some_and(|ratio| !ratio.is_zero())
    }

    /// How the value lies to a bar of its kind; `None` where it is unknown or of another kind.
    pub(crate) fn against(&self, bar: Bound) -> Option<Ordering> {
        match bar {
            Bound::Quantity(bar) => self.whole().map(|value| value.cmp(&bar.0)),
            Bound::Ratio(bar) => self.fraction().map(|value| value.cmp(&Fraction::Small(bar))),
        }
    }

    /// Order of values of one metric: unknown first, then from small to large.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.whole().cmp(&other.whole()).then_with(|| self.fraction().cmp(&other.fraction()))
    }

    /// The value as it stands in documents, without samples.
    pub(crate) fn value(&self) -> impl Serialize + use<'_> {
        Value(self)
    }
}

struct Value<'a>(&'a Measure);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.whole(), self.0.fraction()) {
            (Some(whole), _) => serializer.collect_str(&whole),
            (_, Some(fraction)) => serializer.collect_str(fraction),
            _ => serializer.serialize_none(),
        }
    }
}

/// `{"value"}`, for rates `{"samples","value"}`.
impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if matches!(self, Self::Rate(_)) {
            object.serialize_entry("samples", &self.samples().map(Quantity))?;
        }
        object.serialize_entry("value", &self.value())?;
        object.end()
    }
}
