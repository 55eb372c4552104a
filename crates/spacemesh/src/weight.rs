//! Weights, which are fractions.

use std::fmt;
use std::num::NonZeroU64;

use num_integer::Integer;

use crate::scale::{Reader, Scale, ScaleError, write_compact};

/// What a share counts, as a fraction. Kept as it was written, reduced or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weight {
    /// Above the line.
    pub numerator: u64,
    /// Below it.
    pub denominator: NonZeroU64,
}

impl Weight {
    /// That of a ballot: the activation's weight is spread over all its slots in the epoch, and counts once for each
    /// slot in the ballot. In lowest terms; `None` where it does not fit.
    #[must_use]
    pub fn of_ballot(activation: u64, slots_in_epoch: NonZeroU64, slots_in_ballot: u64) -> Option<Self> {
        let numerator = u128::from(activation) * u128::from(slots_in_ballot);
        let denominator = u128::from(slots_in_epoch.get());
        let common = numerator.gcd(&denominator);
        let numerator = u64::try_from(numerator / common).ok()?;
        let denominator = NonZeroU64::new(u64::try_from(denominator / common).ok()?)?;
        Some(Self { numerator, denominator })
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl Scale for Weight {
    fn write(&self, out: &mut Vec<u8>) {
        write_compact(self.numerator, out);
        write_compact(self.denominator.get(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let numerator = input.compact64()?;
        let at = input.at();
        let denominator = NonZeroU64::new(input.compact64()?);
        let denominator = denominator.ok_or(ScaleError::Value { at, what: "denominator" })?;
        Ok(Self { numerator, denominator })
    }
}
