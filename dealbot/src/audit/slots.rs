use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::{Epoch, Timestamp};
use apogee_store::SlotOutcome;

use super::What;
use super::facts::Facts;
use crate::deals::{Word, come_to, rested};
use crate::entry::{Attempted, Basis, Followed, Judged};
use crate::fault::Code;
use crate::judge::{Attempt, Canaries, Case, Outcome, Tried};
use crate::plan::Plan;
use crate::record::{Record, SlotId};
use crate::schedule::Kind;

/// An attempt of a slot that has no verdict yet.
#[derive(Debug)]
struct Over {
    entry: u64,
    /// When the controller heard of it.
    ended: Timestamp,
    attempt: Attempt,
}

/// The slots of one kind of a miner.
#[derive(Debug, Default)]
struct Lane {
    /// Those that were tried and have no verdict.
    tried: BTreeMap<u64, Vec<Over>>,
    /// Those that the chain decides.
    followed: BTreeSet<u64>,
    /// Those that have a verdict, above `done`.
    judged: BTreeSet<u64>,
    /// The first one that there is anything of, and the one up to which all before have verdicts.
    first: Option<u64>,
    done: u64,
    newest: Epoch,
    fence: u64,
}

/// The slots of all miners, and by which plan they are judged.
#[derive(Debug, Default)]
pub(super) struct Slots {
    plan: Option<Plan>,
    derived: bool,
    lanes: BTreeMap<Kind, BTreeMap<String, Lane>>,
}

fn wrong(slot: &SlotId, why: impl Into<String>) -> What {
    What::Slot { kind: slot.kind, miner: slot.miner.clone(), slot: slot.number, why: why.into() }
}

impl Slots {
    /// From now on they are judged by this plan; `derived`: whether its seed is the one that was committed to.
    pub(super) fn by(&mut self, plan: Plan, derived: bool) {
        (self.plan, self.derived) = (Some(plan), derived);
    }

    fn lane(&mut self, slot: &SlotId) -> &mut Lane {
        let lanes = self.lanes.entry(slot.kind).or_default();
        if !lanes.contains_key(&slot.miner) {
            lanes.insert(slot.miner.clone(), Lane::default());
        }
        lanes.entry(slot.miner.clone()).or_default()
    }

    /// An attempt is over.
    pub(super) fn tried(&mut self, entry: u64, of: &Attempted, record: Option<&Record>) -> Result<(), What> {
        let Some(plan) = &self.plan else { return Err(What::NoSettings) };
        if record.is_none() && of.code != Some(Code::LeaseExpired) {
            return Err(What::Other("end"));
        }
        let tried = Tried {
            number: of.attempt,
            bot: &of.bot,
            region: &of.region,
            leased: of.leased,
            ended: of.ended,
            code: of.code,
            record,
        };
        let attempt = tried.judged(plan);
        let lane = self.lane(&of.slot);
        // One at a time, each under a higher lease.
        if of.fence <= lane.fence {
            return Err(What::Twice("an attempt under this lease"));
        }
        lane.fence = of.fence;
        lane.begin(of.slot.number);
        let attempts = lane.tried.entry(of.slot.number).or_default();
        if attempts.iter().any(|other| other.attempt.number == of.attempt) {
            return Err(What::Twice("the attempt"));
        }
        attempts.push(Over { entry, ended: of.ended, attempt });
        Ok(())
    }

    /// A slot went well so far.
    pub(super) fn followed(&mut self, of: &Followed, at: Timestamp, facts: &mut Facts) -> Result<(), What> {
        let found = self.outcome(&of.slot, (of.due, at), of.basis, facts)?;
        let follows = self.plan.as_ref().is_some_and(|plan| plan.follows(of.slot.kind));
        let lane = self.lane(&of.slot);
        if found != Outcome::Success || !follows {
            return Err(wrong(&of.slot, format!("it is followed, but comes to {}", said(&found))));
        }
        if !lane.followed.insert(of.slot.number) {
            return Err(wrong(&of.slot, "it is followed already"));
        }
        Ok(())
    }

    /// It is known what became of a slot.
    pub(super) fn judged(
        &mut self,
        number: u64,
        of: &Judged,
        at: Timestamp,
        facts: &mut Facts,
    ) -> Result<(), What> {
        let slot = &of.slot;
        let checked = self.check(number, of, at, facts);
        let lane = self.lane(slot);
        let falls = of.epoch < lane.newest;
        lane.newest = lane.newest.max(of.epoch);
        lane.tried.remove(&slot.number);
        lane.followed.remove(&slot.number);
        if !lane.judge(slot.number) {
            return Err(wrong(slot, "it has a verdict already"));
        }
        if falls {
            return Err(wrong(slot, "it counts at an earlier epoch than a verdict before it"));
        }
        checked
    }

