use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::Timestamp;

use super::{Attempt, Outcome, Policy, later};
use crate::fault::{Code, Fault};

/// How many looks decide where one alone does not.
const LOOKS: usize = 3;

/// What one look at the miner says, from the one that is most in its favour on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Good,
    Broken(Code),
    /// Or not: it cannot be said from here.
    Unsure(Code),
}

impl Says {
    fn of(attempt: &Attempt) -> Self {
        match (attempt.fault(), attempt.failure) {
            (Fault::Ambiguous, Some(code)) => Self::Unsure(code),
            (_, Some(code)) => Self::Broken(code),
            (_, None) => Self::Good,
        }
    }
}

/// The looks of a slot that count.
pub(super) struct Votes<'a> {
    by_worker: BTreeMap<&'a str, Vec<(Timestamp, Says)>>,
    /// How many bots there are.
    fleet: usize,
}

impl<'a> Votes<'a> {
    /// The looks that attempts which count, in their order, come to.
    ///
    /// What one bot tried within a short time is one look. One bot's looks are as many as are needed to come to three with all bots, no more.
    pub(super) fn of(attempts: &[&'a Attempt], policy: &Policy) -> Self {
        let mut by_worker: BTreeMap<&str, Vec<(Timestamp, Says)>> = BTreeMap::new();
        for attempt in attempts {
            let looks = by_worker.entry(&attempt.worker).or_default();
            let says = Says::of(attempt);
            match looks.last_mut() {
                // The first word on a failure stands; a success goes before all, a fault that is surely the miner's before one that may be.
                Some((began, look)) if attempt.started < later(*began, policy.apart) => {
                    if std::mem::discriminant(look) != std::mem::discriminant(&says) {
                        *look = (*look).min(says);
                    }
                }
                _ => looks.push((attempt.started, says)),
            }
        }
        let fleet = usize::try_from(policy.fleet).unwrap_or(usize::MAX).max(by_worker.len()).max(1);
        by_worker.values_mut().for_each(|looks| looks.truncate(LOOKS.div_ceil(fleet)));
        Self { by_worker, fleet }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_worker.is_empty()
    }

    /// What they come to, if they come to anything.
    pub(super) fn settled(&self) -> Option<Outcome> {
        let looks = || self.by_worker.values().flatten();
        let good = looks().filter(|(_, says)| *says == Says::Good).count();
        let bad = looks().count() - good;
        let first = |wanted: fn(Says) -> Option<Code>| {
            looks().filter_map(|(at, says)| Some((*at, wanted(*says)?))).min().map(|(_, code)| code)
        };
        let broken = first(|says| if let Says::Broken(code) = says { Some(code) } else { None });
        let unsure = first(|says| if let Says::Unsure(code) = says { Some(code) } else { None });
        let majority = LOOKS / 2 + 1;
        match (broken, unsure) {
            (None, None) => (good > 0).then_some(Outcome::Success),
            (Some(code), _) if good == 0 => Some(Outcome::Failure(code)),
            _ if good >= majority && good > bad => Some(Outcome::Success),
            // Two bots agree, where there are two.
            (broken, unsure) if bad >= majority && bad > good && self.agree() => {
                broken.or(unsure).map(Outcome::Failure)
            }
            _ => None,
        }
    }

    /// Whether those who found it broken are two bots, or the only one.
    fn agree(&self) -> bool {
        self.found_it_broken().count() >= self.fleet.min(2)
    }

    fn found_it_broken(&self) -> impl Iterator<Item = &'a str> {
        let broken = |looks: &[(Timestamp, Says)]| looks.iter().any(|(_, says)| *says != Says::Good);
        self.by_worker.iter().filter(move |(_, looks)| broken(looks)).map(|(worker, _)| *worker)
    }

    /// Whether there are as many as there may be.
    pub(super) fn are_all(&self) -> bool {
        self.by_worker.values().flatten().count() >= LOOKS
    }

    /// Who should not look next: who has looked, while there are others; then who found it broken, if somebody did not.
    pub(super) fn not_by(&self) -> BTreeSet<String> {
        let all = self.by_worker.len();
        let not_by: BTreeSet<String> = if all < self.fleet {
            self.by_worker.keys().map(|worker| (*worker).to_owned()).collect()
        } else {
            self.found_it_broken().map(str::to_owned).collect()
        };
        if not_by.len() < self.fleet { not_by } else { BTreeSet::new() }
    }

    /// Whether every bot has looked.
    pub(super) fn by_all(&self) -> bool {
        self.by_worker.len() >= self.fleet
    }
}
