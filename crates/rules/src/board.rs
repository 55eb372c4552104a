use serde::{Deserialize, Serialize};

use crate::{Id, Quantity};

/// A ranking (`docs/rules.md` §9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Board {
    /// Its name among the boards.
    pub id: Id,
    /// The track whose entities are ranked; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<Id>,
    /// By what, largest first.
    pub metric: Id,
    /// Who is ranked.
    pub population: Population,
    /// In one list, or in one a region.
    pub partition: Partition,
    /// How many win; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<u64>,
    /// Only values above this win, in the metric's unit; above zero if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<Quantity>,
    /// Who wins when places end inside a group of equals.
    pub cutoff: Cutoff,
}

/// Whom a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// Eligible entities only.
    Eligible,
    /// All entities.
    All,
}

/// How a board is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// One list.
    None,
    /// One list for each of the competition's regions.
    Region,
}

/// Who wins when `g` equals stand for `k` places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cutoff {
    /// All of them.
    IncludeAll,
    /// None of them.
    None,
    /// The first `k` by id.
    ById,
    /// The first `k` by the epoch of their last change, then by id.
    Earliest,
    /// All of them, each with `k/g` of its weight.
    Split,
}
