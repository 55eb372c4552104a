use apogee_domain::Digest;
use apogee_rules::Quantity;

use crate::act::Act;
use crate::blockers;
use crate::competition::Competition;
use crate::entry::{Entry, payout_commitment};
use crate::parts::{Payee, Pin};
use crate::records::{Phase, Published};
use crate::refusal::{Kind, Refusal, ensure};
use crate::text;

const RUNS_TO_PROVISIONAL: &[Phase] = &[Phase::Running, Phase::Ended, Phase::Provisional];

pub(crate) fn check(competition: &Competition, entry: &Entry) -> Result<(), Refusal> {
    let phase = |phases: &[Phase]| super::phase(competition, phases);
    match &entry.act {
        Act::OpenRegistration => phase(&[Phase::Draft]).and_then(|()| has_rules(competition)),
        Act::Start => {
            phase(&[Phase::Registration])?;
            has_rules(competition)?;
            reached(entry, competition.start(), "start")
        }
        Act::Pause { incident, from } => pause(competition, entry, *incident, *from),
        Act::Resume { from } => {
            let Some(pause) = competition.paused() else {
                return Err(Refusal::new(Kind::WrongState, "act", "it is not paused", "pause it first"));
            };
            ensure(
                pause.from <= *from && *from <= entry.epoch,
                Kind::BadInterval,
                "act.from",
                || format!("it is paused since epoch {}, and this is epoch {}", pause.from, entry.epoch),
                "choose an epoch between the two",
            )
        }
        Act::Freeze { pin } => {
            phase(RUNS_TO_PROVISIONAL)?;
            ensure(
                competition.frozen.is_none(),
                Kind::AlreadyDone,
                "act",
                || "standings are frozen".to_owned(),
                "thaw them first",
            )?;
            pinned(competition, entry, pin)
        }
        Act::Thaw => ensure(
            competition.frozen.is_some(),
            Kind::WrongState,
            "act",
            || "standings are not frozen".to_owned(),
            "freeze them first",
        ),
        Act::End => {
            phase(&[Phase::Running])?;
            ensure(
                competition.paused().is_none(),
                Kind::WrongState,
                "act",
                || "it is paused".to_owned(),
                "resume it first: what the pause leaves out has to be decided",
            )?;
            reached(entry, competition.end(), "end")
        }
        Act::Provisional { until } => {
            phase(&[Phase::Ended])?;
            super::interval(entry.epoch, *until, "act.until")?;
            super::notice(competition, entry, *until, "leave more time for appeals")
        }
        Act::Finalize { pin, shadow } => {
            phase(&[Phase::Provisional])?;
            last_word(competition, entry, (pin, shadow))
        }
        Act::Amend { pin, shadow } => {
            phase(&[Phase::Final, Phase::Paid])?;
            let same = competition.finals.last().is_some_and(|last| last.pin.root == pin.root);
            ensure(
                !same,
                Kind::AlreadyDone,
                "act.pin.root",
                || "these are the final standings".to_owned(),
                "decide something first",
            )?;
            last_word(competition, entry, (pin, shadow))
        }
        Act::ApprovePayout { version, total, .. } => {
            phase(&[Phase::Final, Phase::Paid])?;
            ensure(
                usize::try_from(*version).is_ok_and(|version| version == competition.finals.len()),
                Kind::NoSuchEntry,
                "act.version",
                || format!("version {} of the final standings holds", competition.finals.len()),
                "approve the payout of the version that holds",
            )?;
            over_paid(competition.paid <= *total, "act.total", competition.paid, *total)
        }
        Act::Pay { amount, transactions, payees } => {
            pay(competition, *amount, transactions)?;
            payees.as_deref().map_or(Ok(()), |payees| paid_to(*amount, payees))
        }
        Act::OpenPayoutAddresses { openings } => {
            phase(&[Phase::Final, Phase::Paid])?;
            super::list(openings.len(), "act.openings")?;
            openings.iter().enumerate().try_for_each(|(index, opening)| {
                let path = format!("act.openings[{index}]");
                super::line(&opening.address, &path)?;
                let entity = competition.entities.get(&opening.entity);
                let commitment = payout_commitment(&opening.salt, &opening.address);
                ensure(
                    entity
                        .is_some_and(|entity| entity.payout == Some(commitment) && entity.address.is_none())
                        && openings.iter().skip(index + 1).all(|other| other.entity != opening.entity),
                    Kind::BadOpening,
                    &path,
                    || format!("{} committed to another address, to none, or has shown it", opening.entity),
                    "open each commitment once, with the salt and address it was made of",
                )
            })
        }
        Act::Archive => phase(&[Phase::Paid, Phase::Cancelled]),
        Act::Cancel => {
            phase(&[Phase::Draft, Phase::Registration, Phase::Running, Phase::Ended, Phase::Provisional])
        }
        Act::AnswerAppeal { appeal, decision, .. } => {
            let Some(found) = competition.appeals.get(appeal) else {
                let wrong = format!("#{appeal} is no appeal");
                return Err(Refusal::new(
                    Kind::NoSuchEntry,
                    "act.appeal",
                    wrong,
                    "name the number of an appeal",
                ));
            };
            ensure(
                found.answered.is_none(),
                Kind::AlreadyDone,
                "act.appeal",
                || format!("#{appeal} has been answered"),
                "answer an open appeal",
            )?;
            ensure(
                decision.is_none_or(|decision| competition.decisions.contains_key(&decision)),
                Kind::NoSuchEntry,
                "act.decision",
                || "that is no earlier decision".to_owned(),
                "take the decision first",
            )
        }
        Act::Announce { title, text } => {
            title.check("act.title", text::TITLE)?;
            text.check("act.text", text::TEXT)
        }
        Act::Incident { title, text, from } => {
            title.check("act.title", text::TITLE)?;
            text.check("act.text", text::TEXT)?;
            ensure(
                *from <= entry.epoch,
                Kind::TooEarly,
                "act.from",
                || format!("this is epoch {}", entry.epoch),
                "announce what is to come; an incident has begun",
            )
        }
        Act::CloseIncident { incident, until } => {
            let Some(found) = competition.incidents.get(incident) else {
                let wrong = format!("#{incident} is no incident");
                return Err(Refusal::new(
                    Kind::NoSuchEntry,
                    "act.incident",
                    wrong,
                    "name the number of an incident",
                ));
            };
            ensure(
                found.until.is_none(),
                Kind::AlreadyDone,
                "act.incident",
                || format!("#{incident} has been closed"),
                "close an open incident",
            )?;
            ensure(
                found.from <= *until && *until <= entry.epoch,
                Kind::BadInterval,
                "act.until",
                || format!("it began at epoch {}, and this is epoch {}", found.from, entry.epoch),
                "choose an epoch between the two",
            )
        }
        Act::Upgrade { title, .. } => title.check("act.title", text::TITLE),
        // The others are not steps of a life; they have guards of their own.
        _ => Ok(()),
    }
}

