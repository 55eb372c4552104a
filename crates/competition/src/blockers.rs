use apogee_domain::{Digest, Epoch};
use serde::Serialize;

use crate::competition::Competition;
use crate::refusal::{Kind, Refusal};

/// One thing that stands between a competition and its final standings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Blocker {
    /// Appeals can still be made.
    AppealTime {
        /// Epoch before which.
        until: Epoch,
    },
    /// An appeal has no answer.
    OpenAppeal {
        /// The number of its entry.
        seq: u64,
    },
    /// An incident is open.
    OpenIncident {
        /// The number of its entry.
        seq: u64,
    },
    /// Standings are frozen: what would be final could not be seen.
    Frozen,
    /// The second implementation computed another root.
    ShadowDiffers {
        /// The root that was to be final.
        root: Digest,
        /// What the second implementation computed.
        shadow: Digest,
    },
    /// The end can still be undone by the chain.
    NotFinal {
        /// Last epoch of the competition.
        last: Epoch,
        /// Last final epoch.
        final_epoch: Option<Epoch>,
    },
    /// Something that was to be observed is missing.
    Gap {
        /// What, and where.
        what: String,
    },
    /// Signed messages wait for their entry.
    PendingClaims {
        /// How many.
        count: u32,
    },
}

/// What the ledger itself shows. `roots`: what is to be final, and what the second implementation says.
pub(crate) fn in_ledger(
    competition: &Competition,
    epoch: Epoch,
    roots: Option<(&Digest, &Digest)>,
) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    if let Some(until) = competition.stamps.provisional_until.filter(|until| epoch < *until) {
        blockers.push(Blocker::AppealTime { until });
    }
    let appeals = competition.appeals.iter().filter(|(_, appeal)| appeal.answered.is_none());
    blockers.extend(appeals.map(|(seq, _)| Blocker::OpenAppeal { seq: *seq }));
    let incidents = competition.incidents.iter().filter(|(_, incident)| incident.until.is_none());
    blockers.extend(incidents.map(|(seq, _)| Blocker::OpenIncident { seq: *seq }));
    if competition.frozen.is_some() {
        blockers.push(Blocker::Frozen);
    }
    if let Some((root, shadow)) = roots.filter(|(root, shadow)| root != shadow) {
        blockers.push(Blocker::ShadowDiffers { root: *root, shadow: *shadow });
    }
    blockers
}

/// `Ok` if there are none.
pub(crate) fn refuse(blockers: Vec<Blocker>) -> Result<(), Refusal> {
    if blockers.is_empty() {
        return Ok(());
    }
    let wrong = format!("{} things stand in the way of being final", blockers.len());
    let refusal = Refusal::new(Kind::Blocked, "act", wrong, "settle each of the blockers, then finalize");
    Err(Refusal { blockers, ..refusal })
}
