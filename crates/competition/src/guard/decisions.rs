use apogee_domain::series::Reading;
use apogee_rules::{Check, CheckKind, Id, PoolAmount, RuleSet};

use crate::act::Act;
use crate::competition::{Competition, end, live};
use crate::entry::Entry;
use crate::guard::lifecycle::has_rules;
use crate::refusal::{Kind, Refusal, ensure};
use crate::text;

fn has_check(checks: &[Check], id: &Id) -> bool {
    checks.iter().any(|check| {
        check.id == *id
            || match &check.kind {
                CheckKind::All { checks } | CheckKind::Any { checks } => has_check(checks, id),
                _ => false,
            }
    })
}

/// Whether rules have what a decision names; else what they lack. Without it there would be no standings (`docs/rules.md` §4).
pub(crate) fn known(act: &Act, rules: &RuleSet) -> Result<(), String> {
    let lacks = |good: bool, what: String| if good { Ok(()) } else { Err(what) };
    match act {
        Act::Waive { check, .. } => lacks(has_check(&rules.eligibility, check), format!("the check {check}")),
        Act::RemoveInterval { metrics, .. } => metrics.iter().try_for_each(|id| {
            lacks(rules.metrics.iter().any(|metric| metric.id == *id), format!("the metric {id}"))
        }),
        Act::SetAmount { pool, .. } => {
            let by_decision = |p: &apogee_rules::Pool| p.id == *pool && p.amount == PoolAmount::ByDecision;
            lacks(rules.pools.iter().any(by_decision), format!("the pool {pool} with an amount by decision"))
        }
        Act::Adjust { series, .. } => {
            let counts = |s: &apogee_rules::ObservedSeries| {
                s.name.as_str() == series.as_str() && s.reading == Reading::Cumulative
            };
            lacks(rules.series.iter().any(counts), format!("the observed cumulative series {series}"))
        }
        Act::SetEnd { until, .. } => {
            lacks(*until > rules.competition.start, format!("an epoch {until} after its start"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    has_rules(competition)?;
    match &entry.act {
        Act::Disqualify { entities } => {
            super::list(entities.len(), "act.entities")?;
            ensure(
                !entities.is_empty() && entities.is_sorted_by(|a, b| a < b),
                Kind::Malformed,
                "act.entities",
                || "there is one at least, and each once, in the order of their ids".to_owned(),
                "sort them",
            )?;
        }
        Act::RemoveInterval { from, until, metrics, regions } => {
            super::interval(*from, *until, "act.until")?;
            super::list(metrics.len(), "act.metrics")?;
            super::list(regions.len(), "act.regions")?;
        }
        Act::Award { title, .. } => title.check("act.title", text::TITLE)?,
        Act::Revert { seq } => {
            ensure(
                competition.decisions.contains_key(seq),
                Kind::NoSuchEntry,
                "act.seq",
                || format!("#{seq} is no earlier decision"),
                "name the number of a decision",
            )?;
            ensure(
                competition.live().contains(seq),
                Kind::AlreadyDone,
                "act.seq",
                || format!("#{seq} has been taken back"),
                "revert the revert to let it hold again",
            )?;
        }
        _ => {}
    }
    // What a revert brings back has to fit the rules of today as well.
    let mut decisions = competition.decisions.clone();
    decisions.insert(entry.seq, entry.act.clone());
    let held = live(&decisions);
    let brought = match &entry.act {
        Act::Revert { .. } => {
            decisions.iter().filter(|(seq, _)| held.contains(seq)).map(|(_, act)| act).collect()
        }
        act => vec![act],
    };
    for published in competition.rules_from(entry.epoch) {
        for act in &brought {
            known(act, &published.rules).map_err(|what| {
                let wrong =
                    format!("version {} of the rules does not have {what}", published.rules.version.number);
                Refusal::new(Kind::UnknownInRules, "act", wrong, "name what the rules have")
            })?;
        }
    }
    let planned = competition.rules.last().map(|published| published.rules.competition.end);
    let now = end(&decisions).map(|(_, until)| until).or(planned);
    moved_end(competition, entry, now)
}

/// An end that moves, by a decision or by taking one back.
fn moved_end(
    competition: &Competition,
    entry: &Entry,
    now: Option<apogee_domain::Epoch>,
) -> Result<(), Refusal> {
    let (Some(now), Some(before)) = (now, competition.end()) else { return Ok(()) };
    if now == before {
        return Ok(());
    }
    if let Some(ended) = competition.stamps.ended {
        return ensure(
            now <= ended.epoch,
            Kind::EndPassed,
            "act.until",
            || format!("the competition was said to be over at epoch {}", ended.epoch),
            "choose an epoch up to that",
        );
    }
    let emergency = matches!(entry.act, Act::SetEnd { emergency: true, .. });
    if emergency {
        return Ok(());
    }
    super::notice(competition, entry, now, "choose a later epoch, or say that it is an emergency")
}
