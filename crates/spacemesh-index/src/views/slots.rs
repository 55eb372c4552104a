//! Slots that smeshers have, fill and miss.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Subject;
use apogee_domain::series::{EXPECTED_LAYERS, SLOTS_ASSIGNED, SLOTS_FILLED, SLOTS_MISSED};

use super::At;
use crate::checks::Tally;
use crate::fold::Known;
use crate::odds::expected_layers;
use crate::params;
use crate::source::{Activation, BallotFacts, Verdict};

/// How many slots everybody has in the epoch: as their first ballots declare, or estimated until one does. `fresh` is whether activations
/// have been read anew: then whoever has no slots yet gets them.
///
/// What was counted at the epoch's first layer stays there. A declaration that differs is a step at its own layer.
pub(crate) fn assigned(at: &mut At<'_>, fresh: bool) -> Tally {
    let mut tally = Tally::of("slots_estimated");
    let declared = at.facts.ballots.as_deref().map(|ballots| declared(at, ballots));
    for (subject, slots) in declared.iter().flatten() {
        match at.until_now(&SLOTS_ASSIGNED, subject) {
            Some(now) if now == 0 || now == u128::from(*slots) => tally.pass(1),
            Some(_) => tally.not_made("estimate_differed", 1),
            None => continue,
        }
        assign(at, subject, Some(*slots));
    }
    if !fresh {
        return tally;
    }
    let total = at.activations.values().fold(0_u64, |sum, activation| sum.saturating_add(activation.weight));
    for (subject, activation) in at.activations {
        let known = declared.as_ref().is_some_and(|declared| declared.contains_key(subject));
        if known || at.until_now(&SLOTS_ASSIGNED, subject) != Some(0) {
            continue;
        }
        let slots = declared.as_ref().and_then(|_| estimate(at, activation, total));
        tally.not_made(if declared.is_some() { "no_declaration" } else { "no_ballots" }, 1);
        assign(at, subject, slots);
    }
    tally
}

fn declared(at: &At<'_>, ballots: &[BallotFacts]) -> BTreeMap<Subject, u32> {
    let mut declared: BTreeMap<Subject, u32> = BTreeMap::new();
    for ballot in ballots.iter().filter(|ballot| counts(ballot)) {
        let Some((subject, slots)) = params::subject(&ballot.smesher).zip(ballot.declared) else { continue };
        if at.activations.contains_key(&subject) {
            // Two first ballots are malfeasance. Whichever comes first, the result is the same.
            let most = declared.entry(subject).or_insert(slots);
            *most = slots.max(*most);
        }
    }
    declared
}

fn estimate(at: &At<'_>, activation: &Activation, total: u64) -> Option<u32> {
    let slots = at.params.committee.slots(activation.weight, total)?;
    Some(u32::try_from(slots).unwrap_or(u32::MAX))
}

fn assign(at: &mut At<'_>, subject: &Subject, slots: Option<u32>) {
    let layers = at.params.epochs().layers;
    at.in_epoch(SLOTS_ASSIGNED, subject, slots.map(u128::from));
    at.in_epoch(EXPECTED_LAYERS, subject, slots.map(|slots| u128::from(expected_layers(slots, layers))));
}

const fn counts(ballot: &BallotFacts) -> bool {
    !matches!(ballot.verdict, Verdict::Unsound(_))
}

/// Slots that ballots of the layer prove, each once, by smesher.
pub(crate) fn filled(at: &mut At<'_>) -> BTreeMap<Subject, u32> {
    let mut filled = BTreeMap::new();
    let Some(ballots) = &at.facts.ballots else {
        for subject in at.activations.keys() {
            at.add(SLOTS_FILLED, subject, None);
        }
        return filled;
    };
    let mut seen = BTreeSet::new();
    for ballot in ballots.iter().filter(|ballot| counts(ballot)) {
        let Some(subject) = params::subject(&ballot.smesher) else { continue };
        let new = ballot.slots.iter().filter(|slot| seen.insert((ballot.smesher, **slot))).count();
        let sum: &mut u32 = filled.entry(subject).or_default();
        *sum = sum.saturating_add(u32::try_from(new).unwrap_or(u32::MAX));
    }
    for (subject, slots) in &filled {
        at.add(SLOTS_FILLED, subject, Some((*slots).into()));
    }
    filled
}

/// Slots that nobody filled, at the end of an epoch.
pub(crate) fn missed(at: &mut At<'_>) {
    for subject in at.activations.keys() {
        let (assigned, filled) =
            (at.until_now(&SLOTS_ASSIGNED, subject), at.until_now(&SLOTS_FILLED, subject));
        let missed: Known = assigned.zip(filled).map(|(assigned, filled)| assigned.saturating_sub(filled));
        at.add(SLOTS_MISSED, subject, missed);
    }
}
