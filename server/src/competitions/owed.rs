//! What standings would be, had layers paid what votes decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apogee_domain::series::{REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS};
use apogee_domain::{Epoch, SeriesName};
use apogee_leaderboard::{Facts, FactsDocument, Participant, SeriesDocument, Standings, StepDocument, stand};
use apogee_recount::{Change, Consequences, Row};
use apogee_rules::{Id, Quantity};

use super::stood::{NoStandings, Stands, Stood};
use crate::spacemesh::epoch_of;

/// 10⁻¹⁸ of a coin in a smidge.
const ATTO: u128 = 1_000_000_000;

/// What rewards of a layer count in.
const PAID: [SeriesName; 3] = [REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS];

/// Standings on rewards as votes decide.
#[derive(Debug)]
pub(crate) struct Owed {
    /// What would be.
    pub(crate) standings: Standings,
    /// Layers of which that is not known: the index has other rewards than the copy that was counted, or nothing is known of the block.
    pub(crate) unknown: BTreeSet<Epoch>,
}

/// Facts with other rewards.
#[derive(Debug, PartialEq, Eq)]
struct Corrected {
    facts: FactsDocument,
    unknown: BTreeSet<Epoch>,
}

/// What somebody gets of a layer in each of [`PAID`].
type Amounts = [u128; 3];

/// What changes in a layer: by smesher, before and after.
type Layer = BTreeMap<Id, (Amounts, Amounts)>;

impl Stands {
    /// The standings that would be, had the layers of a recount paid what it says they owe. They are not kept.
    pub(crate) async fn owed(
        &self,
        stood: &Arc<Stood>,
        rewards: Arc<Consequences>,
    ) -> Result<Owed, NoStandings> {
        let (stood, at) = (Arc::clone(stood), stood.competition.reads(stood.triple.at));
        let working = tokio::task::spawn_blocking(move || {
            let corrected = correct(stood.measured.clone(), &rewards, at);
            let facts = Facts::new(corrected.facts)?;
            let (rules, decisions) = (stood.rules(), &stood.decisions);
            let standings = stand(&facts, &stood.entities, rules, decisions, at, stood.triple.seq)?;
            Ok(Owed { standings, unknown: corrected.unknown })
        });
        let made = working.await.map_err(|_| NoStandings::Unfinished)?;
        made.map_err(|problem| NoStandings::Impossible { at, problem })
    }
}

fn amounts(row: &Row) -> Option<Amounts> {
    let fees = row.total.checked_sub(row.subsidy)?;
    let atto = |smidge: u64| u128::from(smidge).checked_mul(ATTO);
    Some([atto(row.subsidy)?, atto(fees)?, u128::from(row.total > 0)])
}

/// What changes, by layer up to `at`; `None` for a layer of which that cannot be said.
fn layers(rewards: &Consequences, at: Epoch) -> BTreeMap<Epoch, Option<Layer>> {
    let mut layers: BTreeMap<Epoch, Option<Layer>> = BTreeMap::new();
    for change in rewards.changes.iter().filter(|change| epoch_of(change.layer) <= at) {
        let layer = layers.entry(epoch_of(change.layer)).or_insert_with(|| Some(Layer::new()));
        if layer.as_mut().is_none_or(|layer| add(layer, change).is_none()) {
            *layer = None;
        }
    }
    for unknown in rewards.unknown.iter().filter(|unknown| !unknown.held && epoch_of(unknown.layer) <= at) {
        layers.insert(epoch_of(unknown.layer), None);
    }
    layers
}

fn add(layer: &mut Layer, change: &Change) -> Option<()> {
    let id: Id = change.smesher.to_string().parse().ok()?;
    let sums = layer.entry(id).or_default();
    for (sums, row) in [(&mut sums.0, &change.before), (&mut sums.1, &change.after)] {
        for (sum, more) in sums.iter_mut().zip(row.as_ref().map_or(Some([0; 3]), amounts)?) {
            *sum = sum.checked_add(more)?;
        }
        // It is one layer all the same.
        let [.., counted] = sums;
        *counted = (*counted).min(1);
    }
    Some(())
}

/// The facts up to `at` with the rewards that are owed in place of those that were paid. A layer is replaced whole or not at all: only where the index
/// paid what the copy says that was counted. Where it pays what is owed already, nothing changes.
fn correct(mut facts: FactsDocument, rewards: &Consequences, at: Epoch) -> Corrected {
    let mut unknown = BTreeSet::new();
    for (epoch, layer) in layers(rewards, at) {
        let replaced = layer.is_some_and(|layer| {
            let is = |side: fn(&(Amounts, Amounts)) -> Amounts| {
                layer.iter().all(|(id, sides)| pays(&facts, id, epoch, side(sides)))
            };
            is(|sides| sides.1) || (is(|sides| sides.0) && replace(&mut facts, &layer, epoch).is_some())
        });
        if !replaced {
            unknown.insert(epoch);
        }
    }
    Corrected { facts, unknown }
}

