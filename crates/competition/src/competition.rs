use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Quantity};

use crate::Hex;
use crate::act::Act;
use crate::parts::Pin;
use crate::records::{
    Appeal, Competitor, Final, Founding, Incident, Membership, Moment, PausedInterval, Payout, Phase,
    Published, Timestamps,
};
use crate::timeline::Event;

/// A competition as its ledger tells it. Made by [`fold`](crate::fold), one entry after the other; nothing else changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Competition {
    pub(crate) id: Id,
    pub(crate) head: Option<(Moment, Digest)>,
    pub(crate) founding: Option<Founding>,
    pub(crate) operators: BTreeMap<Id, Hex<32>>,
    /// Names and keys that were ever used: neither comes back.
    pub(crate) used: (BTreeSet<Id>, BTreeSet<Hex<32>>),
    pub(crate) rules: Vec<Published>,
    pub(crate) stamps: Timestamps,
    pub(crate) frozen: Option<Pin>,
    pub(crate) finals: Vec<Final>,
    pub(crate) payout: Option<Payout>,
    pub(crate) paid: Quantity,
    /// What of it went to whom; `None` once a payment did not name its payees.
    pub(crate) paid_to: Option<BTreeMap<Id, Quantity>>,
    pub(crate) cancelled: bool,
    pub(crate) archived: bool,
    pub(crate) entities: BTreeMap<Id, Competitor>,
    pub(crate) nonces: BTreeMap<Id, BTreeSet<String>>,
    pub(crate) decisions: BTreeMap<u64, Act>,
    pub(crate) incidents: BTreeMap<u64, Incident>,
    pub(crate) appeals: BTreeMap<u64, Appeal>,
    pub(crate) timeline: Vec<Event>,
}

