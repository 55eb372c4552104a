use apogee_domain::Digest;
use apogee_rules::RuleSet;

use super::decisions;
use crate::competition::Competition;
use crate::entry::Entry;
use crate::records::Phase;
use crate::refusal::{Kind, Refusal, ensure};

/// Whether a version of the rules may be published (`docs/rules.md` §8).
pub(crate) fn check(
    competition: &Competition,
    entry: &Entry,
    rules: &RuleSet,
    simulation: Option<&Digest>,
) -> Result<(), Refusal> {
    let before_final = [Phase::Draft, Phase::Registration, Phase::Running, Phase::Ended, Phase::Provisional];
    super::phase(competition, &before_final)?;
    let path = "act.rules.competition";
    ensure(
        rules.competition.id == competition.id,
        Kind::OtherCompetition,
        path,
        || format!("they are rules of {}", rules.competition.id),
        "publish them there",
    )?;
    let network = competition.founding.as_ref().map(|founding| &founding.network);
    ensure(
        Some(&rules.competition.network) == network,
        Kind::OtherNetwork,
        path,
        || format!("they are rules for {}", rules.competition.network),
        "publish them on that network",
    )?;
    let before = competition.rules.last();
    let (number, supersedes) = before.map_or((1, None), |b| (b.rules.version.number + 1, Some(b.hash)));
    ensure(
        rules.version.number == number && rules.version.supersedes == supersedes,
        Kind::RulesNotNext,
        "act.rules.version",
        || match supersedes {
            Some(hash) => format!("version {number} is next and supersedes {hash}"),
            None => "version 1 is next and supersedes nothing".to_owned(),
        },
        "number the version and name the hash of the one before",
    )?;
    ensure(
        simulation.is_some() || number == 1,
        Kind::SimulationMissing,
        "act.simulation",
        || "a change of rules needs the hash of the report of what it does to everybody".to_owned(),
        "simulate the change first",
    )?;
    let past = rules.version.from < entry.epoch;
    ensure(
        rules.version.retroactive == past,
        Kind::RetroactiveMismatch,
        "act.rules.version.retroactive",
        || format!("they hold from epoch {}, and this is epoch {}", rules.version.from, entry.epoch),
        "say that they are retroactive where they are, or let them hold from a later epoch",
    )?;
    if let (Some(before), true) = (before, competition.stamps.started.is_some()) {
        let (old, new) = (&before.rules.competition, &rules.competition);
        ensure(
            old.start == new.start && old.end == new.end,
            Kind::DatesFixed,
            "act.rules.competition",
            || format!("it runs from epoch {} to {}", old.start, old.end),
            "keep the dates; move the end by a decision",
        )?;
    }
    let live = competition.live();
    let held = competition.decisions.iter().filter(|(seq, _)| live.contains(seq));
    for (seq, act) in held {
        decisions::known(act, rules).map_err(|what| {
            let wrong = format!("decision #{seq} is live and names {what}, which these rules do not have");
            Refusal::new(
                Kind::UnknownInRules,
                "act.rules",
                wrong,
                "keep it in the rules, or revert the decision first",
            )
        })?;
    }
    Ok(())
}