/// Whether a layer pays somebody these amounts, as far as there are series of them.
fn pays(facts: &FactsDocument, id: &Id, epoch: Epoch, amounts: Amounts) -> bool {
    PAID.iter().zip(amounts).all(|(name, amount)| {
        let Some(series) = facts.series.iter().find(|series| series.name.as_str() == name.as_str()) else {
            return true;
        };
        let steps = steps_of(series, id);
        let (below, is) = (value(steps, epoch, false), value(steps, epoch, true));
        is.zip(below).and_then(|(is, below)| is.checked_sub(below)) == Some(amount)
    })
}

/// Somebody's steps; facts are in order.
fn steps_of<'a>(series: &'a SeriesDocument, id: &Id) -> &'a [StepDocument] {
    let place = series.steps.0.binary_search_by(|(other, _)| other.cmp(id)).ok();
    let found = place.and_then(|place| series.steps.0.get(place));
    found.map(|(_, steps)| steps.as_slice()).unwrap_or_default()
}

/// The value that holds at an epoch, or before it; nothing was paid before the first step.
fn value(steps: &[StepDocument], epoch: Epoch, including: bool) -> Option<u128> {
    let after = steps.partition_point(|(begin, _)| *begin < epoch || (including && *begin == epoch));
    let last = after.checked_sub(1).and_then(|last| steps.get(last));
    last.map_or(Some(0), |(_, value)| value.map(|value| value.0))
}

/// Replace what a layer pays. `None`, and nothing is replaced, where sums do not fit.
fn replace(facts: &mut FactsDocument, layer: &Layer, epoch: Epoch) -> Option<()> {
    let mut replaced = Vec::new();
    for (index, name) in PAID.iter().enumerate() {
        let place = facts.series.iter().position(|series| series.name.as_str() == name.as_str());
        let Some(place) = place else { continue };
        let series = facts.series.get(place)?;
        for (id, (before, after)) in layer {
            let steps = moved(steps_of(series, id), epoch, *before.get(index)?, *after.get(index)?)?;
            replaced.push((place, id, steps));
        }
    }
    for (place, id, steps) in replaced {
        let all = &mut facts.series.get_mut(place)?.steps.0;
        match all.binary_search_by(|(other, _)| other.cmp(id)) {
            Ok(found) if steps.is_empty() => drop(all.remove(found)),
            Ok(found) => all.get_mut(found)?.1 = steps,
            Err(_) if steps.is_empty() => {}
            Err(free) => all.insert(free, (id.clone(), steps)),
        }
    }
    for id in layer.keys() {
        if let Err(free) = facts.participants.binary_search_by(|known| known.id.cmp(id)) {
            facts.participants.insert(free, Participant { id: id.clone(), region: None, seen: epoch });
        }
    }
    Some(())
}

/// The steps of a sum that grows by `after` at an epoch in place of `before`.
fn moved(steps: &[StepDocument], epoch: Epoch, before: u128, after: u128) -> Option<Vec<StepDocument>> {
    let place = steps.partition_point(|(begin, _)| *begin < epoch);
    let (below, above) = steps.split_at_checked(place)?;
    let held = value(below, epoch, false);
    let mut moved = below.to_vec();
    let begins = above.first().is_some_and(|(begin, _)| *begin == epoch);
    let here = (!begins).then_some((epoch, held.map(Quantity)));
    for (begin, value) in here.iter().chain(above) {
        let value = match value {
            Some(value) => Some(Quantity(value.0.checked_sub(before)?.checked_add(after)?)),
            None => None,
        };
        // A step that stays is none.
        let stays = *begin == epoch && value.map(|value| value.0) == held;
        if !stays {
            moved.push((*begin, value));
        }
    }
    Some(moved)
}

#[cfg(test)]
mod tests {
    use apogee_domain::series::{Reading, Unit};
    use apogee_leaderboard::{Source, Steps};
    use apogee_recount::Unknown;
    use apogee_spacemesh::address::Address;
    use apogee_spacemesh::id::{BlockId, LayerId, SmesherId};

    use super::*;

    fn at(height: u32) -> Epoch {
        Epoch::GENESIS.plus(height)
    }

    fn smesher(number: u8) -> SmesherId {
        SmesherId([number; 32])
    }

    fn id(number: u8) -> Id {
        smesher(number).to_string().parse().unwrap()
    }

    fn change(layer: u32, who: u8, before: Option<u64>, after: Option<u64>) -> Change {
        let row = |subsidy: u64| Row { coinbase: Address::default(), total: subsidy + 1, subsidy };
        Change {
            layer: LayerId(layer),
            smesher: smesher(who),
            before: before.map(row),
            after: after.map(row),
        }
    }

    fn consequences(changes: Vec<Change>) -> Consequences {
        Consequences { changes, ..Consequences::default() }
    }

