use std::collections::HashMap;
use std::sync::Arc;

use cid::Cid;
use fvm_shared::address::Address;
use rayon::prelude::*;

use super::check::{Check, EpochReport, Tally, Unknown};
use super::election::Election;
use super::history::{History, Lookback};
use super::messages::{TipsetMessages, verify_own};
use super::params::NetworkParams;
use super::state::{StateMemo, StateReader};
use super::store::CheckedStore;
use super::winning_post::{self, Collector, Posts};
use super::{base_fee, beacon, election, header, messages, senders};
use crate::crypto::bls::{Batch, MinPk, MinSig, Scheme, Waiting};
use crate::source::Blocks;
use crate::types::{SignedMessage, Tipset, TipsetKey};

/// What a waiting signature is about.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) check: Check,
    pub(super) what: &'static str,
    pub(super) cid: Cid,
    pub(super) detail: Option<String>,
}

pub(super) type BlsBatch = Batch<MinPk, Tag>;
pub(super) type SigBatch = Batch<MinSig, Tag>;

/// A message whose own signature waits.
#[derive(Debug)]
pub(super) struct SecpJob {
    pub(super) cid: Cid,
    pub(super) signed: SignedMessage,
    pub(super) sender: Address,
}

/// A tipset whose cheap checks are made and whose signatures wait.
#[derive(Debug)]
pub struct Pending {
    tipset: Tipset,
    tally: Tally,
    bls: BlsBatch,
    beacons: SigBatch,
    secp: Vec<SecpJob>,
    posts: Posts,
}

impl Pending {
    /// The tipset.
    #[must_use]
    pub const fn tipset(&self) -> &Tipset {
        &self.tipset
    }

    /// How many signatures wait.
    #[must_use]
    pub fn signatures(&self) -> usize {
        self.bls.len() + self.beacons.len() + self.secp.len()
    }

    /// The BLS signatures that wait, but those of unchained beacons.
    pub fn bls(&self) -> impl Iterator<Item = Waiting<'_, MinPk>> {
        self.bls.iter()
    }

    /// The signatures of unchained beacons that wait.
    pub fn beacons(&self) -> impl Iterator<Item = Waiting<'_, MinSig>> {
        self.beacons.iter()
    }
}

/// Checks the tipsets of one chain, in the order of the chain.
///
/// It reads what it needs beyond the tipset at hand (parents, look-back state, messages) from its block store, and keeps what
/// it will need again. After a fork it goes on with the new branch; whatever it misses then it loads.
#[derive(Debug)]
pub struct Verifier {
    store: CheckedStore,
    params: Arc<NetworkParams>,
    history: History,
    memo: StateMemo,
    /// Messages of the newest tipset: the next one's base fee and receipts need them.
    latest: Option<(TipsetKey, TipsetMessages)>,
    assumed_state: Option<Cid>,
    collector: Collector,
}

