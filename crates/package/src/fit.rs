//! Whether the sections of a package fit together.

use std::collections::HashSet;

use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Decision, Decisions, Effect, Entities, Facts};
use apogee_rules::{Problem, Problems, RuleSet, Versions, canonical};
use serde_json::Value;

use crate::contents::series_read;
use crate::{Contents, Defect, LedgerRow, Part, Section, What};

/// What standings are computed from.
pub(crate) struct Fitted<'a> {
    pub(crate) facts: Facts,
    pub(crate) entities: Entities,
    pub(crate) rules: &'a RuleSet,
    pub(crate) decisions: Decisions,
    pub(crate) at: Epoch,
    pub(crate) seq: u64,
}

fn defect(section: Section, index: usize, what: What) -> Defect {
    Defect { part: Part::Section(section), row: index as u64 + 1, what }
}

fn whole(section: Section, what: What) -> Defect {
    Defect { part: Part::Section(section), row: 0, what }
}

fn require(good: bool, defect: impl FnOnce() -> Defect) -> Result<(), Defect> {
    if good { Ok(()) } else { Err(defect()) }
}

/// Check the sections in their order.
pub(crate) fn fit(contents: &Contents) -> Result<Fitted<'_>, Defect> {
    let rules = rules(contents)?;
    facts(contents)?;
    let facts = Facts::new(contents.facts.clone()).map_err(|problem| misfit(&problem))?;
    let entities = Entities::new(contents.entities.clone())
        .map_err(|problem| whole(Section::Entities, What::Document(problem.to_string())))?;
    members(contents)?;
    claims(contents)?;
    let decisions = decisions(contents)?;
    observations(contents)?;
    let about = &contents.about;
    let late = contents.provenance.iter().position(|row| row.epoch > about.at);
    late.map_or(Ok(()), |index| Err(defect(Section::Provenance, index, What::Late)))?;
    Ok(Fitted { facts, entities, rules, decisions, at: about.at, seq: about.seq })
}

/// The version that holds at the epoch that was asked for, after all of them were checked.
fn rules(contents: &Contents) -> Result<&RuleSet, Defect> {
    let about = &contents.about;
    for (index, rules) in contents.rules.iter().enumerate() {
        let same = rules.competition.id == about.competition
            && rules.competition.network.as_str() == about.network.as_str();
        require(same, || defect(Section::Rules, index, What::Other))?;
    }
    if contents.rules.is_empty() {
        return Err(whole(Section::Rules, What::NoRules));
    }
    if let Err(problems) = Versions::new(contents.rules.clone()) {
        return Err(unchained(&problems));
    }
    let holds = contents.rules.iter().rev().find(|rules| rules.version.from <= about.at);
    holds.ok_or_else(|| whole(Section::Rules, What::NoRules))
}

/// The version that does not follow the one before: paths begin with `versions[n]`, and the first comes first.
fn unchained(problems: &Problems) -> Defect {
    let first = problems.iter().next();
    let index = first
        .and_then(|problem| problem.path.strip_prefix("versions["))
        .and_then(|path| path.split(']').next());
    let what = What::Document(first.map(ToString::to_string).unwrap_or_default());
    match index.and_then(|index| index.parse().ok()) {
        Some(index) => defect(Section::Rules, index, what),
        None => whole(Section::Rules, what),
    }
}

/// What [`Facts::new`] does not ask: that there is nothing that no result rests on.
fn facts(contents: &Contents) -> Result<(), Defect> {
    let read = series_read(&contents.rules);
    let mut row = 0;
    for (index, series) in contents.facts.series.iter().enumerate() {
        require(read.contains(series.name.as_str()), || defect(Section::Series, index, What::Unread))?;
    }
    for (_, steps) in contents.facts.series.iter().flat_map(|series| &series.steps.0) {
        row += steps.chunks(crate::export::STEPS).len();
        let late = steps.last().is_some_and(|(epoch, _)| *epoch > contents.about.at);
        require(!late, || defect(Section::Steps, row - 1, What::Late))?;
    }
    Ok(())
}

