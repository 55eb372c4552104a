//! Proofs that messages carry, WindowPoSt and PoRep, checked with everything they are about read from the chain.

mod randomness;

use std::sync::Arc;

use apogee_filecoin::crypto::DomainSeparationTag;
use apogee_filecoin::types::{BlockMessages, Message, Receipt, Tipset, executed_messages};
use apogee_filecoin::verify::NetworkParams;
use apogee_filecoin_proofs::{NotMade, Seal, Sector, Verdict, VerifyingKeys, WindowPost};
use apogee_filecoin_state::{ActorKind, Miner, StateTree};
use apogee_store::{CheckRecord, Unmade};
use cid::Cid;
use cid::multihash::Multihash;
use fvm_ipld_bitfield::BitField;
use fvm_ipld_encoding::{RawBytes, strict_bytes};
use fvm_shared::address::Address;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

use self::randomness::Trail;
use crate::checks::{SEAL, WINDOW_POST};
use crate::nodes::Nodes;

/// Proving periods and deadlines (builtin-actors `runtime/src/runtime/policy.rs`; the same on every known network).
const PROVING_PERIOD: i64 = 2_880;
const CHALLENGE_WINDOW: i64 = 60;
const CHALLENGE_LOOKBACK: i64 = 20;
/// Failures that are kept in words.
const KEPT_FAILURES: usize = 8;
/// Codes of a `CommD`: `fil-commitment-unsealed`, `sha2-256-trunc254-padded`.
const UNSEALED: u64 = 0xf101;
const TRUNCATED_SHA256: u64 = 0x1012;

/// Checks the proofs of one chain, in its order.
#[derive(Debug)]
pub(crate) struct Proofs {
    keys: Arc<VerifyingKeys>,
    trail: Trail,
}

#[derive(Deserialize)]
struct Partition(u64, BitField);