impl Competition {
    /// A competition whose ledger is empty.
    #[must_use]
    pub fn new(id: Id) -> Self {
        Self {
            id,
            head: None,
            founding: None,
            operators: BTreeMap::new(),
            used: (BTreeSet::new(), BTreeSet::new()),
            rules: Vec::new(),
            stamps: Timestamps::default(),
            frozen: None,
            finals: Vec::new(),
            payout: None,
            paid: Quantity::ZERO,
            paid_to: Some(BTreeMap::new()),
            cancelled: false,
            archived: false,
            entities: BTreeMap::new(),
            nonces: BTreeMap::new(),
            decisions: BTreeMap::new(),
            incidents: BTreeMap::new(),
            appeals: BTreeMap::new(),
            timeline: Vec::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &Id {
        &self.id
    }

    /// Number of the last entry; 0 for none.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.head.map_or(0, |(moment, _)| moment.seq)
    }

    /// The last entry: when, and its hash.
    #[must_use]
    pub const fn head(&self) -> Option<(Moment, Digest)> {
        self.head
    }

    /// What never changes; `None` before the first entry.
    #[must_use]
    pub const fn founding(&self) -> Option<&Founding> {
        self.founding.as_ref()
    }

    /// Who may act, and their keys.
    #[must_use]
    pub const fn operators(&self) -> &BTreeMap<Id, Hex<32>> {
        &self.operators
    }

    /// All versions of the rules, by number from 1 on.
    #[must_use]
    pub fn rules(&self) -> &[Published] {
        &self.rules
    }

    /// The version that holds at an epoch: the highest of those that begin by then. Before the start, the one that will hold at the start.
    #[must_use]
    pub fn rules_at(&self, epoch: Epoch) -> Option<&Published> {
        let epoch = self.start().map_or(epoch, |start| start.max(epoch));
        self.rules.iter().rev().find(|published| published.rules.version.from <= epoch)
    }

    /// The versions that hold at an epoch or may hold later.
    pub(crate) fn rules_from(&self, epoch: Epoch) -> &[Published] {
        let number = self.rules_at(epoch).map_or(1, |published| published.rules.version.number);
        let before = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        self.rules.get(before..).unwrap_or_default()
    }

    /// First epoch of the competition.
    #[must_use]
    pub fn start(&self) -> Option<Epoch> {
        self.rules.last().map(|published| published.rules.competition.start)
    }

    /// Epoch before which it ends: what the last live decision says, else the rules.
    #[must_use]
    pub fn end(&self) -> Option<Epoch> {
        end(&self.decisions)
            .map(|(_, until)| until)
            .or_else(|| self.rules.last().map(|published| published.rules.competition.end))
    }

    /// The decision that set the end.
    pub(crate) fn end_set_by(&self) -> Option<u64> {
        end(&self.decisions).map(|(seq, _)| seq)
    }

    /// How far it has come.
    #[must_use]
    pub const fn timestamps(&self) -> &Timestamps {
        &self.stamps
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let settled = self.payout.as_ref().is_some_and(|payout| payout.total == self.paid);
        match () {
            () if self.archived => Phase::Archived,
            () if self.cancelled => Phase::Cancelled,
            () if settled => Phase::Paid,
            () if !self.finals.is_empty() => Phase::Final,
            () if self.stamps.provisional.is_some() => Phase::Provisional,
            () if self.stamps.ended.is_some() => Phase::Ended,
            () if self.stamps.started.is_some() => Phase::Running,
            () if self.stamps.registration_opened.is_some() => Phase::Registration,
            () => Phase::Draft,
        }
    }

    /// The pause that lasts.
    #[must_use]
    pub fn paused(&self) -> Option<&PausedInterval> {
        self.stamps.paused_intervals.last().filter(|pause| pause.until.is_none())
    }

    /// The standings that are shown instead of newer ones.
    #[must_use]
    pub const fn frozen(&self) -> Option<&Pin> {
        self.frozen.as_ref()
    }

    /// The epoch that is read for `at`: none that a pause that lasts leaves out. Never before the start.
    #[must_use]
    pub fn reads(&self, at: Epoch) -> Epoch {
        self.paused().map_or(at, |pause| at.min(pause.from.minus(1)))
    }

    /// Every version of the final standings, the last one holds.
    #[must_use]
    pub fn finals(&self) -> &[Final] {
        &self.finals
    }

    /// The payout that is approved for the last of them, and how much of it is paid, in atto.
    #[must_use]
    pub fn payout(&self) -> Option<(&Payout, Quantity)> {
        self.payout.as_ref().map(|payout| (payout, self.paid))
    }

    /// What was paid to whom so far, in atto, whatever was amended since; `None` if a payment did not name its payees.
    #[must_use]
    pub const fn paid_to(&self) -> Option<&BTreeMap<Id, Quantity>> {
        self.paid_to.as_ref()
    }

    /// Everybody who claimed, by id.
    #[must_use]
    pub const fn entities(&self) -> &BTreeMap<Id, Competitor> {
        &self.entities
    }

    /// The entity for which a miner competes now.
    #[must_use]
    pub fn entity_of(&self, participant: &Id) -> Option<(&Id, &Competitor)> {
        let competes = |member: &Membership| member.until.is_none() && member.participant == *participant;
        self.entities.iter().find(|(_, entity)| entity.members.iter().any(competes))
    }

    /// Incidents by the number of their entries.
    #[must_use]
    pub const fn incidents(&self) -> &BTreeMap<u64, Incident> {
        &self.incidents
    }

    /// Appeals by the number of their entries.
    #[must_use]
    pub const fn appeals(&self) -> &BTreeMap<u64, Appeal> {
        &self.appeals
    }

    /// Everything that happened, in the order of the epochs it is bound to.
    #[must_use]
    pub fn timeline(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.timeline.iter().collect();
        events.sort_by_key(|event| (event.from, event.moment.seq));
        events
    }

    /// Decisions that hold, by number (`docs/rules.md` §4): going down from the highest, a live revert ends an earlier one.
    #[must_use]
    pub fn live(&self) -> BTreeSet<u64> {
        live(&self.decisions)
    }
}

pub(crate) fn live(decisions: &BTreeMap<u64, Act>) -> BTreeSet<u64> {
    let mut dead = BTreeSet::new();
    let mut live = BTreeSet::new();
    for (seq, act) in decisions.iter().rev() {
        if dead.contains(seq) {
            continue;
        }
        live.insert(*seq);
        if let Act::Revert { seq: target } = act {
            dead.insert(*target);
        }
    }
    live
}

/// The last live decision about the end.
pub(crate) fn end(decisions: &BTreeMap<u64, Act>) -> Option<(u64, Epoch)> {
    let live = live(decisions);
    decisions.iter().rev().find_map(|(seq, act)| match act {
        Act::SetEnd { until, .. } if live.contains(seq) => Some((*seq, *until)),
        _ => None,
    })
}
