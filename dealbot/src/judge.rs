//! What a slot comes to.
//!
//! A pure function of what was tried, of the canaries and of the rests that were agreed on: whoever has the evidence comes to the same. The order of
//! attempts does not matter, a slot counts once, and nothing that is the bots' fault makes a failure.
//!
//! Successes never have to be confirmed, ambiguous failures do: whatever turns out to be void after a slot was closed can leave only these unconfirmed,
//! in the miners' favour. That stays small where a bot probes its canary at once after every failure, so that [`Case::provisional`] knows.

mod canary;
mod fleet;
mod rests;
mod tried;
mod votes;

use std::collections::BTreeSet;

use apogee_domain::{ProbeKind, Timestamp};
use apogee_store::ProbeRest;

pub use self::canary::{Canaries, Canary};
pub use self::fleet::{Correlation, Look, correlated};
pub use self::rests::Rests;
pub use self::tried::{Tried, at_odds, look};
use self::votes::Votes;
use crate::fault::{Circumstances, Code, Fault};

/// One attempt, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// Which attempt of the slot.
    pub number: u32,
    /// The bot that made it.
    pub worker: String,
    /// Where from.
    pub region: String,
    /// When it began.
    pub started: Timestamp,
    /// When the bot was done. Of a deal that is followed for days: with offering it; what comes later is read from the chain.
    pub ended: Timestamp,
    /// Why it did not go well; `None` where it did.
    pub failure: Option<Code>,
    /// What its fault depends on.
    pub circumstances: Circumstances,
    /// Why it does not count, whatever it found: it came too late, the fleet is at odds with it, somebody decided so. `None`: it does.
    pub set_aside: Option<Code>,
}

impl Attempt {
    /// Whose fault it says it was.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.failure.map_or(Fault::None, |code| code.fault(&self.circumstances))
    }
}

/// Why nothing counts for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The miner had said that it would be worked on.
    Maintenance,
    /// The competition was paused.
    Pause,
    /// The chain stood still: deals of that while could not succeed, so those that failed for another reason do not count either.
    ChainStall,
    /// The same, because messages cost too much for everybody.
    BasefeeSpike,
    /// The same, because the network began anew.
    ChainReset,
}

impl Why {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Maintenance, Self::Pause, Self::ChainStall, Self::BasefeeSpike, Self::ChainReset];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => apogee_store::MAINTENANCE,
            Self::Pause => "pause",
            Self::ChainStall => "chain_stall",
            Self::BasefeeSpike => "basefee_spike",
            Self::ChainReset => "chain_reset",
        }
    }

    /// The reason of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }

    /// Whether it is one for probes of this kind: what is read back needs no message on chain.
    #[must_use]
    pub const fn concerns(self, kind: ProbeKind) -> bool {
        match self {
            Self::Maintenance | Self::Pause | Self::ChainReset => true,
            Self::ChainStall | Self::BasefeeSpike => matches!(kind, ProbeKind::Storage),
        }
    }
}

/// A while in which nothing counts: `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rest {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Its reason.
    pub why: Why,
}

impl Rest {
    /// One as it is stored; `None` where its reason is none that is known.
    #[must_use]
    pub fn of(stored: &ProbeRest) -> Option<Self> {
        Some(Self { from: stored.from, to: stored.to, why: Why::of(&stored.why)? })
    }

    /// Why slots in it are excluded.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self.why {
            Why::Maintenance => Code::MinerMaintenance,
            Why::Pause => Code::CompetitionPaused,
            Why::ChainStall => Code::ChainStall,
            Why::BasefeeSpike => Code::BasefeeSpike,
            Why::ChainReset => Code::ChainReset,
        }
    }

    /// Whether it is the network's, and not one that a miner or an organiser asked for.
    #[must_use]
    pub const fn is_of_the_chain(&self) -> bool {
        matches!(self.why, Why::ChainStall | Why::BasefeeSpike | Why::ChainReset)
    }

    /// Whether any moment from `first` to `last` is in it.
    #[must_use]
    pub fn touches(&self, first: Timestamp, last: Timestamp) -> bool {
        first < self.to && last >= self.from
    }
}

/// How slots are judged. Times are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How far from an attempt a canary may be.
    pub interval: u64,
    /// How much later than that its result may arrive.
    pub grace: u64,
    /// How far apart two attempts of one bot are, to be two.
    pub apart: u64,
    /// How many bots there are: ambiguous failures have to be seen by two of them.
    pub fleet: u32,
    /// How many attempts a slot may have in all, with those that failed by the bots' fault.
    pub most: u32,
}

/// What is known of a slot.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// When it was due.
    pub due: Timestamp,
    /// The first attempt does not begin at this moment or later.
    pub deadline: Timestamp,
    /// No other attempt does so at this moment or later. It is later than the deadline: what cannot be confirmed is excluded, and successes never have to
    /// be, so that failures late in an interval would count less than successes.
    pub confirm: Timestamp,
    /// What was tried, in any order.
    pub attempts: &'a [Attempt],
    /// What each bot's canaries found.
    pub canaries: &'a Canaries,
    /// When nothing of this kind counts for this miner.
    pub rests: &'a [Rest],
    /// How it is judged.
    pub policy: &'a Policy,
}

