//! Which series there are, in which unit, and how they are read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is measured: dotted lower-case words, `power.raw`, `probe.storage.ok`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SeriesName(Cow<'static, str>);

/// The text is not the name of a series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a series' name is dotted lower-case words, such as power.raw")]
pub struct InvalidSeriesName;

impl SeriesName {
    /// A name that is written in the source.
    #[must_use]
    pub const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is known of this series, if it is one of [`ALL`].
    #[must_use]
    pub fn spec(&self) -> Option<&'static SeriesSpec> {
        ALL.iter().find(|spec| spec.name == self.as_str())
    }
}

impl FromStr for SeriesName {
    type Err = InvalidSeriesName;
    fn from_str(text: &str) -> Result<Self, InvalidSeriesName> {
        let word = |w: &str| {
            !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let good = text.len() <= 60 && text.split('.').all(word);
        good.then(|| Self(Cow::Owned(text.to_owned()))).ok_or(InvalidSeriesName)
    }
}

impl TryFrom<String> for SeriesName {
    type Error = InvalidSeriesName;
    fn try_from(text: String) -> Result<Self, InvalidSeriesName> {
        text.parse()
    }
}

impl From<SeriesName> for String {
    fn from(name: SeriesName) -> Self {
        name.0.into_owned()
    }
}

impl fmt::Display for SeriesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one of a series' integers stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes of storage.
    Bytes,
    /// 10⁻¹⁸ of the network's coin.
    Atto,
    /// Gas units.
    Gas,
    /// Things: sectors, blocks, wins, rounds.
    Count,
    /// 10⁻⁹ of a thing: expectations.
    Nano,
}

/// How a series is read over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Read at an epoch. On Filecoin: in the parent state of the tipset of that epoch, which is what a node answers.
    Level,
    /// Never goes down; windows are differences. Counts what the tipsets up to and including that epoch did.
    Cumulative,
}

/// One known series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesSpec {
    /// Name.
    pub name: &'static str,
    /// Unit of its integers.
    pub unit: Unit,
    /// Level or cumulative.
    pub reading: Reading,
    /// Whether each participant has one; otherwise only the network has.
    pub per_participant: bool,
}

macro_rules! series {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $unit:ident, $reading:ident, $per:literal;)*) => {
        $($(#[$doc])* pub const $id: SeriesName = SeriesName::of($name);)*
        /// Every series that the platform itself produces.
        pub const ALL: &[SeriesSpec] = &[$(SeriesSpec {
            name: $name, unit: Unit::$unit, reading: Reading::$reading, per_participant: $per,
        }),*];
    };
}

series! {
    /// Raw byte power of a miner's claim; the network's subject holds `TotalRawBytePower`-style totals.
    POWER_RAW = "power.raw", Bytes, Level, true;
    /// Quality-adjusted power of a miner's claim.
    POWER_QA = "power.qa", Bytes, Level, true;
    /// Sectors on chain and not terminated or expired.
    SECTORS_LIVE = "sectors.live", Count, Level, true;
    /// Live sectors with a fault.
    SECTORS_FAULTY = "sectors.faulty", Count, Level, true;
    /// Faulty sectors declared recovered and not yet proven.
    SECTORS_RECOVERING = "sectors.recovering", Count, Level, true;
    /// Sectors terminated that still stand in a partition.
    SECTORS_TERMINATED = "sectors.terminated", Count, Level, true;
    /// Raw bytes of live, proven sectors without a fault.
    SECTORS_ACTIVE_BYTES = "sectors.active_bytes", Bytes, Level, true;
    /// Block reward awarded to a miner, without gas.
    REWARD_BLOCK = "reward.block", Atto, Cumulative, true;
    /// Miner tips awarded to a miner.
    REWARD_GAS = "reward.gas", Atto, Cumulative, true;
    /// Penalty a miner bears for including messages that cannot pay (as burnt: three times the messages' since Liftoff).
    PENALTY = "penalty", Atto, Cumulative, true;
    /// Blocks of a miner on the chain.
    BLOCKS_WON = "blocks.won", Count, Cumulative, true;
    /// Sum of the WinCounts of a miner's blocks.
    WINCOUNT = "wincount", Count, Cumulative, true;
    /// Expected WinCount from look-back power and sortition, null rounds included.
    EXPECTED_WINS = "expected.wins", Nano, Cumulative, true;
    /// Bytes in active market deals of a provider.
    DEALS_BYTES = "deals.bytes", Bytes, Level, true;
    /// Active market deals of a provider.
    DEALS_ACTIVE = "deals.active", Count, Level, true;
    /// Base fee and over-estimation burnt by transfers (method 0).
    BURN_GAS_SEND = "burn.gas.send", Atto, Cumulative, false;
    /// … by PreCommit-family messages.
    BURN_GAS_PRECOMMIT = "burn.gas.precommit", Atto, Cumulative, false;
    /// … by ProveCommit-family messages.
    BURN_GAS_PROVECOMMIT = "burn.gas.provecommit", Atto, Cumulative, false;
    /// … by `SubmitWindowedPoSt`.
    BURN_GAS_WINDOWPOST = "burn.gas.windowpost", Atto, Cumulative, false;
    /// … by `PublishStorageDeals`.
    BURN_GAS_PUBLISH = "burn.gas.publish", Atto, Cumulative, false;
    /// … by every other message.
    BURN_GAS_OTHER = "burn.gas.other", Atto, Cumulative, false;
    /// Rounds without a block.
    NULL_ROUNDS = "chain.null_rounds", Count, Cumulative, false;
    /// Base fee that holds in an epoch.
    BASE_FEE = "chain.base_fee", Atto, Level, false;
    /// Gas used by an epoch's messages.
    GAS_USED = "chain.gas_used", Gas, Cumulative, false;
    /// Gas limit of an epoch's messages.
    GAS_LIMIT = "chain.gas_limit", Gas, Cumulative, false;
    /// Randomness beacon rounds on the chain.
    BEACON_ROUNDS = "chain.beacon_rounds", Count, Cumulative, false;
    /// Version of the network's protocol.
    NETWORK_VERSION = "chain.network_version", Count, Level, false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_series_has_a_valid_name_of_its_own() {
        let mut names: Vec<_> = ALL.iter().map(|spec| spec.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| name.parse::<SeriesName>().is_ok()));
        assert_eq!(POWER_RAW.spec().unwrap().unit, Unit::Bytes);
    }
}
