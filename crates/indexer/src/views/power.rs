use std::collections::BTreeMap;

use apogee_domain::series::{POWER_QA, POWER_RAW};
use apogee_domain::{Subject, Value};
use apogee_filecoin_state::{Claim, Power, ReadError, StateTree};
use cid::Cid;

use super::{Names, unread, value};
use crate::fold::Level;
use crate::nodes::Nodes;

/// Claims and totals of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PowerFacts {
    /// What changed since `before`, or everything.
    pub(crate) levels: Vec<Level>,
    /// Raw and quality-adjusted power of all claims as the power actor counts it, where it is known.
    pub(crate) committed: (Option<Value>, Option<Value>),
}

/// Power in the state `root`: what differs from `before`, or all of it.
pub(crate) fn read(nodes: &Nodes, names: &Names, before: Option<&Cid>, root: &Cid) -> PowerFacts {
    let known = (|| {
        let power = StateTree::open(nodes, root)?.power()?;
        let mut levels = match before {
            Some(before) => changes(nodes, names, &power, before)?,
            None => everything(nodes, names, &power)?,
        };
        // What sortition divides by (Lotus `TotalPower`): miners above the minimum.
        levels.push(Level::Set(POWER_RAW, Subject::network(), value(&power.total().raw)));
        levels.push(Level::Set(POWER_QA, Subject::network(), value(&power.total().qa)));
        let committed = (value(&power.committed.raw), value(&power.committed.qa));
        Ok(PowerFacts { levels, committed })
    })();
    known.unwrap_or_else(|error: ReadError| {
        unread("power", &error);
        PowerFacts { levels: vec![Level::Lost(POWER_RAW), Level::Lost(POWER_QA)], committed: (None, None) }
    })
}

fn changes(nodes: &Nodes, names: &Names, power: &Power, before: &Cid) -> Result<Vec<Level>, ReadError> {
    let before = StateTree::open(nodes, before)?.power()?;
    let mut levels = Vec::new();
    for change in power.claim_changes(nodes, &before.claims)? {
        let subject = names.miner(change.miner);
        let (raw, qa) = pair(change.after.as_ref());
        levels.push(Level::Set(POWER_RAW, subject.clone(), raw));
        levels.push(Level::Set(POWER_QA, subject, qa));
    }
    Ok(levels)
}

fn everything(nodes: &Nodes, names: &Names, power: &Power) -> Result<Vec<Level>, ReadError> {
    let (mut raws, mut qas) = (BTreeMap::new(), BTreeMap::new());
    for (miner, claim) in power.claims(nodes)? {
        let (raw, qa) = pair(Some(&claim));
        raws.insert(names.miner(miner), raw);
        qas.insert(names.miner(miner), qa);
    }
    Ok(vec![Level::Whole(POWER_RAW, raws), Level::Whole(POWER_QA, qas)])
}

/// A claim that was removed is a claim to nothing.
fn pair(claim: Option<&Claim>) -> (Option<Value>, Option<Value>) {
    claim.map_or((Some(Value::ZERO), Some(Value::ZERO)), |claim| {
        (value(&claim.power.raw), value(&claim.power.qa))
    })
}