pub(super) fn has_rules(competition: &Competition) -> Result<(), Refusal> {
    ensure(
        !competition.rules.is_empty(),
        Kind::NoSuchRules,
        "act",
        || "no rules have been published".to_owned(),
        "publish rules first",
    )
}

fn reached(entry: &Entry, epoch: Option<apogee_domain::Epoch>, what: &str) -> Result<(), Refusal> {
    ensure(
        epoch.is_some_and(|epoch| entry.epoch >= epoch),
        Kind::TooEarly,
        "entry.epoch",
        || format!("this is epoch {}, before its {what}", entry.epoch),
        "wait until the chain is there",
    )
}

fn pause(
    competition: &Competition,
    entry: &Entry,
    incident: u64,
    from: apogee_domain::Epoch,
) -> Result<(), Refusal> {
    super::phase(competition, &[Phase::Running])?;
    ensure(
        competition.paused().is_none(),
        Kind::AlreadyDone,
        "act",
        || "it is paused".to_owned(),
        "resume it first",
    )?;
    ensure(
        competition.incidents.get(&incident).is_some_and(|incident| incident.until.is_none()),
        Kind::NoSuchEntry,
        "act.incident",
        || format!("#{incident} is no open incident"),
        "open an incident, and name it",
    )?;
    let start = competition.start();
    let resumed = competition.stamps.paused_intervals.last().and_then(|pause| pause.until);
    ensure(
        start.is_some_and(|start| start < from)
            && resumed.is_none_or(|until| until <= from)
            && from <= entry.epoch,
        Kind::BadInterval,
        "act.from",
        || format!("this is epoch {}", entry.epoch),
        "choose an epoch after the start and after the pause before, that has been reached",
    )
}

