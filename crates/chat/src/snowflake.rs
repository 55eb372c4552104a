//! What Discord calls things by.

use std::fmt;
use std::str::FromStr;

use apogee_domain::Timestamp;
use serde::{Deserialize, Deserializer};

/// The first second of 2015, from which Discord counts, in milliseconds since 1970.
const EPOCH_MILLIS: u64 = 1_420_070_400_000;

/// The id of an account or an interaction. It is never given twice, and says when it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snowflake(u64);

/// No id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of Discord is a number of 64 bits in decimal digits")]
pub struct InvalidSnowflake;

impl Snowflake {
    /// When it was given, to the second.
    ///
    /// Source: Discord, *Reference: Snowflakes*: milliseconds since 2015 are the bits from 22 on.
    #[must_use]
    pub const fn created(self) -> Timestamp {
        // Below 2⁴² and a constant: it is no more than 43 bits.
        let millis = (self.0 >> 22).saturating_add(EPOCH_MILLIS);
        Timestamp::from_seconds((millis / 1_000).cast_signed())
    }

    /// The number itself.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for Snowflake {
    type Err = InvalidSnowflake;

    /// One account has one text: no sign, no zeros before the number.
    fn from_str(text: &str) -> Result<Self, InvalidSnowflake> {
        let number: u64 = text.parse().map_err(|_| InvalidSnowflake)?;
        if number == 0 || number.to_string() != text { Err(InvalidSnowflake) } else { Ok(Self(number)) }
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_given() {
        // The example of Discord's reference: 2016-04-30T11:18:25.796Z.
        let id: Snowflake = "175928847299117063".parse().unwrap();
        assert_eq!(id.created(), Timestamp::from_seconds(1_462_015_105));
        let last: Snowflake = u64::MAX.to_string().parse().unwrap();
        assert!(last.created() > id.created());
    }

    #[test]
    fn one_id_has_one_text() {
        for none in ["", "0", "-1", "+1", "01", " 1", "1 ", "1e3", "18446744073709551616", "１"] {
            assert_eq!(none.parse::<Snowflake>(), Err(InvalidSnowflake), "{none}");
        }
    }
}
