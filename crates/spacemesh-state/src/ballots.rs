//! Ballots, each held against what it claims.

use std::collections::BTreeMap;

use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::ballot::{Ballot, EpochData};
use apogee_spacemesh::check::{BallotFault, Claims};
use apogee_spacemesh::id::{AtxId, BallotId, Epochs};

use crate::error::ReadError;
use crate::state::{Layers, State};

/// What checking ballots comes to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BallotReport {
    /// How many are what they claim.
    pub passed: usize,
    /// Those that are not.
    pub failed: Vec<(BallotId, BallotFault)>,
    /// Those that could not be checked.
    pub not_made: Vec<(BallotId, NotMade)>,
}

/// Why a ballot could not be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotMade {
    /// The smesher's first ballot of the epoch is not in the file, or declares nothing.
    Reference,
    /// The activation is not in the file.
    Activation,
    /// No activation of the smesher up to this one carries a nonce.
    Nonce,
}

impl State {
    /// Check the ballots of `layers`: signatures, activations and slots.
    ///
    /// # Errors
    /// See [`ReadError`]. What is wrong with a ballot is in the report.
    pub fn check_ballots(&self, layers: &Layers, epochs: Epochs) -> Result<BallotReport, ReadError> {
        let mut report = BallotReport::default();
        let mut activations: BTreeMap<AtxId, Option<Atx>> = BTreeMap::new();
        for ballot in self.ballots(layers)? {
            let id = ballot.id();
            let atx = match activations.get(&ballot.inner.atx) {
                Some(known) => *known,
                None => {
                    let found = self.activation(&ballot.inner.atx)?;
                    activations.insert(ballot.inner.atx, found);
                    found
                }
            };
            let Some(atx) = atx else {
                report.not_made.push((id, NotMade::Activation));
                continue;
            };
            let Some(nonce) = self.nonce(&atx)? else {
                report.not_made.push((id, NotMade::Nonce));
                continue;
            };
            let Some(declared) = self.declared(&ballot)? else {
                report.not_made.push((id, NotMade::Reference));
                continue;
            };
            let claims = Claims { genesis: self.genesis(), epochs, atx: &atx, nonce, declared: &declared };
            match ballot.check(&claims) {
                Ok(()) => report.passed += 1,
                Err(fault) => report.failed.push((id, fault)),
            }
        }
        Ok(report)
    }

    /// What the smesher declared for the epoch: in this ballot, or in the one that it refers to, which has to be the
    /// smesher's own and of the same activation.
    fn declared(&self, ballot: &Ballot) -> Result<Option<EpochData>, ReadError> {
        if ballot.inner.epoch.is_some() {
            return Ok(ballot.inner.epoch);
        }
        let reference = self.ballot(&ballot.inner.reference)?;
        let own = |first: &Ballot| first.smesher == ballot.smesher && first.inner.atx == ballot.inner.atx;
        Ok(reference.filter(own).and_then(|first| first.inner.epoch))
    }

    /// The nonce of a smesher's draws in the epoch for which it has `atx`.
    fn nonce(&self, atx: &Atx) -> Result<Option<u64>, ReadError> {
        if atx.nonce.is_some() {
            return Ok(atx.nonce);
        }
        let rest = "WHERE pubkey = ?1 AND epoch <= ?2 AND nonce IS NOT NULL ORDER BY epoch DESC LIMIT 1";
        let parameters = (atx.smesher.0, atx.published.0);
        Ok(self.rows("atxs", &["nonce"], rest, parameters, |cells| cells.u64(0))?.pop())
    }
}