impl Verifier {
    /// Check a chain of this network, reading from `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Blocks>, params: Arc<NetworkParams>) -> Self {
        Self {
            store: CheckedStore::new(store),
            params,
            history: History::default(),
            memo: StateMemo::default(),
            latest: None,
            assumed_state: None,
            collector: Collector::default(),
        }
    }

    /// Check `WinningPoSt` SNARKs with the network's verifying keys; without them they are not made.
    #[cfg(feature = "snark")]
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<apogee_filecoin_proofs::VerifyingKeys>) -> Self {
        self.collector.set_keys(keys);
        self
    }

    /// Check elections whose look-back state is not in the store against the state of this root instead.
    ///
    /// The caller vouches that workers and power had not changed between the two: the first epochs of a network whose archive
    /// holds no state but that of genesis.
    #[must_use]
    pub fn assuming_state(mut self, root: Cid) -> Self {
        self.assumed_state = Some(root);
        self
    }

    /// The tipset of an epoch, `None` when it is not remembered; `Some(None)` when it is remembered as a null round.
    #[must_use]
    pub fn tipset_at(&self, epoch: i64) -> Option<Option<&Tipset>> {
        self.history.covers(epoch).then(|| self.history.at(epoch))
    }

    /// The root of the state in which elections of `tipset` look up power and worker keys: what expected wins follow from.
    ///
    /// `None` for genesis, and where the chain back to the look-back epoch is not at hand.
    pub fn lookback_state(&mut self, tipset: &Tipset) -> Option<Cid> {
        if tipset.first().is_genesis() {
            return None;
        }
        let parent = self.history.parent(&self.store, tipset).ok()?;
        let lookback = lookback(&mut self.history, &self.store, &self.params, tipset, &parent);
        lookback.ok().map(|lookback| lookback.state)
    }

    /// Make all checks of `tipset` but those of signatures.
    ///
    /// Of genesis, which nobody mined, only its CID and what hangs below it is checked.
    pub fn prepare(&mut self, tipset: &Tipset) -> Pending {
        let mut tally = Tally::default();
        let (mut bls, mut beacons, mut secp) = (BlsBatch::default(), SigBatch::default(), Vec::new());
        let mut posts = Posts::default();
        header::cids(&mut tally, &self.store, tipset);
        let mut state = StateReader { store: &self.store, params: &self.params, memo: &mut self.memo };
        let messages = messages::load(&mut tally, &state, tipset);
        if !tipset.first().is_genesis() {
            let first = self.history.is_empty();
            let parent = self.history.parent(&self.store, tipset);
            header::links(&mut tally, &self.params, tipset, &parent, first);
            header::weights(&mut tally, &mut state, tipset, &parent);
            let before = parent
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|parent| self.history.latest_beacon(&self.store, parent));
            let mut sink = beacon::Sink { tally: &mut tally, chained: &mut bls, unchained: &mut beacons };
            beacon::entries(&mut sink, &self.params, tipset, &parent, &before);
            let lookback = parent
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|parent| lookback(&mut self.history, &self.store, &self.params, tipset, parent));
            let shared = Election {
                parent: &parent,
                lookback: &lookback,
                beacon: &before,
                assumed_state: self.assumed_state,
            };
            for (cid, header) in tipset.cids_and_blocks() {
                match header::sanity(header) {
                    Ok(miner) => {
                        let block = (cid, header, miner);
                        election::block(&mut tally, &mut bls, &mut state, &shared, block);
                        self.collector.add(&mut posts, &mut tally, &mut state, &shared, block);
                    }
                    Err(detail) => tally.block(Check::BlockSignature, cid, Ok(Err(detail))),
                }
            }
            let parent_messages =
                parent.as_ref().map_err(Clone::clone).and_then(|parent| match self.latest.take() {
                    Some((key, messages)) if key == *parent.key() => messages,
                    _ => messages::load_quietly(&state, parent),
                });
            messages::receipts(&mut tally, &state, tipset, &parent_messages);
            base_fees(&mut tally, &self.params, tipset, &parent, &parent_messages);
            messages::signatures(&mut tally, &mut bls, &mut secp, &mut state, tipset, &messages);
            senders::nonces(&mut tally, &state, tipset, &messages);
        }
        let (right, wrong) = self.store.take_counts();
        if right > 0 {
            tally.of(Check::StateNodes).passed += right;
        }
        for cid in wrong {
            tally.of(Check::StateNodes).fail("node", Some(cid), "its bytes do not hash to its CID".into());
        }
        self.history.push(tipset, self.params.chain_finality);
        self.latest = Some((tipset.key().clone(), messages));
        Pending { tipset: tipset.clone(), tally, bls, beacons, secp, posts }
    }
}

