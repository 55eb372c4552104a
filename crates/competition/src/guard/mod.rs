//! Which entry may follow which: guards that read nothing but the ledger, so that everybody who folds it comes to the same end.

pub(crate) mod claims;
mod decisions;
mod lifecycle;
mod rules;

use apogee_domain::Epoch;
use apogee_rules::Id;

use crate::act::{Act, Needs};
use crate::competition::Competition;
use crate::entry::{Entry, Signed};
use crate::operator;
use crate::records::Phase;
use crate::refusal::{Kind, Refusal, ensure};
use crate::text;

/// Most items of a list in an act, and most pieces of evidence.
const LIST: usize = 1_000;
/// Longest piece of evidence, transaction or address, in bytes.
const LINE: usize = 512;
/// Most operators.
const OPERATORS: usize = 32;

/// Whether `entry` may be the next one.
pub(crate) fn check(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    follows(competition, entry)?;
    open(competition, entry)?;
    approvers(competition, entry)?;
    words(entry)?;
    preview(competition, entry)?;
    act(competition, entry)
}

fn follows(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    let remedy = "propose the act again, on top of the ledger as it is";
    ensure(
        entry.competition == competition.id,
        Kind::OtherCompetition,
        "entry.competition",
        || format!("this is the ledger of {}", competition.id),
        remedy,
    )?;
    let seq = competition.seq() + 1;
    ensure(entry.seq == seq, Kind::NotNext, "entry.seq", || format!("number {seq} is next"), remedy)?;
    let previous = competition.head.map(|(_, hash)| hash);
    ensure(
        entry.previous == previous,
        Kind::NotNext,
        "entry.previous",
        || {
            previous
                .map_or_else(|| "nothing stands before".to_owned(), |hash| format!("{hash} stands before"))
        },
        remedy,
    )?;
    let Some((last, _)) = competition.head else { return Ok(()) };
    ensure(
        entry.time >= last.time,
        Kind::NotNext,
        "entry.time",
        || format!("the entry before is of {}", last.time),
        remedy,
    )?;
    ensure(
        entry.epoch >= last.epoch,
        Kind::NotNext,
        "entry.epoch",
        || format!("the entry before is of epoch {}", last.epoch),
        remedy,
    )
}

fn open(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    let founded = competition.founding.is_some();
    let founds = matches!(entry.act, Act::Found { .. });
    ensure(
        founded != founds,
        Kind::NotFounded,
        "act",
        || format!("the competition {}", if founded { "has been founded" } else { "has not been founded" }),
        "the first entry, and no other, founds",
    )?;
    let may = match competition.phase() {
        Phase::Archived => false,
        Phase::Cancelled => matches!(entry.act, Act::Announce { .. } | Act::Archive),
        _ => true,
    };
    ensure(may, Kind::Closed, "act", || "nothing follows any more".to_owned(), "found another competition")
}

fn approvers(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    let path = "entry.approvers";
    if let Act::Claim { proof, .. } = &entry.act {
        return ensure(
            entry.approvers.is_empty() && entry.actor == proof.miner,
            Kind::BadOperators,
            path,
            || "a claim is the miner's, and no operator approves it".to_owned(),
            "submit the signed message",
        );
    }
    ensure(
        entry.approvers.is_sorted_by(|a, b| a < b) && entry.approvers.contains(&entry.actor),
        Kind::BadOperators,
        path,
        || "they stand once each in the order of their ids, the actor among them".to_owned(),
        "sort them",
    )?;
    let (all, threshold): (Vec<&Id>, u32) = match (&entry.act, &competition.founding) {
        (Act::Found { operators, threshold, .. }, _) => {
            (operators.iter().map(|o| &o.id).collect(), *threshold)
        }
        (_, founding) => {
            (competition.operators.keys().collect(), founding.as_ref().map_or(0, |f| f.threshold))
        }
    };
    if let Some(stranger) = entry.approvers.iter().find(|id| !all.contains(id)) {
        let wrong = format!("{stranger} is not an operator");
        return Err(Refusal::new(Kind::NotAnOperator, path, wrong, "let operators of this competition sign"));
    }
    let needed = match entry.act.needs() {
        Needs::Nobody => 0,
        Needs::One => 1,
        Needs::Threshold => usize::try_from(threshold).unwrap_or(usize::MAX),
        Needs::Everybody => all.len(),
    };
    ensure(
        entry.approvers.len() >= needed,
        Kind::MoreOperatorsNeeded,
        path,
        || format!("{} of {needed} operators", entry.approvers.len()),
        "let others sign the same entry",
    )
}

/// Whether every approver signed, and nobody else.
pub(crate) fn signatures(competition: &Competition, signed: &Signed) -> Result<(), Refusal> {
    let entry = &signed.entry;
    ensure(
        signed.signatures.iter().map(|approval| &approval.operator).eq(&entry.approvers),
        Kind::BadOperatorSignature,
        "signatures",
        || "they are not those of the approvers, in their order".to_owned(),
        "let every approver sign once",
    )?;
    for approval in &signed.signatures {
        let key = match &entry.act {
            Act::Found { operators, .. } => {
                operators.iter().find(|o| o.id == approval.operator).map(|o| &o.key)
            }
            _ => competition.operators.get(&approval.operator),
        };
        ensure(
            key.is_some_and(|key| operator::verifies(key, &signed.hash, &approval.signature)),
            Kind::BadOperatorSignature,
            "signatures",
            || format!("that of {} does not verify", approval.operator),
            "sign the hash of the entry with the operator's key",
        )?;
    }
    Ok(())
}