    /// Facts of layers that each pay: (layer, who, subsidy), with a fee of 1.
    fn facts(paid: &[(u32, u8, u64)]) -> FactsDocument {
        let series = PAID.into_iter().enumerate().map(|(index, name)| {
            let mut steps: BTreeMap<Id, Vec<StepDocument>> = BTreeMap::new();
            for (layer, who, subsidy) in paid {
                let steps = steps.entry(id(*who)).or_default();
                let by = [u128::from(*subsidy) * ATTO, ATTO, 1][index];
                let sum = steps.last().map_or(0, |(_, value)| value.unwrap().0);
                steps.push((at(*layer), Some(Quantity(sum + by))));
            }
            SeriesDocument {
                name: name.as_str().parse().unwrap(),
                reading: Reading::Cumulative,
                source: Source::Chain,
                steps: Steps(steps.into_iter().collect()),
                unit: if index == 2 { Unit::Count } else { Unit::Atto },
            }
        });
        let who: BTreeSet<u8> = paid.iter().map(|(_, who, _)| *who).collect();
        let seen = |who: u8| paid.iter().filter(|paid| paid.1 == who).map(|paid| at(paid.0)).min().unwrap();
        FactsDocument {
            deals: Vec::new(),
            network: "devnet".parse().unwrap(),
            participants: who
                .into_iter()
                .map(|who| Participant { id: id(who), region: None, seen: seen(who) })
                .collect(),
            sectors: Vec::new(),
            series: series.collect(),
        }
    }

    const PAID_BEFORE: [(u32, u8, u64); 6] =
        [(40, 1, 50), (40, 2, 50), (41, 1, 90), (42, 1, 30), (42, 2, 30), (43, 2, 70)];

    #[test]
    fn a_layer_pays_what_is_owed_and_nothing_else_moves() {
        // Layer 42 goes from 1 and 2 to 2 (more) and 3.
        let changes = vec![
            change(42, 1, Some(30), None),
            change(42, 2, Some(30), Some(20)),
            change(42, 3, None, Some(40)),
        ];
        let corrected = correct(facts(&PAID_BEFORE), &consequences(changes), at(50));
        let owed = [(40, 1, 50), (40, 2, 50), (41, 1, 90), (42, 2, 20), (42, 3, 40), (43, 2, 70)];
        assert_eq!(corrected, Corrected { facts: facts(&owed), unknown: BTreeSet::new() });
        assert!(Facts::new(corrected.facts).is_ok());
    }

    #[test]
    fn what_changes_back_is_what_was() {
        let there =
            [change(42, 1, Some(30), None), change(42, 3, None, Some(30)), change(40, 2, Some(50), None)];
        let back = there.map(|change| Change { before: change.after, after: change.before, ..change });
        let once = correct(facts(&PAID_BEFORE), &consequences(there.to_vec()), at(50)).facts;
        let mut twice = correct(once, &consequences(back.to_vec()), at(50)).facts;
        twice.participants.retain(|participant| participant.id != id(3));
        assert_eq!(twice, facts(&PAID_BEFORE));
    }

    #[test]
    fn an_index_of_another_opinion_is_left_as_it_is_and_said() {
        let before = facts(&PAID_BEFORE);
        // One row of layer 42 is other than in the copy that was counted: the whole layer stays.
        let changes = vec![
            change(42, 1, Some(31), None),
            change(42, 2, Some(30), None),
            change(41, 1, Some(90), Some(80)),
        ];
        let corrected = correct(before.clone(), &consequences(changes), at(50));
        assert_eq!(corrected.unknown, [at(42)].into());
        let owed = [(40, 1, 50), (40, 2, 50), (41, 1, 80), (42, 1, 30), (42, 2, 30), (43, 2, 70)];
        assert_eq!(corrected.facts, facts(&owed));
        // It pays what is owed already.
        let changes = vec![change(41, 1, Some(7), Some(90)), change(41, 2, Some(7), None)];
        let same = correct(before.clone(), &consequences(changes), at(50));
        assert_eq!(same, Corrected { facts: before.clone(), unknown: BTreeSet::new() });
        // Later layers are not looked at, and a block that the copy lacks says nothing.
        let block = BlockId([1; 20]);
        let unknown = vec![Unknown { layer: LayerId(42), block, held: false, transactions: 0 }];
        let changes = vec![change(42, 1, Some(30), None), change(43, 2, Some(70), None)];
        let rewards = Consequences { changes, unknown, ..Consequences::default() };
        let corrected = correct(before.clone(), &rewards, at(42));
        assert_eq!(corrected, Corrected { facts: before, unknown: [at(42)].into() });
    }

    #[test]
    fn an_unknown_sum_stays_unknown() {
        let mut before = facts(&PAID_BEFORE);
        before.series[0].steps.0[0].1[1].1 = None;
        let changes = vec![change(42, 1, Some(30), None)];
        let corrected = correct(before.clone(), &consequences(changes), at(50));
        assert_eq!(corrected, Corrected { facts: before, unknown: [at(42)].into() });
    }

    #[test]
    fn rules_that_read_no_rewards_are_not_touched() {
        let mut before = facts(&PAID_BEFORE);
        before.series.clear();
        let changes = vec![change(42, 1, Some(30), None), change(42, 2, Some(31), Some(5))];
        let corrected = correct(before.clone(), &consequences(changes), at(50));
        assert_eq!(corrected, Corrected { facts: before, unknown: BTreeSet::new() });
    }
}
