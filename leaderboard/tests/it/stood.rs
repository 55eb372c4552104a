//! Standings of cases that have some, and what stands in them.

use apogee_leaderboard::{PoolResult, Standings};
use serde_json::Value;

use crate::cases::standings;

pub(crate) fn run(case: &Value) -> Standings {
    standings(case).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn result<'s>(standings: &'s Standings, pool: &str, region: Option<&str>) -> &'s PoolResult {
    let fits = |r: &&PoolResult| r.pool.as_str() == pool && r.region.as_ref().map(|r| r.as_str()) == region;
    standings.pools.iter().find(fits).unwrap()
}

pub(crate) fn share(result: &PoolResult, entity: &str) -> u128 {
    result.shares.iter().find(|share| share.entity.as_str() == entity).map_or(0, |share| share.amount.0)
}