fn words(entry: &Entry) -> Result<(), Refusal> {
    let claim = matches!(entry.act, Act::Claim { .. });
    ensure(
        entry.reason.is_some() != claim && !(claim && entry.private.is_some()),
        Kind::ReasonMissing,
        "entry.reason",
        || if claim { "a claim has no reason of an operator" } else { "there is none" }.to_owned(),
        "say why, in words for everybody",
    )?;
    if let Some(reason) = &entry.reason {
        text::check(reason, "entry.reason", text::TEXT)?;
    }
    list(entry.evidence.len(), "entry.evidence")?;
    entry.evidence.iter().try_for_each(|evidence| line(evidence, "entry.evidence"))
}

pub(crate) fn list(length: usize, path: &str) -> Result<(), Refusal> {
    ensure(
        length <= LIST,
        Kind::Malformed,
        path,
        || format!("{length} items, where {LIST} are allowed"),
        "use several acts",
    )
}

pub(crate) fn line(line: &str, path: &str) -> Result<(), Refusal> {
    ensure(
        !line.is_empty() && line.len() <= LINE && line.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
        Kind::BadText,
        path,
        || format!("1 to {LINE} ASCII characters on one line belong here"),
        "write an address, CID or epoch",
    )
}

pub(crate) fn interval(from: Epoch, until: Epoch, path: &str) -> Result<(), Refusal> {
    ensure(
        from < until,
        Kind::BadInterval,
        path,
        || format!("{from} to {until} holds no epoch"),
        "let it begin before it ends",
    )
}

/// Decisions from the start on are taken with their effect on everybody in view; before, there are no standings to change.
fn preview(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    let needed = entry.act.is_decision() && competition.start().is_some_and(|start| entry.epoch >= start);
    ensure(
        entry.preview.is_some() || !needed,
        Kind::EffectMissing,
        "entry.preview",
        || "a decision needs the hash of the report of what it does to every rank and amount".to_owned(),
        "preview the decision first",
    )
}

fn act(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    match &entry.act {
        Act::Found { domain, operators, threshold, .. } => {
            line(domain, "act.domain")?;
            let enough =
                usize::try_from(*threshold).is_ok_and(|threshold| (2..=operators.len()).contains(&threshold));
            let keys_differ = operators
                .iter()
                .enumerate()
                .all(|(i, a)| operators.iter().skip(i + 1).all(|b| a.key != b.key));
            ensure(
                enough
                    && operators.len() <= OPERATORS
                    && keys_differ
                    && operators.is_sorted_by(|a, b| a.id < b.id)
                    && operators.iter().all(|o| operator::usable(&o.key)),
                Kind::BadOperators,
                "act.operators",
                || {
                    format!(
                        "there are 2 to {OPERATORS}, in the order of their ids, with different keys, and a threshold of 2 up to all of them"
                    )
                },
                "name two people at least, each with a key",
            )
        }
        Act::Appoint { operator } => ensure(
            !competition.used.0.contains(&operator.id)
                && !competition.used.1.contains(&operator.key)
                && competition.operators.len() < OPERATORS
                && operator::usable(&operator.key),
            Kind::BadOperators,
            "act.operator",
            || "the name or key has been used, is no key, or there are too many operators".to_owned(),
            "choose another name and a fresh key",
        ),
        Act::Dismiss { operator } => {
            ensure(
                competition.operators.contains_key(operator),
                Kind::NotAnOperator,
                "act.operator",
                || format!("{operator} is not an operator"),
                "name an operator",
            )?;
            let threshold = competition.founding.as_ref().map_or(0, |founding| founding.threshold);
            ensure(
                competition.operators.len() > usize::try_from(threshold).unwrap_or(usize::MAX),
                Kind::BadOperators,
                "act.operator",
                || "too few would be left to reach the threshold".to_owned(),
                "appoint somebody first",
            )
        }
        Act::PublishRules { rules, simulation } => {
            rules::check(competition, entry, &rules.0, simulation.as_ref())
        }
        Act::Claim { message, proof, consent, region } => {
            let message = message.parse()?;
            claims::message(competition, &message, entry.epoch)?;
            claims::proofs(competition, &message, (proof, consent.as_ref()))?;
            claims::grouping(competition, &message, region.as_ref(), entry.epoch)
        }
        act if act.is_decision() && !matches!(act, Act::Resume { .. }) => {
            decisions::check(competition, entry)
        }
        _ => lifecycle::check(competition, entry),
    }
}

/// Whether what is to happen at `until` was said as long before as the founding promised.
pub(crate) fn notice(
    competition: &Competition,
    entry: &Entry,
    until: Epoch,
    remedy: &'static str,
) -> Result<(), Refusal> {
    let notice = competition.founding.as_ref().map_or(0, |founding| founding.notice);
    ensure(
        until >= entry.epoch.plus(notice),
        Kind::NoticeTooShort,
        "act.until",
        || format!("epoch {until} is less than the {notice} epochs away that were promised"),
        remedy,
    )
}

/// `Ok` if the competition is in one of these phases.
pub(crate) fn phase(competition: &Competition, phases: &[Phase]) -> Result<(), Refusal> {
    let now = competition.phase();
    ensure(
        phases.contains(&now),
        Kind::WrongState,
        "act",
        || format!("the competition is {}", format!("{now:?}").to_lowercase()),
        "wait for its time, or do what comes before",
    )
}
