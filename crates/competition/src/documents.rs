//! The ledger as the documents of `docs/rules.md` §3 and §4, from which standings are computed.

use apogee_leaderboard::{Decision, Decisions, Effect, Entities, Entity, Membership, Title};
use apogee_rules::Problem;

use crate::act::Act;
use crate::competition::Competition;

impl Competition {
    /// Who competes.
    ///
    /// # Errors
    /// What standings could not be computed from; no ledger that folds leads there.
    pub fn entities_document(&self) -> Result<Entities, Problem> {
        let entities = self.entities.iter().map(|(id, entity)| {
            let members = entity.members.iter().map(|member| Membership {
                participant: member.participant.clone(),
                from: member.from,
                until: member.until,
            });
            Entity {
                id: id.clone(),
                name: entity.name.as_str().into(),
                region: entity.region.clone(),
                registered: Some(entity.registered),
                tracks: entity.tracks.clone(),
                attested: Vec::new(),
                members: members.collect(),
            }
        });
        Entities::new(entities.collect())
    }

    /// What was decided: entry `seq` is decision `seq`, and whatever changes no number is a note.
    ///
    /// # Errors
    /// As [`entities_document`](Self::entities_document).
    pub fn decisions_document(&self) -> Result<Decisions, Problem> {
        let decision = |seq| {
            let effect = self.decisions.get(&seq).map_or(Effect::Note {}, effect);
            Decision { seq, effect }
        };
        Decisions::new((1..=self.seq()).map(decision).collect())
    }
}

fn effect(act: &Act) -> Effect {
    match act.clone() {
        Act::Disqualify { entities } => Effect::Disqualify { entities },
        Act::Waive { entity, check } => Effect::Waive { entity, check },
        Act::RemoveInterval { from, until, metrics, regions } => {
            Effect::RemoveInterval { from, until, metrics, regions }
        }
        Act::SetRegion { target, region } => Effect::SetRegion { target, region },
        Act::Adjust { participant, series, from, delta } => {
            Effect::Adjust { participant, series, from, delta }
        }
        Act::Attest { entity, what } => Effect::Attest { entity, what },
        Act::SetAmount { pool, amount } => Effect::SetAmount { pool, amount },
        Act::Award { entity, amount, title } => {
            Effect::Award { entity, amount, title: Title { en: title.en, zh: title.zh } }
        }
        Act::SetEnd { until, .. } => Effect::SetEnd { until },
        Act::Revert { seq } => Effect::Revert { seq },
        _ => Effect::Note {},
    }
}
