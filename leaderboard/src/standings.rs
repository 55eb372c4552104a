use std::sync::Arc;

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Problem, Quantity};
use serde::Serialize;

use crate::check::{Shape, State};
use crate::document::problem;
use crate::measure::Measure;
use crate::merkle::{self, Growing};
use crate::write;

/// Who is where, why, and what each is owed (`docs/rules.md` §12).
///
/// Its JSON is canonical as it is written: all types here name their members in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standings {
    /// One for each board, and for each region where it is divided by region.
    pub boards: Vec<BoardList>,
    /// By id.
    pub entities: Vec<EntityRow>,
    /// `apogee-standings-1`.
    pub format: &'static str,
    /// Who is paid, by id.
    pub payouts: Vec<Payout>,
    /// One for each pool, and for each region.
    pub pools: Vec<PoolResult>,
    /// Merkle tree hash over all rows: names these standings.
    pub root: Digest,
    /// What they are standings of.
    pub scope: StandingsScope,
}

/// What standings are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StandingsScope {
    /// The epoch that was asked for.
    pub at: Epoch,
    /// The competition.
    pub competition: Id,
    /// Hash of what the live decisions do: the same, whatever was decided and reverted on the way.
    pub decisions: Digest,
    /// Hash of the entities.
    pub entities: Digest,
    /// The epoch that was read.
    pub epoch: Epoch,
    /// Hash of the facts.
    pub facts: Digest,
    /// The network.
    pub network: Id,
    /// Whether the competition is over.
    pub over: bool,
    /// Hash of the rules.
    pub rules: Digest,
}

/// One who competes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityRow {
    /// Its name in addresses.
    pub id: Id,
    /// Its name for people; a participant that nobody claims is called by its id.
    pub name: Option<Arc<str>>,
    /// Where it is.
    pub region: Option<Id>,
    /// Whether somebody claims its members.
    pub claimed: bool,
    /// Whether it is disqualified.
    pub disqualified: bool,
    /// Whether it is eligible.
    pub eligible: bool,
    pub(crate) measures: Box<[Measure]>,
    pub(crate) needs: Box<[(u32, u128)]>,
    pub(crate) found: Arc<Found>,
}

/// What became of the checks, shared by all entities of which the same became.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) states: Box<[State]>,
    pub(crate) frame: Arc<Frame>,
}

/// What the rows of all entities have in common.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Metrics in the order of the rules.
    pub(crate) metrics: Vec<Id>,
    /// Their places in the order of their ids.
    pub(crate) sorted: Vec<usize>,
    pub(crate) shape: Shape,
}

/// A check of an entity, as it was found.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    row: &'a EntityRow,
    place: usize,
}

/// One list of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardList {
    /// The board.
    pub board: Id,
    /// The region, where the board is divided by region.
    pub region: Option<Id>,
    /// Largest value first.
    pub rows: Vec<BoardRow>,
}

/// A row of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardRow {
    /// Who.
    pub entity: Id,
    /// Place from 1 on; `None` where the value is unknown.
    pub rank: Option<u64>,
    /// Whether another row has the same rank.
    pub tied: bool,
    /// What it is ranked by.
    #[serde(serialize_with = "write::value")]
    pub value: Measure,
    /// How much of a winner's place it has.
    #[serde(serialize_with = "write::wins")]
    pub wins: Won,
}

/// How much of a winner's place somebody has: `places / among`, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Won {
    /// 0 for those who do not win.
    pub places: u32,
    /// 1 but after a split.
    pub among: u32,
}

/// What a pool pays in one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolResult {
    /// What there was, in atto: the shares and what is undistributed.
    pub amount: Quantity,
    /// The pool.
    pub pool: Id,
    /// Level reached, in the unit of the tiers' metric.
    pub reached: Option<Quantity>,
    /// The region, where the pool's board is divided by region.
    pub region: Option<Id>,
    /// Amounts above zero, by entity.
    pub shares: Vec<Share>,
    /// Place of the tier whose amount holds, from 0 on.
    pub tier: Option<u64>,
    /// What nobody gets, in atto.
    pub undistributed: Quantity,
}

/// What an entity gets from a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// In atto.
    pub amount: Quantity,
    /// Who.
    pub entity: Id,
}