/// The section that a problem of the facts is in.
fn misfit(problem: &Problem) -> Defect {
    let mut words = problem.path.split('.');
    let section = match (words.next(), problem.path.contains(".steps.")) {
        (Some("deals"), _) => Section::Deals,
        (Some("sectors"), _) => Section::Sectors,
        (Some("series"), true) => Section::Steps,
        (Some("series"), false) => Section::Series,
        _ => Section::Participants,
    };
    whole(section, What::Document(problem.to_string()))
}

/// What [`Entities::new`] cannot see: that members are participants, and no entity has the id of one.
fn members(contents: &Contents) -> Result<(), Defect> {
    let participants = participants(contents);
    for (index, entity) in contents.entities.iter().enumerate() {
        require(!participants.contains(entity.id.as_str()), || {
            defect(Section::Entities, index, What::Twice)
        })?;
        let known = entity.members.iter().all(|member| participants.contains(member.participant.as_str()));
        require(known, || defect(Section::Entities, index, What::Stranger))?;
    }
    Ok(())
}

fn claims(contents: &Contents) -> Result<(), Defect> {
    let entities: HashSet<&str> = contents.entities.iter().map(|entity| entity.id.as_str()).collect();
    let participants = participants(contents);
    for (index, claim) in contents.claims.iter().enumerate() {
        let entity = entities.contains(claim.effect.entity.as_str());
        let participant = claim.effect.participant.as_ref();
        let known =
            entity && participant.is_none_or(|participant| participants.contains(participant.as_str()));
        require(known, || defect(Section::Claims, index, What::Stranger))?;
    }
    Ok(())
}

fn participants(contents: &Contents) -> HashSet<&str> {
    contents.facts.participants.iter().map(|participant| participant.id.as_str()).collect()
}

fn decisions(contents: &Contents) -> Result<Decisions, Defect> {
    let mut previous = None;
    let mut decisions = Vec::with_capacity(contents.decisions.len());
    for (index, row) in contents.decisions.iter().enumerate() {
        let at = |what| defect(Section::Decisions, index, what);
        let entry = |member: &str| row.entry.get(member);
        let number = index as u64 + 1;
        require(row.seq == number && entry("seq").and_then(Value::as_u64) == Some(number), || {
            at(What::Number)
        })?;
        let said = entry("previous").map(|hash| hash.as_str().and_then(|hash| hash.parse::<Digest>().ok()));
        let chained = row.previous == previous && said == previous.map(Some);
        require(chained, || at(What::Chain))?;
        let hash = canonical::hash(&row.entry).map_err(|why| at(What::Document(why.to_string())))?;
        require(row.hash == hash, || at(What::Chain))?;
        require(means(row), || at(What::Effect))?;
        previous = Some(hash);
        decisions.push(Decision { effect: row.effect.clone(), seq: row.seq });
    }
    let count = decisions.len() as u64;
    require(count == contents.about.seq, || whole(Section::Decisions, What::Ledger(contents.about.seq)))?;
    Decisions::new(decisions).map_err(|why| whole(Section::Decisions, What::Document(why.to_string())))
}

/// An effect is the act itself, without what only people read; other acts are notes, but taking a competition up again removes what lies between.
fn means(row: &LedgerRow) -> bool {
    let Some(act) = row.entry.get("act") else { return false };
    let Ok(Value::Object(effect)) = serde_json::to_value(&row.effect) else { return false };
    let same = effect.iter().all(|(member, value)| act.get(member) == Some(value));
    let kind = act.get("kind").and_then(Value::as_str);
    let counts = kind.is_some_and(|kind| Effect::KINDS.contains(&kind));
    match &row.effect {
        _ if same => true,
        Effect::RemoveInterval { .. } => kind == Some("resume"),
        Effect::Note {} => kind != Some("resume") && !counts,
        _ => false,
    }
}

fn observations(contents: &Contents) -> Result<(), Defect> {
    let participants = participants(contents);
    let series: HashSet<&str> = contents.facts.series.iter().map(|series| series.name.as_str()).collect();
    for (index, row) in contents.observations.iter().enumerate() {
        let known = participants.contains(row.participant.as_str()) && series.contains(row.series.as_str());
        require(known, || defect(Section::Observations, index, What::Stranger))?;
        require(row.epoch <= contents.about.at, || defect(Section::Observations, index, What::Late))?;
    }
    Ok(())
}
