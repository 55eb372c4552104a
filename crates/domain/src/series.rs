//! Which series there are, in which unit, and how they are read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NetworkKind;

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
    /// The protocols whose networks have it.
    pub kinds: &'static [NetworkKind],
}

/// The series that networks of a protocol have, in the order of [`ALL`].
pub fn of(kind: NetworkKind) -> impl Iterator<Item = &'static SeriesSpec> {
    ALL.iter().filter(move |spec| spec.kinds.contains(&kind))
}

/// The series that says who takes part: who has it, be it zero, is or was a participant.
#[must_use]
pub const fn presence(kind: NetworkKind) -> SeriesName {
    match kind {
        NetworkKind::Filecoin => POWER_RAW,
        NetworkKind::Spacemesh => SPACE_UNITS,
    }
}

const FILECOIN: &[NetworkKind] = &[NetworkKind::Filecoin];
const SPACEMESH: &[NetworkKind] = &[NetworkKind::Spacemesh];
const BOTH: &[NetworkKind] = &[NetworkKind::Filecoin, NetworkKind::Spacemesh];

macro_rules! series {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $unit:ident, $reading:ident, $per:literal, $kinds:ident;)*) => {
        $($(#[$doc])* pub const $id: SeriesName = SeriesName::of($name);)*
        /// Every series that the platform itself produces.
        pub const ALL: &[SeriesSpec] = &[$(SeriesSpec {
            name: $name, unit: Unit::$unit, reading: Reading::$reading, per_participant: $per, kinds: $kinds,
        }),*];
    };
}

series! {
    /// Raw byte power of a miner's claim; the network's subject holds `TotalRawBytePower`-style totals.
    POWER_RAW = "power.raw", Bytes, Level, true, FILECOIN;
    /// Quality-adjusted power of a miner's claim.
    POWER_QA = "power.qa", Bytes, Level, true, FILECOIN;
    /// Sectors on chain and not terminated or expired.
    SECTORS_LIVE = "sectors.live", Count, Level, true, FILECOIN;
    /// Live sectors with a fault.
    SECTORS_FAULTY = "sectors.faulty", Count, Level, true, FILECOIN;
    /// Faulty sectors declared recovered and not yet proven.
    SECTORS_RECOVERING = "sectors.recovering", Count, Level, true, FILECOIN;
    /// Sectors terminated that still stand in a partition.
    SECTORS_TERMINATED = "sectors.terminated", Count, Level, true, FILECOIN;
    /// Raw bytes of live, proven sectors without a fault.
    SECTORS_ACTIVE_BYTES = "sectors.active_bytes", Bytes, Level, true, FILECOIN;
    /// Block reward awarded to a miner, or part of a layer's subsidy awarded to a smesher: without gas.
    REWARD_BLOCK = "reward.block", Atto, Cumulative, true, BOTH;
    /// Miner tips awarded to a miner, or part of a layer's fees awarded to a smesher.
    REWARD_GAS = "reward.gas", Atto, Cumulative, true, BOTH;
    /// Penalty a miner bears for including messages that cannot pay (as burnt: three times the messages' since Liftoff).
    PENALTY = "penalty", Atto, Cumulative, true, FILECOIN;
    /// Blocks of a miner on the chain.
    BLOCKS_WON = "blocks.won", Count, Cumulative, true, FILECOIN;
    /// Sum of the WinCounts of a miner's blocks.
    WINCOUNT = "wincount", Count, Cumulative, true, FILECOIN;
    /// Expected WinCount from look-back power and sortition, null rounds included.
    EXPECTED_WINS = "expected.wins", Nano, Cumulative, true, FILECOIN;
    /// Bytes in active market deals of a provider.
    DEALS_BYTES = "deals.bytes", Bytes, Level, true, FILECOIN;
    /// Active market deals of a provider.
    DEALS_ACTIVE = "deals.active", Count, Level, true, FILECOIN;
    /// Base fee and over-estimation burnt by transfers (method 0).
    BURN_GAS_SEND = "burn.gas.send", Atto, Cumulative, false, FILECOIN;
    /// … by PreCommit-family messages.
    BURN_GAS_PRECOMMIT = "burn.gas.precommit", Atto, Cumulative, false, FILECOIN;
    /// … by ProveCommit-family messages.
    BURN_GAS_PROVECOMMIT = "burn.gas.provecommit", Atto, Cumulative, false, FILECOIN;
    /// … by `SubmitWindowedPoSt`.
    BURN_GAS_WINDOWPOST = "burn.gas.windowpost", Atto, Cumulative, false, FILECOIN;
    /// … by `PublishStorageDeals`.
    BURN_GAS_PUBLISH = "burn.gas.publish", Atto, Cumulative, false, FILECOIN;
    /// … by every other message.
    BURN_GAS_OTHER = "burn.gas.other", Atto, Cumulative, false, FILECOIN;
    /// Rounds without a block.
    NULL_ROUNDS = "chain.null_rounds", Count, Cumulative, false, FILECOIN;
    /// Base fee that holds in an epoch.
    BASE_FEE = "chain.base_fee", Atto, Level, false, FILECOIN;
    /// Gas used by an epoch's messages.
    GAS_USED = "chain.gas_used", Gas, Cumulative, false, FILECOIN;
    /// Gas limit of an epoch's messages.
    GAS_LIMIT = "chain.gas_limit", Gas, Cumulative, false, FILECOIN;
    /// Randomness beacon rounds on the chain.
    BEACON_ROUNDS = "chain.beacon_rounds", Count, Cumulative, false, FILECOIN;
    /// Version of the network's protocol.
    NETWORK_VERSION = "chain.network_version", Count, Level, false, FILECOIN;
    /// Space units of the activation that works in a layer's epoch (`NumUnits`); the network's subject holds the sum.
    SPACE_UNITS = "space.units", Count, Level, true, SPACEMESH;
    /// Weight of that activation: units times ticks; the network's subject holds the sum.
    ATX_WEIGHT = "atx.weight", Count, Level, true, SPACEMESH;
    /// Epochs without a gap, up to a layer's own, in which a smesher had a working activation.
    ATX_STREAK = "atx.streak", Count, Level, true, SPACEMESH;
    /// Units times layers of the activations that work: all of an epoch counts from its first layer on; the network's subject holds the sum.
    SPACE_TIME = "space.time", Count, Cumulative, true, SPACEMESH;
    /// Slots assigned to a smesher: all of an epoch count from its first layer on.
    SLOTS_ASSIGNED = "slots.assigned", Count, Cumulative, true, SPACEMESH;
    /// Slots that a smesher filled with a proof in a ballot of their layer.
    SLOTS_FILLED = "slots.filled", Count, Cumulative, true, SPACEMESH;
    /// Slots of epochs that are over that no ballot filled; they count from the epoch's last layer on.
    SLOTS_MISSED = "slots.missed", Count, Cumulative, true, SPACEMESH;
    /// Layers that paid a smesher.
    REWARD_LAYERS = "reward.layers", Count, Cumulative, true, SPACEMESH;
    /// Expectation of that number from a smesher's slots, by epoch: all of an epoch counts from its first layer on.
    EXPECTED_LAYERS = "expected.layers", Nano, Cumulative, true, SPACEMESH;
    /// Expectation of block rewards from a smesher's part of the slots' weight, by epoch: all of an epoch counts from its first layer on.
    EXPECTED_REWARD = "expected.reward", Atto, Cumulative, true, SPACEMESH;
    /// 1 from the layer on in which a smesher was known to be malfeasant.
    MALFEASANCE = "malfeasance", Count, Level, true, SPACEMESH;
    /// Layers of an epoch (`layers_per_epoch`); an epoch's number is its first layer's over it.
    EPOCH_LAYERS = "chain.epoch_layers", Count, Level, false, SPACEMESH;
    /// Layers whose result is no block.
    EMPTY_LAYERS = "chain.empty_layers", Count, Cumulative, false, SPACEMESH;
    /// Subsidy of the layers that had a block.
    SUBSIDY = "chain.subsidy", Atto, Cumulative, false, SPACEMESH;
    /// What of subsidy and fees nobody got, since shares are rounded down.
    BURN_ROUNDING = "burn.rounding", Atto, Cumulative, false, SPACEMESH;
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