/// What an entity is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payout {
    /// Who.
    pub entity: Id,
    /// What it is made of: shares in the order of the pools, then awards by number.
    pub parts: Vec<PayoutPart>,
    /// In atto.
    pub total: Quantity,
}

/// A part of a payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PayoutPart {
    /// A share of a pool.
    Share {
        /// In atto.
        amount: Quantity,
        /// The pool.
        pool: Id,
        /// The region, where the pool's board is divided by region.
        region: Option<Id>,
    },
    /// An award.
    Award {
        /// In atto.
        amount: Quantity,
        /// Number of the decision.
        award: u64,
    },
}

impl EntityRow {
    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.id.as_str())
    }

    /// The value of a metric.
    #[must_use]
    pub fn metric(&self, id: &str) -> Option<&Measure> {
        let place = self.found.frame.metrics.iter().position(|metric| metric.as_str() == id)?;
        self.measures.get(place)
    }

    /// All metrics, by id.
    pub fn metrics(&self) -> impl Iterator<Item = (&Id, &Measure)> {
        let at = |place: &usize| self.found.frame.metrics.get(*place).zip(self.measures.get(*place));
        self.found.frame.sorted.iter().filter_map(at)
    }

    /// The checks, in the order of the rules.
    pub fn checks(&self) -> impl Iterator<Item = Checked<'_>> {
        self.level(0, self.found.frame.shape.nodes.len())
    }

    /// The checks of one level in a range of the row.
    fn level(&self, from: usize, until: usize) -> impl Iterator<Item = Checked<'_>> {
        let nodes = &self.found.frame.shape.nodes;
        let next = |place: &usize| nodes.get(*place).map(|node| node.end);
        std::iter::successors((from < until).then_some(from), next)
            .take_while(move |place| *place < until)
            .map(|place| Checked { row: self, place })
    }
}

impl<'a> Checked<'a> {
    /// Its id; empty only for a check that is not there.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.row.found.frame.shape.nodes.get(self.place).map_or("", |node| node.id.as_str())
    }

    /// What became of it.
    #[must_use]
    pub fn state(&self) -> State {
        self.row.found.states.get(self.place).copied().unwrap_or(State::Pending)
    }

    /// How much is missing, where that is a number.
    #[must_use]
    pub fn need(&self) -> Option<Quantity> {
        let need = self.row.needs.iter().find(|(place, _)| *place as usize == self.place);
        need.map(|(_, need)| Quantity(*need))
    }

    /// The checks below, where it is a group.
    #[must_use]
    pub fn below(&self) -> Option<impl Iterator<Item = Checked<'a>> + use<'a>> {
        let row = self.row;
        let node = row.found.frame.shape.nodes.get(self.place).filter(|node| node.is_group)?;
        Some(row.level(self.place + 1, node.end))
    }
}

impl Standings {
    /// The entity with an id.
    #[must_use]
    pub fn entity(&self, id: &str) -> Option<&EntityRow> {
        let place = self.entities.binary_search_by(|row| row.id.as_str().cmp(id)).ok()?;
        self.entities.get(place)
    }

    /// The payout of an entity, if it is owed anything.
    #[must_use]
    pub fn payout(&self, id: &str) -> Option<&Payout> {
        let place = self.payouts.binary_search_by(|payout| payout.entity.as_str().cmp(id)).ok()?;
        self.payouts.get(place)
    }

    /// The document as canonical JSON.
    ///
    /// # Errors
    /// None that the types let happen.
    pub fn canonical(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|cause| problem("", cause))
    }

    /// The hashes of the leaves under [`root`](Self::root), in order.
    ///
    /// # Errors
    /// None that the types let happen.
    pub fn leaves(&self) -> Result<Vec<Digest>, Problem> {
        let mut leaves = Vec::new();
        self.each_leaf(|leaf| leaves.push(merkle::leaf(leaf)))?;
        Ok(leaves)
    }

    /// The tree hash over all rows.
    pub(crate) fn tree_hash(&self) -> Result<Digest, Problem> {
        let mut tree = Growing::default();
        self.each_leaf(|leaf| tree.push(merkle::leaf(leaf)))?;
        Ok(tree.root())
    }
}
