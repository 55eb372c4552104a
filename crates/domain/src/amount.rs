use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A whole number that does not fit: negative, over 39 digits, or not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a whole number from 0 to 340282366920938463463374607431768211455")]
pub struct InvalidAmount;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub u128);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The sum, unless it does not fit.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) { Some(sum) => Some(Self(sum)), None => None }
            }

            /// The difference, unless `other` is larger.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) { Some(rest) => Some(Self(rest)), None => None }
            }
        }

        impl FromStr for $name {
            type Err = InvalidAmount;
            fn from_str(text: &str) -> Result<Self, InvalidAmount> {
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(InvalidAmount);
                }
                text.parse().map(Self).map_err(|_| InvalidAmount)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

amount! {
    /// Money in the smallest unit of a network: attoFIL (10⁻¹⁸ FIL) or smidge. A JSON string of digits.
    Atto
}

amount! {
    /// What a series holds at an epoch, in the series' [`Unit`](crate::Unit). A JSON string of digits.
    Value
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self(count.into())
    }
}

impl From<Atto> for Value {
    fn from(amount: Atto) -> Self {
        Self(amount.0)
    }
}