/// Whether a pin names what there is.
fn pinned(competition: &Competition, entry: &Entry, pin: &Pin) -> Result<(), Refusal> {
    let published = |p: &Published| p.hash == pin.rules && p.moment.seq <= pin.seq;
    let known = competition.rules.iter().any(published);
    let time = competition.start().is_some_and(|start| (start..=entry.epoch).contains(&pin.at));
    ensure(
        known && time && pin.seq < entry.seq,
        Kind::BadPin,
        "act.pin",
        || "it names an epoch, rules or entry that there are not".to_owned(),
        "pin standings that were shown",
    )
}

fn last_word(
    competition: &Competition,
    entry: &Entry,
    (pin, shadow): (&Pin, &Digest),
) -> Result<(), Refusal> {
    pinned(competition, entry, pin)?;
    let holds = competition.rules_at(pin.at).map(|published| published.hash);
    let last = competition.end().map(|end| end.minus(1));
    ensure(
        Some(pin.at) == last && holds == Some(pin.rules) && pin.seq + 1 == entry.seq,
        Kind::BadPin,
        "act.pin",
        || {
            "final standings are of the last epoch, under the rules that hold there, and after the last entry"
                .to_owned()
        },
        "compute the standings of the last epoch again",
    )?;
    let blockers = blockers::in_ledger(competition, entry.epoch, Some((&pin.root, shadow)));
    blockers::refuse(blockers)
}

fn over_paid(good: bool, path: &str, paid: Quantity, total: Quantity) -> Result<(), Refusal> {
    ensure(
        good,
        Kind::OverPaid,
        path,
        || format!("{paid} atto are paid, and {total} are approved"),
        "approve what was paid, or pay what was approved",
    )
}

fn pay(competition: &Competition, amount: Quantity, transactions: &[String]) -> Result<(), Refusal> {
    super::phase(competition, &[Phase::Final])?;
    let Some(payout) = &competition.payout else {
        return Err(Refusal::new(Kind::WrongState, "act", "no payout is approved", "approve it first"));
    };
    super::list(transactions.len(), "act.transactions")?;
    transactions.iter().try_for_each(|transaction| super::line(transaction, "act.transactions"))?;
    ensure(
        !transactions.is_empty() && amount > Quantity::ZERO,
        Kind::Malformed,
        "act",
        || "a payment has an amount and a transaction".to_owned(),
        "name both",
    )?;
    let paid = competition.paid.0.checked_add(amount.0);
    over_paid(paid.is_some_and(|paid| paid <= payout.total.0), "act.amount", competition.paid, payout.total)
}

/// Whether those who were paid got what was paid.
fn paid_to(amount: Quantity, payees: &[Payee]) -> Result<(), Refusal> {
    super::list(payees.len(), "act.payees")?;
    let sum = payees.iter().try_fold(0, |sum: u128, payee| sum.checked_add(payee.amount.0));
    ensure(
        sum == Some(amount.0)
            && payees.iter().all(|payee| payee.amount > Quantity::ZERO)
            && payees.is_sorted_by(|a, b| a.entity < b.entity),
        Kind::Malformed,
        "act.payees",
        || {
            format!(
                "each stands once, in the order of their ids, with a part of {amount} atto, all of them together with all of it"
            )
        },
        "name every payee with its amount, or none",
    )
}