    fn check(&mut self, number: u64, of: &Judged, at: Timestamp, facts: &mut Facts) -> Result<(), What> {
        let slot = &of.slot;
        if of.basis.seen >= number {
            return Err(wrong(slot, "it rests on entries behind it"));
        }
        let Some(plan) = &self.plan else { return Err(What::NoSettings) };
        let (success_at, follows, agreeing) = (plan.success_at, plan.follows(slot.kind), plan.agreeing());
        let patience = (plan.fleet > 1).then(|| plan.measures.around());
        let found = match &of.deal {
            Some(deal) => {
                if !follows || !self.lane(slot).followed.contains(&slot.number) {
                    return Err(wrong(slot, "the chain decides it, but it was not followed"));
                }
                let rests = facts.rests(of.basis.seen, deal.start, slot);
                let rest = rested(&rests, (deal.made, deal.start));
                let late = matches!(deal.word, Word::Late { published: false });
                let away =
                    late && facts.without_data(slot, of.basis.seen, (deal.made, deal.start)) >= agreeing;
                if away != deal.away {
                    return Err(wrong(slot, "whether bots could have the data is not what the attempts say"));
                }
                come_to(success_at, deal.word, deal.around(rest))
            }
            None => {
                let found = self.outcome(slot, (of.due, at), of.basis, facts)?;
                let ended = self.lane(slot).tried.get(&slot.number).into_iter().flatten();
                let ended = ended.map(|over| over.ended).max();
                match (&found, ended.zip(patience)) {
                    (Outcome::Failure(_), Some((ended, patience)))
                        if at.0 < ended.0.saturating_add(patience) =>
                    {
                        return Err(wrong(slot, "it failed before others could have seen it otherwise"));
                    }
                    _ => {}
                }
                match found {
                    Outcome::Success if !follows => Some((SlotOutcome::Ok, None)),
                    Outcome::Failure(code) => Some((SlotOutcome::Fail, Some(code))),
                    Outcome::Excluded(code) => Some((SlotOutcome::Excluded, Some(code))),
                    other => {
                        return Err(wrong(
                            slot,
                            format!("it was not to be judged yet: it comes to {}", said(&other)),
                        ));
                    }
                }
            }
        };
        if found == Some((of.outcome, of.code)) {
            return Ok(());
        }
        let words = |(outcome, code): (SlotOutcome, Option<Code>)| {
            let code = code.map_or("", Code::as_str);
            format!("{} {code}", outcome.as_str()).trim_end().to_owned()
        };
        let found = found.map_or_else(|| "nothing yet".to_owned(), words);
        let told = words((of.outcome, of.code));
        Err(wrong(slot, format!("the verdict is {told}, but the evidence comes to {found}")))
    }

    /// What a slot comes to by the entries that were known.
    fn outcome(
        &mut self,
        slot: &SlotId,
        (due, at): (Timestamp, Timestamp),
        basis: Basis,
        facts: &mut Facts,
    ) -> Result<Outcome, What> {
        let Some(plan) = &self.plan else { return Err(What::NoSettings) };
        let window = plan.cadence(slot.kind).and_then(|cadence| cadence.window(slot.number));
        let Some((from, to)) = window else { return Err(wrong(slot, "there is no such slot")) };
        if due < from || due >= to {
            return Err(wrong(slot, "it is due outside of its interval"));
        }
        let derived =
            plan.cadence(slot.kind).and_then(|of| of.due(&plan.moments(), &slot.miner, slot.number));
        if self.derived && derived != Some(due) {
            return Err(wrong(slot, "it is due at another moment than the seed says"));
        }
        let lane = self.lanes.get(&slot.kind).and_then(|lanes| lanes.get(&slot.miner));
        let over = lane.and_then(|lane| lane.tried.get(&slot.number));
        let over: &[Over] = over.map_or(&[], Vec::as_slice);
        if over.iter().any(|over| over.entry > basis.seen) {
            return Err(wrong(slot, "an attempt that was over was not looked at"));
        }
        let outside = |over: &Over| over.attempt.started < basis.first || over.attempt.ended > basis.last;
        if over.iter().any(outside) {
            return Err(wrong(slot, "what was around its attempts was not looked at"));
        }
        // What nobody tried has nothing around it.
        let canaries = match over.is_empty() {
            true => Canaries::default(),
            false => facts.around(basis, plan)?.canaries.clone(),
        };
        let set_aside = |number| facts.is_set_aside(slot, number).then_some(Code::FleetCorrelated);
        let attempts: Vec<Attempt> = over
            .iter()
            .map(|over| Attempt { set_aside: set_aside(over.attempt.number), ..over.attempt.clone() })
            .collect();
        let (deadline, confirm) = plan.ends(slot.kind, slot.number);
        let rests = facts.rests(basis.seen, at, slot);
        let policy = plan.policy();
        let case = Case {
            due,
            deadline,
            confirm,
            attempts: &attempts,
            canaries: &canaries,
            rests: &rests,
            policy: &policy,
        };
        Ok(case.outcome(at))
    }

    /// How many were tried, or lie between others, and have no verdict.
    pub(super) fn open(&self) -> u64 {
        self.lanes.values().flat_map(BTreeMap::values).map(Lane::open).fold(0, u64::saturating_add)
    }
}

impl Lane {
    /// There is something of a slot.
    fn begin(&mut self, slot: u64) {
        if self.first.is_none() {
            (self.first, self.done) = (Some(slot), slot);
        }
    }

    /// A slot has a verdict. Whether it had none before.
    fn judge(&mut self, slot: u64) -> bool {
        self.begin(slot);
        if slot < self.done || !self.judged.insert(slot) {
            return false;
        }
        while self.judged.remove(&self.done) {
            self.done = self.done.saturating_add(1);
        }
        true
    }

    fn open(&self) -> u64 {
        let last = self.judged.last().max(self.tried.keys().last());
        let between = last.map_or(0, |last| last.saturating_add(1).saturating_sub(self.done));
        between.saturating_sub(self.judged.len() as u64)
    }
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Success => "ok".to_owned(),
        Outcome::Failure(code) => format!("fail {}", code.as_str()),
        Outcome::Excluded(code) => format!("excluded {}", code.as_str()),
        Outcome::Confirm { .. } => "another look".to_owned(),
        Outcome::Open { .. } => "nothing before more is known".to_owned(),
    }
}