/// Check the signatures of all these tipsets together, and report on each.
///
/// `seed` must be fresh randomness: see [`Batch::settle`]. Runs on the current rayon pool, and needs no [`Verifier`], so that
/// one thread can prepare the next tipsets meanwhile.
#[must_use]
pub fn settle(params: &NetworkParams, pending: Vec<Pending>, seed: &[u8; 32]) -> Vec<EpochReport> {
    let (mut bls, mut beacons) =
        (Batch::<MinPk, (usize, Tag)>::default(), Batch::<MinSig, (usize, Tag)>::default());
    let mut jobs = Vec::new();
    let mut tallies = Vec::with_capacity(pending.len());
    let mut posts = Vec::with_capacity(pending.len());
    for (i, one) in pending.into_iter().enumerate() {
        bls.absorb(one.bls, |tag| (i, tag));
        beacons.absorb(one.beacons, |tag| (i, tag));
        jobs.extend(one.secp.into_iter().map(|job| (i, job)));
        tallies.push((one.tipset, one.tally));
        posts.push(one.posts);
    }
    settle_batch(&mut tallies, bls, seed);
    settle_batch(&mut tallies, beacons, seed);
    winning_post::settle(&mut tallies, posts);
    let verdicts = verify_jobs(params, &jobs);
    for ((i, job), verdict) in jobs.into_iter().zip(verdicts) {
        let Some((_, tally)) = tallies.get_mut(i) else { continue };
        let outcome = tally.of(Check::MessageSignatureSecp);
        match verdict {
            Ok(()) => outcome.pass(),
            Err(detail) => outcome.fail("message", Some(job.cid), detail),
        }
    }
    let report = |(tipset, tally): (Tipset, Tally)| EpochReport {
        epoch: tipset.epoch(),
        key: tipset.key().clone(),
        outcomes: tally.into_outcomes(),
    };
    tallies.into_iter().map(report).collect()
}

fn lookback(
    history: &mut History,
    store: &CheckedStore,
    params: &NetworkParams,
    tipset: &Tipset,
    parent: &Tipset,
) -> Result<Lookback, Unknown> {
    let height = tipset.epoch().height();
    history.lookback(store, parent, tipset.first().parent_state_root, height, params.lookback(height))
}

fn settle_batch<S: Scheme>(tallies: &mut [(Tipset, Tally)], batch: Batch<S, (usize, Tag)>, seed: &[u8; 32]) {
    for ((i, tag), verdict) in batch.settle(seed) {
        let Some((_, tally)) = tallies.get_mut(i) else { continue };
        let outcome = tally.of(tag.check);
        match verdict {
            Ok(()) => outcome.pass(),
            Err(failure) => {
                let detail = match tag.detail {
                    Some(subject) => format!("{subject}: {failure}"),
                    None => failure.to_string(),
                };
                outcome.fail(tag.what, Some(tag.cid), detail);
            }
        }
    }
}

/// Check each different message once.
fn verify_jobs(params: &NetworkParams, jobs: &[(usize, SecpJob)]) -> Vec<Result<(), String>> {
    let mut first = HashMap::new();
    for (_, job) in jobs {
        first.entry((job.cid, job.sender)).or_insert(job);
    }
    let verdicts: HashMap<(Cid, Address), Result<(), String>> =
        first.into_par_iter().map(|(key, job)| (key, verify_own(params, &job.signed, &job.sender))).collect();
    let verdict = |job: &SecpJob| {
        let verdict = verdicts.get(&(job.cid, job.sender)).cloned();
        verdict.unwrap_or_else(|| Err("its signature was not looked at".into()))
    };
    jobs.iter().map(|(_, job)| verdict(job)).collect()
}

fn base_fees(
    tally: &mut Tally,
    params: &NetworkParams,
    tipset: &Tipset,
    parent: &Result<Tipset, Unknown>,
    parent_messages: &TipsetMessages,
) {
    let due = parent.as_ref().map_err(Clone::clone).and_then(|parent| {
        let messages = parent_messages.as_ref().map_err(Clone::clone)?;
        base_fee::next(params, parent, messages)
    });
    for (cid, header) in tipset.cids_and_blocks() {
        let verdict = due.as_ref().map_err(Clone::clone).map(|due| {
            if *due == header.parent_base_fee {
                return Ok(());
            }
            Err(format!(
                "its base fee is {} where {} attoFIL are due",
                header.parent_base_fee.atto(),
                due.atto()
            ))
        });
        tally.block(Check::BaseFee, cid, verdict);
    }
}
