//! Proposals that wait for signatures.
//!
//! They are in memory alone. A proposal is good for an hour at most, and only on top of the ledger as it ended when it was made
//! (`docs/competition.md` §2); who made it has the file. When the process ends, it is brought again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_competition::operator::Approval;
use apogee_competition::{Competition, Entry, Signed};
use apogee_domain::{Digest, Timestamp};
use apogee_rules::Id;

use crate::competitions::Again;

/// Proposals of one competition that wait at a time.
const OF_ONE: usize = 10;
/// Of all together.
const OF_ALL: usize = 100;
/// Seconds that a proposal is good for.
const GOOD: u64 = 3_600;

/// A proposal that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The entry, with the signatures that there are.
    pub(crate) signed: Arc<Signed>,
    /// What came out for it when it was brought; in its place, why nothing did.
    pub(crate) again: Arc<Result<Again, String>>,
    /// Who brought it.
    pub(crate) by: String,
    /// When.
    pub(crate) at: Timestamp,
}

/// All that wait.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Vec<Waiting>>);

/// Why a proposal does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It does not follow the ledger's last entry.
    Stale,
    /// It was made too long ago.
    Old,
    /// A signature in it is nobody's who signs it.
    Signature,
    /// Too many wait already.
    Full,
}

/// Whether an entry is the next one of a ledger.
pub(crate) fn follows(entry: &Entry, competition: &Competition) -> bool {
    let head = competition.head().map(|(_, hash)| hash);
    entry.competition == *competition.id()
        && entry.seq == competition.seq().saturating_add(1)
        && entry.previous == head
        && head.is_some()
}

/// Whether an entry is young enough to become one of a ledger.
fn is_good(entry: &Entry, now: Timestamp) -> bool {
    entry.time <= now && now.since(entry.time).as_secs() <= GOOD
}

/// Whether a proposal can wait for signatures.
pub(crate) fn fit(signed: &Signed, competition: &Competition, now: Timestamp) -> Result<(), Unfit> {
    if !follows(&signed.entry, competition) {
        return Err(Unfit::Stale);
    }
    if !is_good(&signed.entry, now) {
        return Err(Unfit::Old);
    }
    let mut seen: Vec<&Id> = Vec::new();
    for Approval { operator, signature } in &signed.signatures {
        let key = competition.operators().get(operator);
        let good =
            key.is_some_and(|key| apogee_competition::operator::verifies(key, &signed.hash, signature));
        if !good || !signed.entry.approvers.contains(operator) || seen.contains(&operator) {
            return Err(Unfit::Signature);
        }
        seen.push(operator);
    }
    Ok(())
}

impl Inbox {
    fn held(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that can still become entries, in the order in which they came. The others go.
    pub(crate) fn list(&self, now: Timestamp, is_next: impl Fn(&Entry) -> bool) -> Vec<Waiting> {
        let mut held = self.held();
        held.retain(|waiting| {
            let entry = &waiting.signed.entry;
            is_next(entry) && is_good(entry, now)
        });
        held.clone()
    }

    /// The proposal with this hash.
    pub(crate) fn find(&self, hash: &Digest) -> Option<Waiting> {
        self.held().iter().find(|waiting| waiting.signed.hash == *hash).cloned()
    }

    /// Whether there is room for another entry, once those have gone that are too old or that this one's ledger has passed by.
    pub(crate) fn has_room(&self, next: &Entry, now: Timestamp) -> Result<(), Unfit> {
        make_room(&mut self.held(), next, now)
    }

    /// Let a proposal wait.
    pub(crate) fn put(&self, waiting: Waiting) -> Result<(), Unfit> {
        let mut held = self.held();
        make_room(&mut held, &waiting.signed.entry, waiting.at)?;
        if !held.iter().any(|other| other.signed.hash == waiting.signed.hash) {
            held.push(waiting);
        }
        Ok(())
    }

    /// Add signatures that were found [`fit`] to the proposal that they are of. Who signed now and had not.
    pub(crate) fn sign(&self, brought: &Signed) -> Vec<Id> {
        let mut held = self.held();
        let Some(waiting) = held.iter_mut().find(|waiting| waiting.signed.hash == brought.hash) else {
            return Vec::new();
        };
        let mut signed = (*waiting.signed).clone();
        let mut new = Vec::new();
        for approval in &brought.signatures {
            if !signed.signatures.iter().any(|known| known.operator == approval.operator) {
                new.push(approval.operator.clone());
                signed.signatures.push(approval.clone());
            }
        }
        signed.signatures.sort_by(|a, b| a.operator.cmp(&b.operator));
        waiting.signed = Arc::new(signed);
        new
    }

    /// It waits no longer.
    pub(crate) fn remove(&self, hash: &Digest) {
        self.held().retain(|waiting| waiting.signed.hash != *hash);
    }
}

/// See [`Inbox::has_room`]; nobody else puts anything in between.
fn make_room(held: &mut Vec<Waiting>, next: &Entry, now: Timestamp) -> Result<(), Unfit> {
    let of_it = |other: &Waiting| other.signed.entry.competition == next.competition;
    held.retain(|other| {
        is_good(&other.signed.entry, now) && (!of_it(other) || other.signed.entry.seq >= next.seq)
    });
    let full = held.len() >= OF_ALL || held.iter().filter(|other| of_it(other)).count() >= OF_ONE;
    if full { Err(Unfit::Full) } else { Ok(()) }
}
