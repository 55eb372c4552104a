use std::sync::Arc;

use crate::act::Act;
use crate::claim::{Action, Message};
use crate::competition::Competition;
use crate::entry::{Entry, Signed};
use crate::guard;
use crate::parts::Payee;
use crate::records::{
    Appeal, Competitor, Final, Founding, Incident, Membership, Moment, PausedInterval, Payout, Published,
    RemovedInterval,
};
use crate::refusal::{Kind, Refusal};
use crate::timeline::Event;
use apogee_domain::Digest;
use apogee_rules::{Id, Quantity, canonical};

/// An entry that cannot stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry #{seq} of the ledger does not stand")]
pub struct Broken {
    /// Its place, counted from 1.
    pub seq: u64,
    /// Why.
    #[source]
    pub refusal: Refusal,
}

/// What a ledger says: the competition after all its entries.
///
/// Hashes, chain, operators' signatures and guards are checked; signatures of claims are not ([`audit`](crate::audit)).
///
/// # Errors
/// The first entry that does not stand.
pub fn fold<'a>(id: Id, entries: impl IntoIterator<Item = &'a Signed>) -> Result<Competition, Broken> {
    let mut competition = Competition::new(id);
    for signed in entries {
        let seq = competition.seq() + 1;
        competition.append(signed).map_err(|refusal| Broken { seq, refusal })?;
    }
    Ok(competition)
}

impl Competition {
    /// Let an entry follow.
    ///
    /// # Errors
    /// Why it cannot; nothing has changed then.
    pub fn append(&mut self, signed: &Signed) -> Result<(), Refusal> {
        if signed.entry.hash()? != signed.hash {
            let remedy = "take the ledger from somewhere else: this one was altered";
            return Err(Refusal::new(Kind::WrongHash, "hash", "the hash is not that of the entry", remedy));
        }
        guard::check(self, &signed.entry)?;
        guard::signatures(self, signed)?;
        self.take(&signed.entry, signed.hash)
    }

    /// The competition as it would be after an entry that nobody has signed yet: what the entry's effect is computed from.
    ///
    /// # Errors
    /// Why the entry cannot follow.
    pub fn after(&self, entry: &Entry) -> Result<Self, Refusal> {
        guard::check(self, entry)?;
        let mut after = self.clone();
        after.take(entry, entry.hash()?)?;
        Ok(after)
    }

    /// Make the changes of an entry that was checked.
    fn take(&mut self, entry: &Entry, hash: Digest) -> Result<(), Refusal> {
        // All that can fail comes before the first change.
        let claim = match &entry.act {
            Act::Claim { message, region, .. } => Some((message.parse::<Message>()?, region.clone())),
            _ => None,
        };
        let rules = match &entry.act {
            Act::PublishRules { rules, .. } => {
                let hash = canonical::hash(&rules.0).map_err(|e| {
                    Refusal::new(
                        Kind::BadRules,
                        "act.rules",
                        e.to_string(),
                        "write the rules in canonical form",
                    )
                })?;
                Some(hash)
            }
            _ => None,
        };
        let moment = Moment { seq: entry.seq, epoch: entry.epoch, time: entry.time };
        match (claim, rules) {
            (Some((message, region)), _) => self.apply_claim(moment, message, region),
            (None, Some(hash)) => self.publish(moment, &entry.act, hash),
            (None, None) => self.apply(moment, entry),
        }
        if entry.act.is_decision() {
            self.decide(entry);
        }
        self.timeline.push(Event::of(entry));
        self.head = Some((moment, hash));
        Ok(())
    }

    fn publish(&mut self, moment: Moment, act: &Act, hash: Digest) {
        if let Act::PublishRules { rules, simulation } = act {
            let rules = Arc::new((*rules.0).clone());
            self.rules.push(Published { rules, hash, simulation: *simulation, moment });
        }
    }

    fn decide(&mut self, entry: &Entry) {
        let act = match (&entry.act, self.stamps.paused_intervals.last()) {
            // What a pause left out is removed once it is known how much that is.
            (Act::Resume { from }, Some(pause)) if pause.from < *from => Act::RemoveInterval {
                from: pause.from,
                until: *from,
                metrics: Vec::new(),
                regions: Vec::new(),
            },
            (Act::Resume { .. }, _) => return,
            (act, _) => act.clone(),
        };
        self.decisions.insert(entry.seq, act);
        let live = self.live();
        let removed =
            self.decisions.iter().filter(|(seq, _)| live.contains(seq)).filter_map(|(seq, act)| match act {
                Act::RemoveInterval { from, until, metrics, regions } => Some(RemovedInterval {
                    seq: *seq,
                    from: *from,
                    until: *until,
                    metrics: metrics.clone(),
                    regions: regions.clone(),
                }),
                _ => None,
            });
        self.stamps.removed_intervals = removed.collect();
    }

