use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A height on one network: a Filecoin epoch or a Spacemesh layer.
///
/// Never negative: `try_from` and `parse` refuse it. Arithmetic is explicit and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Epoch(i64);

/// The text or number is not an epoch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is a whole number from 0 to 9223372036854775807")]
pub struct InvalidEpoch;

impl Epoch {
    /// The first epoch of every network.
    pub const GENESIS: Self = Self(0);
    /// Later than every epoch that can occur.
    pub const MAX: Self = Self(i64::MAX);

    /// The epoch with this height, if the height is not negative.
    #[must_use]
    pub const fn new(height: i64) -> Option<Self> {
        if height < 0 { None } else { Some(Self(height)) }
    }

    /// The height as a number.
    #[must_use]
    pub const fn height(self) -> i64 {
        self.0
    }

    /// The epoch `by` later; stays at [`Epoch::MAX`].
    #[must_use]
    pub const fn plus(self, by: u32) -> Self {
        Self(self.0.saturating_add(by as i64))
    }

    /// The epoch `by` earlier; stays at [`Epoch::GENESIS`].
    #[must_use]
    pub const fn minus(self, by: i64) -> Self {
        let height = self.0.saturating_sub(by);
        if height < 0 { Self::GENESIS } else { Self(height) }
    }

    /// How many epochs lie between `earlier` and this one; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        let distance = self.0.saturating_sub(earlier.0);
        if distance < 0 { 0 } else { distance }
    }
}

impl TryFrom<i64> for Epoch {
    type Error = InvalidEpoch;
    fn try_from(height: i64) -> Result<Self, InvalidEpoch> {
        Self::new(height).ok_or(InvalidEpoch)
    }
}

impl From<Epoch> for i64 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

impl FromStr for Epoch {
    type Err = InvalidEpoch;
    fn from_str(text: &str) -> Result<Self, InvalidEpoch> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidEpoch);
        }
        text.parse().ok().and_then(Self::new).ok_or(InvalidEpoch)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_digits_are_an_epoch() {
        assert_eq!("0".parse(), Ok(Epoch::GENESIS));
        assert_eq!("313".parse(), Ok(Epoch(313)));
        for bad in ["", "-1", "+1", " 1", "1.0", "9223372036854775808"] {
            assert_eq!(bad.parse::<Epoch>(), Err(InvalidEpoch), "{bad:?}");
        }
    }

    #[test]
    fn arithmetic_stops_at_both_ends() {
        assert_eq!(Epoch(3).minus(5), Epoch::GENESIS);
        assert_eq!(Epoch::MAX.plus(1), Epoch::MAX);
        assert_eq!(Epoch(3).since(Epoch(5)), 0);
    }
}
