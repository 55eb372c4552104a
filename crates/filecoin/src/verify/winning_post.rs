//! `WinningPoSt`: which sectors are challenged follows from look-back state and beacon; the SNARK itself is checked elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use apogee_filecoin_proofs::{Sector, Verdict, VerifyingKeys, WinningPost, winning_post_challenges};
use apogee_filecoin_state::{Miner, StateTree};
use cid::Cid;
use fvm_ipld_bitfield::BitField;

use super::check::{Check, Finding, Reason, Tally, Unknown};
use super::election::{Election, randomness_base};
use super::header::miner_entropy;
use super::state::StateReader;
use crate::crypto::{DomainSeparationTag, draw};
use crate::types::BlockHeader;

/// Before this network version sectors of any standing but faulty were challenged.
const ACTIVE_SECTORS: u32 = 7;

/// Sector sets that are kept.
const KEPT_SETS: usize = 1_000;

/// Collects proofs while tipsets are prepared.
#[derive(Debug, Default)]
pub(super) struct Collector {
    keys: Option<Arc<VerifyingKeys>>,
    /// Sectors that may be challenged, by the miner's state.
    sets: HashMap<(Cid, bool), Arc<Challenged>>,
}

#[derive(Debug)]
struct Challenged {
    miner: Miner,
    proof_type: i64,
    sectors: BitField,
}

/// The proofs of one tipset.
#[derive(Debug, Default)]
pub(super) struct Posts {
    keys: Option<Arc<VerifyingKeys>>,
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    cid: Cid,
    proof_type: i64,
    randomness: [u8; 32],
    miner: u64,
    sectors: Vec<Sector>,
    proof: Vec<u8>,
}

impl Collector {
    pub(super) fn set_keys(&mut self, keys: Arc<VerifyingKeys>) {
        self.keys = Some(keys);
    }

    /// Add a block's proof.
    pub(super) fn add(
        &mut self,
        posts: &mut Posts,
        tally: &mut Tally,
        state: &mut StateReader<'_>,
        election: &Election<'_>,
        (cid, header, miner): (Cid, &BlockHeader, u64),
    ) {
        let Some(keys) = &self.keys else {
            let unknown = Unknown::new(Reason::MissingKey, "no verifying keys were given");
            return tally.block(Check::WinningPost, cid, Err(unknown));
        };
        posts.keys.get_or_insert_with(|| Arc::clone(keys));
        match self.job(state, election, (cid, header, miner)) {
            Ok(Ok(job)) => posts.jobs.push(job),
            wrong_or_unknown => {
                tally.block(Check::WinningPost, cid, wrong_or_unknown.map(|job| job.map(drop)))
            }
        }
    }

    fn job(
        &mut self,
        state: &mut StateReader<'_>,
        election: &Election<'_>,
        (cid, header, miner): (Cid, &BlockHeader, u64),
    ) -> Finding<Job> {
        let parent = election.parent.as_ref().map_err(Clone::clone)?;
        let lookback = election.lookback.as_ref().map_err(Clone::clone)?;
        let active = state.params.version(parent.epoch().height()) >= ACTIVE_SECTORS;
        let Some(set) = self.set(state, &lookback.state, miner, active)? else {
            return Ok(Err(format!("the look-back state has no miner f0{miner}")));
        };
        let base = randomness_base(election, header)?;
        let tag = DomainSeparationTag::WinningPoStChallengeSeed;
        let randomness = draw(base, tag, header.height, &miner_entropy(header));
        let [proof] = header.winning_post_proof.as_slice() else {
            return Ok(Err(format!("it has {} proofs where one is due", header.winning_post_proof.len())));
        };
        if i64::from(proof.post_proof) != set.proof_type {
            return Ok(Err(format!("its proof is of another type than {}", set.proof_type)));
        }
        let indices = match winning_post_challenges(set.proof_type, randomness, miner, set.sectors.len()) {
            Ok(indices) => indices,
            Err(Verdict::NotMade(reason)) => {
                return Err(Unknown::new(Reason::UnknownRule, reason.to_string()));
            }
            Err(Verdict::Invalid(refusal)) => return Ok(Err(refusal.to_string())),
            Err(Verdict::Valid) => Vec::new(),
        };
        let mut sectors = Vec::with_capacity(indices.len());
        for index in indices {
            let number = set.sectors.slice(index, 1).and_then(|one| one.first());
            let sector = number.map(|number| set.miner.sector(state.store, number)).transpose()?.flatten();
            let Some(sector) = sector else {
                return Err(Unknown::new(
                    Reason::UnreadableState,
                    format!("f0{miner} lacks its challenged sector"),
                ));
            };
            sectors.push(Sector { number: sector.number, sealed_cid: sector.sealed_cid });
        }
        let (proof_type, proof) = (set.proof_type, proof.proof_bytes.clone());
        Ok(Ok(Job { cid, proof_type, randomness, miner, sectors, proof }))
    }

    fn set(
        &mut self,
        state: &StateReader<'_>,
        root: &Cid,
        miner: u64,
        active: bool,
    ) -> Result<Option<Arc<Challenged>>, Unknown> {
        let tree = StateTree::open(state.store, root)?;
        let Some(actor) = tree.actor(miner)? else { return Ok(None) };
        if let Some(set) = self.sets.get(&(actor.state, active)) {
            return Ok(Some(Arc::clone(set)));
        }
        let Some(miner) = tree.miner(miner)? else { return Ok(None) };
        let proof_type = miner.info(state.store)?.winning_post_proof_type();
        let proof_type =
            proof_type.ok_or_else(|| Unknown::new(Reason::UnknownRule, "an unknown sector size"))?;
        let sets = miner.sector_sets(state.store)?;
        let sectors = if active { sets.active } else { sets.not_faulty };
        let set = Arc::new(Challenged { miner, proof_type, sectors });
        if self.sets.len() >= KEPT_SETS {
            self.sets.clear();
        }
        self.sets.insert((actor.state, active), Arc::clone(&set));
        Ok(Some(set))
    }
}

/// Check the proofs of many tipsets together.
pub(super) fn settle<T>(tallies: &mut [(T, Tally)], posts: Vec<Posts>) {
    let Some(keys) = posts.iter().find_map(|posts| posts.keys.clone()) else { return };
    let jobs: Vec<(usize, Job)> = posts
        .into_iter()
        .enumerate()
        .flat_map(|(i, posts)| posts.jobs.into_iter().map(move |job| (i, job)))
        .collect();
    let winning: Vec<WinningPost<'_>> = jobs
        .iter()
        .map(|(_, job)| WinningPost {
            proof_type: job.proof_type,
            randomness: job.randomness,
            miner: job.miner,
            sectors: &job.sectors,
            proof: &job.proof,
        })
        .collect();
    for ((i, job), verdict) in jobs.iter().zip(keys.verify_winning_posts(&winning)) {
        let Some((_, tally)) = tallies.get_mut(*i) else { continue };
        let verdict = match verdict {
            Verdict::Valid => Ok(Ok(())),
            Verdict::Invalid(refusal) => Ok(Err(refusal.to_string())),
            Verdict::NotMade(reason) => Err(Unknown::new(Reason::MissingKey, reason.to_string())),
        };
        tally.block(Check::WinningPost, job.cid, verdict);
    }
}
