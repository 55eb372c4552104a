//! What was tried, as it is kept and told: the one way in which it becomes something to be judged.

use std::collections::BTreeSet;

use apogee_domain::Timestamp;

use super::{Attempt, Look, correlated};
use crate::fault::{Code, Fault};
use crate::plan::Plan;
use crate::record::Record;

/// An attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// Which attempt of the slot.
    pub number: u32,
    /// Who made it.
    pub bot: &'a str,
    /// From where.
    pub region: &'a str,
    /// Since when it had the lease.
    pub leased: Timestamp,
    /// When the controller heard of its end.
    pub ended: Timestamp,
    /// Why it did not go well; `None` where it did.
    pub code: Option<Code>,
    /// What the bot told; `None` where it was silent.
    pub record: Option<&'a Record>,
}

impl Tried<'_> {
    /// As it is judged by a plan.
    #[must_use]
    pub fn judged(&self, plan: &Plan) -> Attempt {
        let told = self.record;
        Attempt {
            number: self.number,
            worker: self.bot.to_owned(),
            region: self.region.to_owned(),
            started: told.map_or(self.leased, |record| record.started),
            ended: told.map_or(self.ended, |record| record.ended),
            failure: self.code,
            circumstances: told.map(|record| record.circumstances).unwrap_or_default().beside(plan.known),
            set_aside: None,
        }
    }
}

/// An attempt as a look at its miner; `None` where it says nothing of it.
#[must_use]
pub fn look<'a>(
    plan: &Plan,
    (miner, worker): (&'a str, &'a str),
    at: Timestamp,
    code: Option<Code>,
) -> Option<Look<'a>> {
    let fault = code.map_or(Fault::None, |code| code.fault(&plan.known));
    let says = matches!(fault, Fault::None | Fault::Miner | Fault::Ambiguous);
    says.then_some(Look { miner, worker, at, good: code.is_none() })
}

/// The names of those looks in which one bot is at odds with the others. With one bot there are none.
#[must_use]
pub fn at_odds<K: Ord>(plan: &Plan, looks: Vec<(K, Look<'_>)>) -> BTreeSet<K> {
    if plan.fleet <= 1 {
        return BTreeSet::new();
    }
    let (names, looks): (Vec<K>, Vec<Look<'_>>) = looks.into_iter().unzip();
    let odd = correlated(&looks, &plan.measures.correlation);
    names.into_iter().enumerate().filter(|(place, _)| odd.contains(place)).map(|(_, name)| name).collect()
}
