//! The rows of the section `results`: the leaves of the standings, and their root.

use apogee_leaderboard::{Standings, stand};
use serde::Serialize;
use serde_json::json;

use crate::fit::Fitted;
use crate::{Defect, Part, Section, What};

/// The standings of what was read.
pub(crate) fn standings(fitted: &Fitted) -> Result<Standings, Defect> {
    let Fitted { facts, entities, rules, decisions, at, seq, .. } = fitted;
    stand(facts, entities, rules, decisions, *at, *seq).map_err(|problem| Defect {
        part: Part::Section(Section::Results),
        row: 0,
        what: What::NoStandings(problem.to_string()),
    })
}

/// How many rows the standings have.
pub(crate) fn count(standings: &Standings) -> u64 {
    let Standings { entities, boards, pools, payouts, .. } = standings;
    let rows: usize = boards.iter().map(|list| 1 + list.rows.len()).sum();
    (2 + entities.len() + rows + pools.len() + payouts.len()) as u64
}

/// Takes rows of whatever type.
pub(crate) trait Take<E> {
    fn take(&mut self, row: &impl Serialize) -> Result<(), E>;
}

/// Every row in order.
pub(crate) fn each<E>(standings: &Standings, to: &mut impl Take<E>) -> Result<(), E> {
    to.take(&standings.scope)?;
    standings.entities.iter().try_for_each(|row| to.take(row))?;
    for list in &standings.boards {
        to.take(&json!({"board": list.board, "region": list.region}))?;
        list.rows.iter().try_for_each(|row| to.take(row))?;
    }
    standings.pools.iter().try_for_each(|pool| to.take(pool))?;
    standings.payouts.iter().try_for_each(|payout| to.take(payout))?;
    to.take(&json!({"root": standings.root}))
}