    fn apply(&mut self, moment: Moment, entry: &Entry) {
        match &entry.act {
            Act::Found { network, domain, operators, threshold, notice } => {
                let (network, domain) = (network.clone(), domain.clone());
                self.founding = Some(Founding { network, domain, threshold: *threshold, notice: *notice });
                operators.iter().for_each(|operator| self.admit(operator.id.clone(), operator.key));
            }
            Act::Appoint { operator } => self.admit(operator.id.clone(), operator.key),
            Act::Dismiss { operator } => {
                self.operators.remove(operator);
            }
            Act::OpenRegistration => self.stamps.registration_opened = Some(moment),
            Act::Start => self.stamps.started = Some(moment),
            Act::Pause { incident, from } => {
                let pause = PausedInterval { seq: moment.seq, incident: *incident, from: *from, until: None };
                self.stamps.paused_intervals.push(pause);
            }
            Act::Resume { from } => {
                if let Some(pause) = self.stamps.paused_intervals.last_mut() {
                    pause.until = Some(*from);
                }
            }
            Act::Freeze { pin } => {
                self.frozen = Some(pin.clone());
                self.stamps.frozen = Some(moment);
            }
            Act::Thaw => self.thaw(moment),
            Act::End => self.stamps.ended = Some(moment),
            Act::Provisional { until } => {
                self.stamps.provisional = Some(moment);
                self.stamps.provisional_until = Some(*until);
            }
            Act::Finalize { pin, .. } | Act::Amend { pin, .. } => {
                self.stamps.finalized = self.stamps.finalized.or(Some(moment));
                self.finals.push(Final { pin: pin.clone(), moment });
                self.payout = None;
            }
            Act::ApprovePayout { root, total, .. } => {
                self.payout = Some(Payout { root: *root, total: *total, seq: moment.seq });
                self.settle(moment);
            }
            Act::Pay { amount, payees, .. } => {
                self.paid = Quantity(self.paid.0.saturating_add(amount.0));
                self.paid_to = self.paid_to.take().zip(payees.as_ref()).map(|(mut paid, payees)| {
                    for Payee { entity, amount } in payees {
                        let sum = paid.entry(entity.clone()).or_insert(Quantity::ZERO);
                        *sum = Quantity(sum.0.saturating_add(amount.0));
                    }
                    paid
                });
                self.settle(moment);
            }
            Act::OpenPayoutAddresses { openings } => {
                for opening in openings {
                    if let Some(entity) = self.entities.get_mut(&opening.entity) {
                        entity.address = Some(opening.address.clone());
                    }
                }
            }
            Act::Archive => {
                self.archived = true;
                self.stamps.end_of_updates = self.stamps.end_of_updates.or(Some(moment));
            }
            Act::Cancel => {
                self.cancelled = true;
                // A thaw cannot follow any more.
                if self.frozen.is_some() {
                    self.thaw(moment);
                }
                self.stamps.end_of_updates = Some(moment);
            }
            Act::AnswerAppeal { appeal, .. } => {
                if let Some(appeal) = self.appeals.get_mut(appeal) {
                    appeal.answered = Some(moment.seq);
                }
            }
            Act::Incident { title, from, .. } => {
                self.incidents
                    .insert(moment.seq, Incident { title: title.clone(), from: *from, until: None });
            }
            Act::CloseIncident { incident, until } => {
                if let Some(incident) = self.incidents.get_mut(incident) {
                    incident.until = Some(*until);
                }
            }
            // The timeline and the decisions hold all there is to these.
            _ => {}
        }
    }

    fn admit(&mut self, id: Id, key: crate::Hex<32>) {
        self.used.0.insert(id.clone());
        self.used.1.insert(key);
        self.operators.insert(id, key);
    }

    fn thaw(&mut self, moment: Moment) {
        self.frozen = None;
        self.stamps.thawed = Some(moment);
    }

    fn settle(&mut self, moment: Moment) {
        if self.payout.as_ref().is_some_and(|payout| payout.total == self.paid) {
            self.stamps.paid = Some(moment);
        }
    }

    fn apply_claim(&mut self, moment: Moment, message: Message, region: Option<Id>) {
        self.nonces.entry(message.miner.clone()).or_default().insert(message.nonce);
        let Message { entity, miner, .. } = message;
        let member = Membership { participant: miner.clone(), region, from: moment.epoch, until: None };
        match message.action {
            Action::Claim { name, region, tracks } => {
                let members = vec![member];
                let registered = moment.epoch;
                let (payout, address) = (None, None);
                self.entities.insert(
                    entity,
                    Competitor { name, region, registered, tracks, members, payout, address },
                );
            }
            Action::Join => self.join(&entity, member),
            Action::Leave => self.leave(&entity, &miner, moment),
            Action::Transfer { from } => {
                self.leave(&from, &miner, moment);
                self.join(&entity, member);
            }
            Action::Rename { name } => {
                if let Some(entity) = self.entities.get_mut(&entity) {
                    entity.name = name;
                }
            }
            Action::SetPayoutAddress { commitment } => {
                if let Some(entity) = self.entities.get_mut(&entity) {
                    entity.payout = Some(commitment);
                }
            }
            Action::Appeal { about, text } => {
                self.appeals.insert(moment.seq, Appeal { entity, about, text, answered: None });
            }
        }
    }

    fn join(&mut self, entity: &Id, member: Membership) {
        if let Some(entity) = self.entities.get_mut(entity) {
            entity.members.push(member);
        }
    }

    fn leave(&mut self, entity: &Id, miner: &Id, moment: Moment) {
        let Some(entity) = self.entities.get_mut(entity) else { return };
        for member in &mut entity.members {
            if member.participant == *miner && member.until.is_none() {
                member.until = Some(moment.epoch);
            }
        }
        // Whoever leaves in the epoch of joining competed at no epoch.
        entity.members.retain(|member| member.until != Some(member.from));
    }
}
