use std::collections::BTreeMap;

use apogee_domain::series::{
    SECTORS_ACTIVE_BYTES, SECTORS_FAULTY, SECTORS_LIVE, SECTORS_RECOVERING, SECTORS_TERMINATED,
};
use apogee_domain::{SeriesName, Subject, Value};
use apogee_filecoin_state::{ActorKind, Miner, ReadError, SectorTotals, StateTree};
use cid::Cid;

use super::{Names, unread};
use crate::fold::Level;
use crate::nodes::Nodes;

/// The series of this view.
pub(crate) const SERIES: [SeriesName; 5] =
    [SECTORS_LIVE, SECTORS_FAULTY, SECTORS_RECOVERING, SECTORS_TERMINATED, SECTORS_ACTIVE_BYTES];

/// Sectors in the state `root`: of the miners that differ from `before`, or of all.
pub(crate) fn read(nodes: &Nodes, names: &Names, before: Option<&Cid>, root: &Cid) -> Vec<Level> {
    let known = match before {
        Some(before) => changes(nodes, names, before, root),
        None => everything(nodes, names, root),
    };
    known.unwrap_or_else(|error| {
        unread("sectors", &error);
        SERIES.map(Level::Lost).into()
    })
}

fn changes(nodes: &Nodes, names: &Names, before: &Cid, root: &Cid) -> Result<Vec<Level>, ReadError> {
    if before == root {
        return Ok(Vec::new());
    }
    let (before, tree) = (StateTree::open(nodes, before)?, StateTree::open(nodes, root)?);
    let mut levels = Vec::new();
    for (id, actor) in tree.actor_changes(&before)? {
        let is_miner = match &actor {
            Some(actor) => tree.kind(&actor.code)? == ActorKind::Miner,
            None => match before.actor(id)? {
                Some(actor) => before.kind(&actor.code)? == ActorKind::Miner,
                None => false,
            },
        };
        if !is_miner {
            continue;
        }
        let totals = match actor {
            None => Some(SectorTotals::default()),
            Some(_) => match (before.miner(id), tree.miner(id)) {
                // Counts live below the deadlines alone.
                (Ok(Some(before)), Ok(Some(after))) if before.deadlines == after.deadlines => continue,
                (_, Ok(Some(after))) => totals(nodes, &after),
                (_, Ok(None)) => Some(SectorTotals::default()),
                (_, Err(error)) => {
                    unread("a miner", &error);
                    None
                }
            },
        };
        let set = |(series, value)| Level::Set(series, names.miner(id), value);
        levels.extend(values(totals).map(set));
    }
    Ok(levels)
}

fn everything(nodes: &Nodes, names: &Names, root: &Cid) -> Result<Vec<Level>, ReadError> {
    let tree = StateTree::open(nodes, root)?;
    let mut boards: BTreeMap<SeriesName, BTreeMap<Subject, Option<Value>>> =
        SERIES.map(|series| (series, BTreeMap::new())).into();
    for (id, _) in tree.power()?.claims(nodes)? {
        let totals = match tree.miner(id) {
            Ok(Some(miner)) => totals(nodes, &miner),
            Ok(None) => continue,
            Err(error) => {
                unread("a miner", &error);
                None
            }
        };
        for (series, value) in values(totals) {
            boards.entry(series).or_default().insert(names.miner(id), value);
        }
    }
    Ok(boards.into_iter().map(|(series, board)| Level::Whole(series, board)).collect())
}

/// A miner's counts; `None` when a node is missing, for the counts of the rest would be too small.
fn totals(nodes: &Nodes, miner: &Miner) -> Option<SectorTotals> {
    let read = miner.info(nodes).and_then(|info| miner.sector_totals(nodes, info.sector_size));
    read.map_err(|error| unread("a miner's sectors", &error)).ok()
}

fn values(totals: Option<SectorTotals>) -> [(SeriesName, Option<Value>); 5] {
    let of = |count: fn(&SectorTotals) -> u64| totals.as_ref().map(|totals| Value::from(count(totals)));
    [
        (SECTORS_LIVE, of(|totals| totals.live)),
        (SECTORS_FAULTY, of(|totals| totals.faulty)),
        (SECTORS_RECOVERING, of(|totals| totals.recovering)),
        (SECTORS_TERMINATED, of(|totals| totals.terminated)),
        (SECTORS_ACTIVE_BYTES, of(|totals| totals.active_bytes)),
    ]
}
