use apogee_domain::series::{Reading, Unit};
use apogee_domain::{Digest, Epoch, NetworkId, SeriesName};
use serde::{Deserialize, Serialize};

use crate::{Board, Check, Id, Metric, Pool};

/// One version of the rules of a competition (`docs/rules.md` §8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleSet {
    /// Which competition, when and where.
    pub competition: Competition,
    /// Which version of its rules.
    pub version: Version,
    /// Series that are observed rather than read from the chain.
    pub series: Vec<ObservedSeries>,
    /// Who competes.
    pub entities: Entities,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// What an entity has to fulfil; all of it.
    pub eligibility: Vec<Check>,
    /// Who is ranked.
    pub boards: Vec<Board>,
    /// What is paid.
    pub pools: Vec<Pool>,
    /// When a payout may be spent.
    pub vesting: Vesting,
}

/// Which competition, when and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Competition {
    /// Its name in addresses.
    pub id: Id,
    /// Its name for people.
    pub name: Texts,
    /// The network it runs on.
    pub network: NetworkId,
    /// First epoch.
    pub start: Epoch,
    /// Epoch before which it ends.
    pub end: Epoch,
    /// Regions, in the order in which they are shown.
    pub regions: Vec<Id>,
    /// Tracks, in the order in which they are shown.
    pub tracks: Vec<Id>,
}

/// A text for people in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Texts {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// Which version of a competition's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Counts from 1.
    pub number: u64,
    /// Epoch from which it holds.
    pub from: Epoch,
    /// Hash of the version before; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Digest>,
    /// Whether `from` lay in the past when it was published.
    pub retroactive: bool,
    /// Why there is this version.
    pub reason: Texts,
}

/// A series that bots or people observe, declared so that its unit is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedSeries {
    /// Name, none of the platform's own.
    pub name: SeriesName,
    /// Unit of its values.
    pub unit: Unit,
    /// Level or cumulative.
    pub reading: Reading,
}

/// Who competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entities {
    /// What of a member's history counts.
    pub history: History,
    /// Whether members have to be of one region.
    pub same_region: bool,
    /// Epoch before which members can join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Epoch>,
}

/// What of a member's history counts for its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    /// All of it, for the entity of which it is a member now.
    Whole,
    /// The epochs in which it was a member.
    Dated,
}

/// When a payout may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Vesting {
    /// At once.
    None,
    /// Evenly over so many epochs.
    Linear {
        /// More than zero.
        epochs: u64,
    },
}