#[derive(Deserialize)]
struct PostProof(i64, #[serde(with = "strict_bytes")] Vec<u8>);

/// `SubmitWindowedPoSt`.
#[derive(Deserialize)]
struct WindowParams(u64, Vec<Partition>, Vec<PostProof>, IgnoredAny, IgnoredAny);

/// `ProveCommitSector`.
#[derive(Deserialize)]
struct OneSector(u64, RawBytes);

#[derive(Deserialize)]
struct Activation(u64, IgnoredAny);

/// `ProveCommitSectors3`.
#[derive(Deserialize)]
struct ManySectors(Vec<Activation>, Vec<RawBytes>, RawBytes, IgnoredAny, IgnoredAny, IgnoredAny);

/// How many sectors were activated, and which were not.
#[derive(Deserialize)]
struct Activated(IgnoredAny, Vec<(usize, IgnoredAny)>);

/// What a check found: nothing wrong, what is wrong, or why it could not be made.
type Finding = Result<Result<(), String>, &'static str>;

const MISSING_STATE: &str = "missing_state";
const MISSING_LOOKBACK: &str = "missing_lookback";
const UNKNOWN_RULE: &str = "unknown_rule";
const AGGREGATE: &str = "aggregate";

impl Proofs {
    pub(crate) fn new(keys: Arc<VerifyingKeys>) -> Self {
        Self { keys, trail: Trail::default() }
    }

    /// Check what the successful messages of `tipset` prove; `child` names their receipts. None where there is nothing to check.
    pub(crate) fn check(
        &mut self,
        nodes: &Nodes,
        params: &NetworkParams,
        tipset: &Tipset,
        child: &Tipset,
    ) -> Vec<CheckRecord> {
        self.trail.push(tipset);
        let (mut posts, mut seals) = (Tally::new(WINDOW_POST), Tally::new(SEAL));
        let blocks: Result<Vec<_>, _> =
            tipset.blocks().iter().map(|block| BlockMessages::load(nodes, &block.messages)).collect();
        let receipts = Receipt::load_all(nodes, &child.first().parent_message_receipts);
        let (Ok(blocks), Ok(receipts)) = (blocks, receipts) else { return Vec::new() };
        let after = StateTree::open(nodes, &child.first().parent_state_root).ok();
        let resolved = |address: &Address| after.as_ref()?.resolve(address).ok().flatten();
        let executed = executed_messages(&blocks, |from| resolved(from).map_or(*from, Address::new_id));
        if executed.len() != receipts.len() {
            return Vec::new();
        }
        for (one, receipt) in executed.iter().zip(&receipts) {
            let proves = matches!(one.message.method_num, 5 | 7 | 26 | 27 | 34 | 35 | 36);
            if !proves || !receipt.exit_code.is_success() {
                continue;
            }
            let about = About {
                nodes,
                params,
                epoch: tipset.epoch().height(),
                root: &tipset.first().parent_state_root,
            };
            let Some((id, miner)) = about.miner(one.message) else { continue };
            let about = (&about, id, &miner);
            match one.message.method_num {
                5 => posts.add(one.cid, self.window(about, one.message)),
                7 => seals.add(one.cid, self.one(about, one.message)),
                34 => self.many(about, one.message, receipt, |finding| seals.add(one.cid, finding)),
                // Aggregates, sector updates and non-interactive proofs.
                _ => seals.add(one.cid, Err(AGGREGATE)),
            }
        }
        [posts, seals].into_iter().filter_map(Tally::record).collect()
    }

    fn window(&mut self, (about, id, miner): (&About<'_>, u64, &Miner), message: &Message) -> Finding {
        let Ok(WindowParams(deadline, partitions, proofs, ..)) = message.params.deserialize() else {
            return Ok(Err("its parameters do not decode".into()));
        };
        let [PostProof(proof_type, proof)] = proofs.as_slice() else {
            return Ok(Err(format!("it has {} proofs where one is due", proofs.len())));
        };
        let standing = miner.partitions(about.nodes, deadline).map_err(|_| MISSING_STATE)?;
        let mut sectors = Vec::new();
        for Partition(index, skipped) in &partitions {
            let Some((_, sets)) = standing.iter().find(|(found, _)| found == index) else {
                return Ok(Err(format!("deadline {deadline} has no partition {index}")));
            };
            let proven = &(&sets.live - &(&sets.faulty - &sets.recovering)) - skipped;
            for number in proven.iter() {
                let sector = miner.sector(about.nodes, number).ok().flatten().ok_or(MISSING_STATE)?;
                sectors.push(Sector { number, sealed_cid: sector.sealed_cid });
            }
        }
        let offset = i64::try_from(deadline).ok().and_then(|deadline| deadline.checked_mul(CHALLENGE_WINDOW));
        let period = about.epoch - (about.epoch - miner.proving_period_start).rem_euclid(PROVING_PERIOD);
        let challenge = offset
            .and_then(|offset| (period - CHALLENGE_LOOKBACK).checked_add(offset))
            .ok_or(UNKNOWN_RULE)?;
        let drawn = (DomainSeparationTag::WindowedPoStChallengeSeed, challenge);
        let randomness = self.trail.beacon(about.nodes, about.params, drawn, &entropy(id));
        let randomness = randomness.ok_or(MISSING_LOOKBACK)?;
        let post = WindowPost { proof_type: *proof_type, randomness, miner: id, sectors: &sectors, proof };
        finding(self.keys.verify_window_post(&post), || format!("f0{id}, deadline {deadline}"))
    }

    fn one(&mut self, about: (&About<'_>, u64, &Miner), message: &Message) -> Finding {
        match message.params.deserialize() {
            Ok(OneSector(number, proof)) => self.seal(about, number, proof.bytes()),
            Err(_) => Ok(Err("its parameters do not decode".into())),
        }
    }

    fn many(
        &mut self,
        about: (&About<'_>, u64, &Miner),
        message: &Message,
        receipt: &Receipt,
        mut found: impl FnMut(Finding),
    ) {
        let Ok(ManySectors(sectors, proofs, aggregate, ..)) = message.params.deserialize() else {
            return found(Ok(Err("its parameters do not decode".into())));
        };
        if !aggregate.bytes().is_empty() {
            return found(Err(AGGREGATE));
        }
        let bytes = &receipt.return_data;
        let results: Result<Activated, _> =
            bytes.deserialize().or_else(|_| bytes.deserialize().map(|(results,): (Activated,)| results));
        let Ok(Activated(_, refused)) = results else { return found(Err(UNKNOWN_RULE)) };
        for (index, (Activation(number, _), proof)) in sectors.iter().zip(&proofs).enumerate() {
            if !refused.iter().any(|(refused, _)| *refused == index) {
                found(self.seal(about, *number, proof.bytes()));
            }
        }
    }

    fn seal(&mut self, (about, id, miner): (&About<'_>, u64, &Miner), number: u64, proof: &[u8]) -> Finding {
        let Some(pre) = miner.pre_commit(about.nodes, number).map_err(|_| MISSING_STATE)? else {
            return Ok(Err(format!("f0{id} has not committed to sector {number} before")));
        };
        let unsealed_cid = match pre.unsealed_cid {
            Some(unsealed) => unsealed,
            None => {
                empty(miner.info(about.nodes).map_err(|_| MISSING_STATE)?.sector_size).ok_or(UNKNOWN_RULE)?
            }
        };
        let (nodes, params, entropy) = (about.nodes, about.params, entropy(id));
        let drawn = (DomainSeparationTag::SealRandomness, pre.seal_epoch);
        let ticket = self.trail.ticket(nodes, params, drawn, &entropy).ok_or(MISSING_LOOKBACK)?;
        let challenge = pre.epoch.checked_add(params.pre_commit_challenge_delay).ok_or(UNKNOWN_RULE)?;
        let drawn = (DomainSeparationTag::InteractiveSealChallengeSeed, challenge);
        let seed = self.trail.beacon(nodes, params, drawn, &entropy).ok_or(MISSING_LOOKBACK)?;
        let (proof_type, sealed_cid) = (pre.seal_proof, pre.sealed_cid);
        let seal = Seal { proof_type, miner: id, number, sealed_cid, unsealed_cid, ticket, seed, proof };
        finding(self.keys.verify_seal(&seal), || format!("f0{id}, sector {number}"))
    }
}

/// The state that a message met.
struct About<'a> {
    nodes: &'a Nodes,
    params: &'a NetworkParams,
    epoch: i64,
    root: &'a Cid,
}

impl About<'_> {
    /// The miner that a message is sent to; `None` where it is no miner, or cannot be read.
    fn miner(&self, message: &Message) -> Option<(u64, Miner)> {
        let tree = StateTree::open(self.nodes, self.root).ok()?;
        let id = tree.resolve(&message.to).ok()??;
        if tree.kind(&tree.actor(id).ok()??.code).ok()? != ActorKind::Miner {
            return None;
        }
        Some((id, tree.miner(id).ok()??))
    }
}

/// A miner's address as randomness is drawn with.
fn entropy(id: u64) -> Vec<u8> {
    // A byte string: serialising into memory has no way to fail.
    fvm_ipld_encoding::to_vec(&Address::new_id(id)).unwrap_or_default()
}

fn finding(verdict: Verdict, whose: impl Fn() -> String) -> Finding {
    match verdict {
        Verdict::Valid => Ok(Ok(())),
        Verdict::Invalid(refusal) => Ok(Err(format!("{}: {refusal}", whose()))),
        Verdict::NotMade(NotMade::NoKey(_) | NotMade::BadKey { .. }) => Err("missing_key"),
        Verdict::NotMade(NotMade::UnknownType(_)) => Err(UNKNOWN_RULE),
        Verdict::NotMade(NotMade::Aggregate(_)) => Err(AGGREGATE),
    }
}

/// `CommD` of a sector of zeros: what a sector without data commits to.
fn empty(sector_size: u64) -> Option<Cid> {
    let leaves = sector_size.checked_div(32).filter(|leaves| leaves.is_power_of_two())?;
    let mut node = [0_u8; 32];
    for _ in 0..leaves.ilog2() {
        node = Sha256::new().chain_update(node).chain_update(node).finalize().into();
        if let Some(last) = node.last_mut() {
            *last &= 0x3f;
        }
    }
    Some(Cid::new_v1(UNSEALED, Multihash::wrap(TRUNCATED_SHA256, &node).ok()?))
}

/// How a check went.
struct Tally(CheckRecord);

impl Tally {
    fn new(check: &str) -> Self {
        let check = check.to_owned();
        Self(CheckRecord { check, passed: 0, failed: 0, not_made: Vec::new(), failures: Vec::new() })
    }

    fn add(&mut self, message: &Cid, finding: Finding) {
        let record = &mut self.0;
        match finding {
            Ok(Ok(())) => record.passed += 1,
            Ok(Err(detail)) => {
                record.failed += 1;
                if record.failures.len() < KEPT_FAILURES {
                    record.failures.push(format!("message {message}: {detail}"));
                }
            }
            Err(reason) => match record.not_made.iter_mut().find(|unmade| unmade.reason == reason) {
                Some(unmade) => unmade.count += 1,
                None => record.not_made.push(Unmade { reason: reason.to_owned(), count: 1 }),
            },
        }
    }

    /// What is stored; `None` where nothing was to be checked.
    fn record(self) -> Option<CheckRecord> {
        let record = self.0;
        (record.passed > 0 || record.failed > 0 || !record.not_made.is_empty()).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_of_zeros_commits_to_the_published_value() {
        // Of 2 KiB (rust-fil-proofs) and 32 GiB (Lotus `zerocomm`).
        for (size, known) in [
            (2 << 10, "baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy"),
            (32 << 30, "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq"),
        ] {
            assert_eq!(empty(size).unwrap().to_string(), known);
        }
        assert_eq!(empty(100), None);
    }
}
