//! What the ledger says about an entity.

use apogee_competition::{Act, Signed};
use apogee_rules::Id;

use super::Stage;
use crate::competitions::Stood;

/// Entries that are looked at, the last first, with whether they hold.
fn decisions<'a>(stage: &'a Stage, stood: &Stood) -> impl Iterator<Item = (&'a Signed, bool)> {
    let live = stood.competition.live();
    let entries = stage.now.held.entries().iter().rev();
    let last = stage.competition.seq();
    let until = entries.skip_while(move |signed| signed.entry.seq > last);
    until.map(move |signed| (&**signed, live.contains(&signed.entry.seq)))
}

/// Checks of an entity that decisions waive.
pub(super) fn waivers(stage: &Stage, stood: &Stood, entity: &Id) -> Vec<(Id, u64)> {
    let waived = |(signed, holds): (&Signed, bool)| match &signed.entry.act {
        Act::Waive { entity: whose, check } if holds && whose == entity => {
            Some((check.clone(), signed.entry.seq))
        }
        _ => None,
    };
    decisions(stage, stood).filter_map(waived).collect()
}

/// Decisions about an entity or its miners, the last first, and whether they hold.
pub(super) fn about<'a>(
    stage: &'a Stage,
    stood: &Stood,
    entity: &Id,
    members: &[&Id],
) -> Vec<(&'a Signed, bool)> {
    let names = |id: &Id| id == entity || members.contains(&id);
    let concerns = |(signed, _): &(&Signed, bool)| match &signed.entry.act {
        Act::Disqualify { entities } => entities.iter().any(names),
        Act::Waive { entity, .. } | Act::Attest { entity, .. } | Act::Award { entity, .. } => names(entity),
        Act::SetRegion { target, .. } => names(target),
        Act::Adjust { participant, .. } => names(participant),
        Act::AnswerAppeal { appeal, .. } => {
            stage.competition.appeals().get(appeal).is_some_and(|appeal| names(&appeal.entity))
        }
        Act::Claim { .. } => names(&signed.entry.actor),
        _ => false,
    };
    decisions(stage, stood).filter(concerns).collect()
}
