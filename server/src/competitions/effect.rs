use std::sync::Arc;

use apogee_competition::{Act, Competition, Entry, Refusal};
use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Comparison, compare};
use apogee_rules::canonical;

use super::ground::Ground;
use super::stood::{NoStandings, Stands, Triple};

/// What an entry does to every rank and amount.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The standings before and after, side by side.
    pub(crate) report: Comparison,
    /// Its hash: what stands in the entry as `preview` or `simulation`.
    pub(crate) hash: Digest,
}

/// Why an effect cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoEffect {
    /// The entry cannot follow.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// There are no standings before or after it.
    #[error(transparent)]
    Standings(#[from] NoStandings),
    /// The report has no canonical form.
    #[error(transparent)]
    Report(#[from] canonical::NotCanonical),
}

/// The effect of an entry on top of the ledger that `before` is the fold of; `None` for one that changes no standings (`docs/competition.md` §2).
///
/// A decision is compared under the rules that hold at its epoch, a version of the rules with the version before. Both sides are read at the
/// last epoch before the entry's, which is whole, but not before the start.
pub(crate) async fn effect(
    stands: &Stands,
    before: &Arc<Competition>,
    ground: &Ground,
    entry: &Entry,
) -> Result<Option<Effect>, NoEffect> {
    let Some((old, new, start)) = versions(before, entry)? else { return Ok(None) };
    let after = Arc::new(before.after(entry).map_err(Box::new)?);
    let at = if entry.epoch > start { entry.epoch.minus(1).max(start) } else { start };
    let seq = before.seq();
    let was = stands.stand_as(Arc::clone(before), ground, Triple { at, rules: old, seq }).await?;
    let is = stands.stand_as(after, ground, Triple { at, rules: new, seq: seq + 1 }).await?;
    let report = compare(&was.standings, &is.standings);
    Ok(Some(Effect { hash: canonical::hash(&report)?, report }))
}

/// The versions of the rules on both sides, and the epoch at which there are standings under both.
fn versions(
    before: &Competition,
    entry: &Entry,
) -> Result<Option<(Digest, Digest, Epoch)>, canonical::NotCanonical> {
    if let Act::PublishRules { rules, .. } = &entry.act {
        let Some(old) = before.rules().last() else { return Ok(None) };
        let start = old.rules.competition.start.max(rules.0.competition.start);
        return Ok(Some((old.hash, canonical::hash(&rules.0)?, start)));
    }
    let started = before.start().filter(|start| entry.epoch >= *start);
    let (Some(start), Some(rules), true) = (started, before.rules_at(entry.epoch), entry.act.is_decision())
    else {
        return Ok(None);
    };
    Ok(Some((rules.hash, rules.hash, start)))
}
