use apogee_filecoin_state::StateTree;
use num_traits::Signed;

use std::sync::Arc;

use super::check::{Check, CheckOutcome, Reason, Unknown};
use super::params::NetworkParams;
use super::state::{StateMemo, StateReader};
use super::store::CheckedStore;
use crate::crypto::bls::{Batch, MinPk};
use crate::crypto::f3::{CertificateChain, PendingSignature, PowerTable};
use crate::source::Blocks;
use crate::types::{FinalityCertificate, PowerEntry, Tipset, TipsetKey};

/// Checks a network's finality certificates in the order of their instances.
#[derive(Clone, Debug)]
pub struct CertificateVerifier {
    chain: CertificateChain,
}

/// A certificate whose signature waits.
#[derive(Debug)]
pub struct PendingCertificate {
    instance: u64,
    epoch: i64,
    verdict: Result<PendingSignature, String>,
    /// The chain of certificates with this one.
    after: CertificateChain,
}

/// What came of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateReport {
    /// Its instance.
    pub instance: u64,
    /// The epoch of the newest tipset that it makes final.
    pub epoch: i64,
    /// The figures: made once, or not made.
    pub outcome: CheckOutcome,
}

impl CertificateVerifier {
    /// Follow certificates from `chain` on; see [`power_table`] for the table it starts with.
    #[must_use]
    pub const fn new(chain: CertificateChain) -> Self {
        Self { chain }
    }

    /// What has been established so far.
    #[must_use]
    pub const fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// Check everything of the next certificates but their signatures.
    ///
    /// `on_chain` tells which tipset this node's chain has at an epoch: `Some(None)` for a null round, `None` where it does not
    /// know. A certificate for another tipset than that one is a failure.
    #[must_use]
    pub fn prepare(
        &self,
        certificates: &[FinalityCertificate],
        on_chain: impl Fn(i64) -> Option<Option<TipsetKey>>,
    ) -> Vec<PendingCertificate> {
        let mut chain = self.chain.clone();
        let prepare = |certificate: &FinalityCertificate| {
            let verdict =
                chain.advance(certificate).map_err(|error| describe(&error)).and_then(|signature| {
                    for tipset in &certificate.ec_chain {
                        match on_chain(tipset.epoch) {
                            Some(Some(key)) if key != tipset.key => {
                                return Err(format!(
                                    "it makes {} final, but epoch {} has {key}",
                                    tipset.key, tipset.epoch
                                ));
                            }
                            Some(None) => {
                                return Err(format!(
                                    "it makes {} final, but epoch {} is a null round",
                                    tipset.key, tipset.epoch
                                ));
                            }
                            _ => {}
                        }
                    }
                    Ok(signature)
                });
            PendingCertificate {
                instance: certificate.instance,
                epoch: certificate.finalized().map_or(-1, |tipset| tipset.epoch),
                verdict,
                after: chain.clone(),
            }
        };
        certificates.iter().map(prepare).collect()
    }

    /// Check the signatures of these certificates together and follow the chain as far as all is right.
    ///
    /// After the first wrong one the rest is not made: which keys would have to sign is no longer known.
    /// `seed` must be fresh randomness: see [`Batch::settle`].
    pub fn settle(&mut self, pending: Vec<PendingCertificate>, seed: &[u8; 32]) -> Vec<CertificateReport> {
        let mut batch = Batch::<MinPk, usize>::default();
        let mut reports = Vec::with_capacity(pending.len());
        let mut wrong = Vec::with_capacity(pending.len());
        for (i, one) in pending.iter().enumerate() {
            if let Ok(signature) = &one.verdict {
                batch.push(i, signature.key, signature.message.clone(), &signature.signature);
            }
        }
        wrong.resize(pending.len(), None);
        for (i, verdict) in batch.settle(seed) {
            if let (Some(slot), Err(failure)) = (wrong.get_mut(i), verdict) {
                *slot = Some(failure.to_string());
            }
        }
        let mut broken = None;
        for (one, signature) in pending.into_iter().zip(wrong) {
            let mut outcome = CheckOutcome::new(Check::Certificate);
            match (broken, one.verdict.err().or(signature)) {
                (Some(instance), _) => {
                    outcome.skip(Reason::BrokenChain, || {
                        format!("the certificate of instance {instance} is wrong")
                    });
                }
                (None, None) => {
                    outcome.pass();
                    self.chain = one.after;
                }
                (None, Some(detail)) => {
                    outcome.fail("certificate", None, format!("instance {}: {detail}", one.instance));
                    broken = Some(one.instance);
                }
            }
            reports.push(CertificateReport { instance: one.instance, epoch: one.epoch, outcome });
        }
        reports
    }
}

/// The power table that the state before `tipset` implies (Lotus `chain/lf3/ec.go`, `GetPowerTable`): the miners that may mine
/// and have power, each with its worker's key.
///
/// # Errors
/// In words, when state is missing or unreadable.
pub fn power_table(
    store: &Arc<dyn Blocks>,
    params: &NetworkParams,
    tipset: &Tipset,
) -> Result<PowerTable, String> {
    let store = CheckedStore::new(Arc::clone(store));
    let mut memo = StateMemo::default();
    let mut state = StateReader { store: &store, params, memo: &mut memo };
    let entries = entries(&mut state, tipset).map_err(|unknown| unknown.detail)?;
    PowerTable::new(entries).map_err(|error| error.to_string())
}

fn entries(state: &mut StateReader<'_>, tipset: &Tipset) -> Result<Vec<PowerEntry>, Unknown> {
    let root = tipset.first().parent_state_root;
    let tree = StateTree::open(state.store, &root)?;
    let power = tree.power()?;
    let mut entries = Vec::new();
    for (miner, claim) in power.claims(state.store)? {
        if !claim.power.qa.is_positive() || !state.meets_minimum(&power, &claim) {
            continue;
        }
        if state.ineligible(&root, miner, tipset.epoch().height())?.is_some() {
            continue;
        }
        let Some(worker) = state.worker(&root, miner)? else { continue };
        let key = state.bls_key(&root, &worker)?;
        let key = key.map_err(|detail| {
            Unknown::new(Reason::UnreadableState, format!("worker of f0{miner}: {detail}"))
        })?;
        entries.push(PowerEntry { id: miner, power: claim.power.qa, public_key: key.as_bytes().to_vec() });
    }
    Ok(entries)
}

/// The error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