/// What a slot comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It went well.
    Success,
    /// It failed by the miner's fault.
    Failure(Code),
    /// It counts for nobody.
    Excluded(Code),
    /// Another attempt is needed: by another bot, or later.
    Confirm {
        /// It begins at this moment or later.
        not_before: Timestamp,
        /// None of these makes it.
        not_by: BTreeSet<String>,
    },
    /// The next is awaited: a canary after an attempt, or the first attempt.
    Open {
        /// If nothing comes before, it is judged again at this moment.
        until: Timestamp,
    },
}

impl Outcome {
    /// Whether it stays so, whatever the time.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Success | Self::Failure(_) | Self::Excluded(_))
    }
}

/// How many bots stand back from another attempt because theirs were in vain: one more than that, and few are left to make it.
const STANDING_BACK: usize = 2;

/// The moment so many microseconds later.
fn later(at: Timestamp, micros: u64) -> Timestamp {
    Timestamp(at.0.saturating_add_unsigned(micros))
}

/// What an attempt is worth.
enum Worth {
    /// It says something of the miner: its fault is the miner's, ambiguous, or none.
    Counts,
    /// It will, if the bot's next canary is good.
    Awaits(Timestamp),
    /// It says nothing, and nothing can be done about it: the network's, or agreed on.
    Moot(Code),
    /// It says nothing, and another one may: the bot's fault.
    Void(Code),
}

impl Case<'_> {
    fn worth(&self, attempt: &Attempt, now: Timestamp) -> Worth {
        if let Some(code) = attempt.set_aside {
            return Worth::Void(code);
        }
        if let Some(rest) = self.rests.iter().find(|rest| rest.touches(attempt.started, attempt.ended)) {
            return Worth::Moot(rest.code());
        }
        match (attempt.fault(), attempt.failure) {
            (Fault::Chain | Fault::Policy, Some(code)) => return Worth::Moot(code),
            (Fault::Bot, Some(code)) => return Worth::Void(code),
            _ => {}
        }
        match self.canaries.around(attempt, self.policy.interval) {
            canary::Found::Good => Worth::Counts,
            canary::Found::Bad => Worth::Void(Code::CanaryFailed),
            canary::Found::NoneAfter => {
                let wait = self.policy.interval.saturating_add(self.policy.grace);
                let until = later(attempt.ended, wait);
                if now < until { Worth::Awaits(until) } else { Worth::Void(Code::CanaryFailed) }
            }
        }
    }

    /// What the slot comes to at this time.
    #[must_use]
    pub fn outcome(&self, now: Timestamp) -> Outcome {
        self.come_to(now, false)
    }

    /// What it would come to if all canaries that are awaited come out well: whether another attempt is needed should not wait for them.
    #[must_use]
    pub fn provisional(&self, now: Timestamp) -> Outcome {
        self.come_to(now, true)
    }

    fn come_to(&self, now: Timestamp, trusting: bool) -> Outcome {
        if let Some(rest) = self.rests.iter().find(|rest| rest.touches(self.due, self.due)) {
            return Outcome::Excluded(rest.code());
        }
        let mut attempts: Vec<&Attempt> = self.attempts.iter().collect();
        attempts.sort_unstable_by_key(|attempt| (attempt.started, *attempt));
        let Some(last) = attempts.iter().map(|attempt| attempt.ended).max() else {
            return if now < self.deadline {
                Outcome::Open { until: self.deadline }
            } else {
                Outcome::Excluded(Code::MissedNoWorker)
            };
        };
        let (mut counting, mut awaited, mut moot, mut void) = (Vec::new(), None, None, Vec::new());
        for attempt in attempts {
            match self.worth(attempt, now) {
                Worth::Counts => counting.push(attempt),
                Worth::Awaits(_) if trusting => counting.push(attempt),
                Worth::Awaits(until) => awaited = Some(awaited.map_or(until, |other| until.min(other))),
                Worth::Moot(code) => moot = moot.or(Some(code)),
                Worth::Void(code) => void.push((code, attempt.worker.as_str())),
            }
        }
        if let Some(until) = awaited {
            return Outcome::Open { until };
        }
        let votes = Votes::of(&counting, self.policy);
        if let Some(settled) = votes.settled() {
            return settled;
        }
        let (why, not_before, mut not_by) = match (votes.is_empty(), moot) {
            (true, Some(code)) => return Outcome::Excluded(code),
            (true, None) => {
                let why = void.last().map_or(Code::Unclassified, |(code, _)| *code);
                (why, later(last, self.policy.apart), BTreeSet::new())
            }
            (false, _) => {
                // Who has looked before waits, so that it is another look.
                let wait = if votes.by_all() { self.policy.apart } else { 0 };
                (Code::Unconfirmed, later(last, wait), votes.not_by())
            }
        };
        // Whose attempts were in vain stands back as well, while there are others: those of the last ones.
        for (_, worker) in void.iter().rev() {
            let others = usize::try_from(self.policy.fleet).unwrap_or(usize::MAX).saturating_sub(1);
            if not_by.len() >= others.min(STANDING_BACK) {
                break;
            }
            not_by.insert((*worker).to_owned());
        }
        let spent = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX) >= self.policy.most;
        if spent || votes.are_all() || not_before.max(now) >= self.confirm {
            return Outcome::Excluded(why);
        }
        Outcome::Confirm { not_before, not_by }
    }
}
