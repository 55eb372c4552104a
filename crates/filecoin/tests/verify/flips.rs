//! One bit is flipped somewhere. None survives, and the check that has to see it names it.
//!
//! A header or message with a flipped bit is put back under its new CID, so that it is not the CID that gives it away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use apogee_filecoin::source::Blocks;
use apogee_filecoin::types::{BlockHeader, BlockMessages, MessagesRoot, Tipset, cid_of};
use apogee_filecoin::verify::{Check, EpochReport, Verifier, settle};
use cid::Cid;
use fvm_ipld_amt::Amtv0;
use fvm_ipld_blockstore::Blockstore;

use crate::certificates::{recorded, verifier};
use crate::common::{Chain, Random, run_a};

/// The recording with some blocks changed or added; notes what is read.
#[derive(Debug)]
struct Overlay {
    below: Arc<dyn Blocks>,
    blocks: Mutex<HashMap<Cid, Vec<u8>>>,
    reads: Mutex<Vec<Cid>>,
}

impl Overlay {
    fn over(chain: &Chain) -> Arc<Self> {
        Arc::new(Self { below: Arc::clone(&chain.store), blocks: Mutex::default(), reads: Mutex::default() })
    }
}

impl Blockstore for Overlay {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.reads.lock().unwrap().push(*cid);
        match self.blocks.lock().unwrap().get(cid) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.below.get(cid),
        }
    }

    fn put_keyed(&self, cid: &Cid, bytes: &[u8]) -> anyhow::Result<()> {
        self.blocks.lock().unwrap().insert(*cid, bytes.to_vec());
        Ok(())
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        Ok(self.blocks.lock().unwrap().contains_key(cid) || self.below.has(cid)?)
    }
}

/// Checks the tipsets of a chain one after the other, with changed ones in between.
struct Walk {
    chain: Chain,
    store: Arc<Overlay>,
    verifier: Verifier,
}

impl Walk {
    fn new() -> Self {
        let chain = run_a();
        let store = Overlay::over(&chain);
        let blocks: Arc<dyn Blocks> = store.clone();
        let verifier = Verifier::new(blocks, Arc::clone(&chain.params));
        Self { chain, store, verifier }
    }

    fn report(&mut self, tipset: &Tipset) -> EpochReport {
        let pending = self.verifier.prepare(tipset);
        settle(&self.chain.params, vec![pending], &[8; 32]).remove(0)
    }

    /// The report on `tipset` with the block at `i` replaced; `None` when the blocks form no tipset any more.
    fn with_block(&mut self, tipset: &Tipset, i: usize, header: BlockHeader) -> Option<EpochReport> {
        let mut blocks = tipset.blocks().to_vec();
        blocks[i] = header;
        let changed = Tipset::new(blocks).ok()?;
        Some(self.report(&changed))
    }
}

fn failed(report: &EpochReport, check: Check) -> bool {
    report.outcome(check).is_some_and(|outcome| outcome.failed > 0 && !outcome.failures.is_empty())
}

#[test]
fn no_flipped_bit_of_a_header_survives() {
    let mut random = Random(20);
    let mut walk = Walk::new();
    let tipsets = walk.chain.tipsets.clone();
    let (mut refused, mut named) = (0, 0);
    for tipset in &tipsets[1..] {
        if random.below(3) == 0 {
            let i = random.below(tipset.blocks().len());
            let mut bytes = tipset.blocks()[i].to_cbor();
            random.flip(&mut bytes);
            match BlockHeader::from_cbor(&bytes) {
                // No header, or one that another encoding would have another CID for.
                Err(_) => refused += 1,
                Ok(header) => match walk.with_block(tipset, i, header) {
                    None => refused += 1,
                    Some(report) => {
                        assert!(report.failed() > 0, "epoch {}: survived {report:?}", tipset.epoch());
                        named += 1;
                    }
                },
            }
        }
        assert_eq!(walk.report(tipset).failed(), 0, "the true tipset at {}", tipset.epoch());
    }
    assert!(named > 50 && named + refused > 90, "{named} named, {refused} refused");
}

#[test]
fn the_check_that_is_meant_to_see_a_change_sees_it() {
    let mut random = Random(21);
    let mut walk = Walk::new();
    let tipsets = walk.chain.tipsets.clone();
    type Change = fn(&mut BlockHeader, &mut Random);
    let changes: [(Check, Change); 11] = [
        (Check::ElectionVrf, |header, random| {
            random.flip(&mut header.election_proof.as_mut().unwrap().vrf_proof)
        }),
        (Check::WinCount, |header, _| header.election_proof.as_mut().unwrap().win_count += 1),
        (Check::TicketVrf, |header, random| random.flip(&mut header.ticket.as_mut().unwrap().vrf_proof)),
        (Check::BlockSignature, |header, random| random.flip(&mut header.block_sig.as_mut().unwrap().bytes)),
        (Check::BlockSignature, |header, _| header.fork_signaling ^= 1),
        (Check::Beacon, |header, random| random.flip(&mut header.beacon_entries[0].signature)),
        (Check::Beacon, |header, random| header.beacon_entries[0].round ^= 1 << random.below(40)),
        (Check::Timestamp, |header, random| header.timestamp ^= 1 << random.below(30)),
        (Check::BaseFee, |header, _| header.parent_base_fee = header.parent_base_fee.clone() * 2),
        (Check::MinerEligible, |header, _| header.miner = fvm_shared::address::Address::new_id(4_711)),
        (Check::BlockSignature, |header, _| header.block_sig = None),
    ];
    for (n, tipset) in tipsets[1..].iter().enumerate() {
        let (check, change) = &changes[n % changes.len()];
        let i = random.below(tipset.blocks().len());
        let mut header = tipset.blocks()[i].clone();
        change(&mut header, &mut random);
        let report = walk.with_block(tipset, i, header).unwrap();
        assert!(failed(&report, *check), "epoch {}: {check} did not see it: {report:?}", tipset.epoch());
        walk.report(tipset);
    }
}

#[test]
fn parents_and_weights_are_compared_for_all_blocks_of_a_tipset() {
    let mut walk = Walk::new();
    let tipsets = walk.chain.tipsets.clone();
    for tipset in &tipsets[1..40] {
        let change = |change: &dyn Fn(&mut BlockHeader)| {
            let mut blocks = tipset.blocks().to_vec();
            blocks.iter_mut().for_each(change);
            Tipset::new(blocks).unwrap()
        };
        let heavier = change(&|header| header.parent_weight += 1);
        assert!(failed(&walk.report(&heavier), Check::ParentWeight), "epoch {}", tipset.epoch());
        if tipset.first().parents.len() > 1 {
            let turned = change(&|header| header.parents.reverse());
            let report = walk.report(&turned);
            let unknown = report.outcome(Check::ParentLinks).unwrap();
            assert!(unknown.failed > 0 || unknown.passed == 0, "epoch {}: {unknown:?}", tipset.epoch());
        }
        walk.report(tipset);
    }
}

/// Store these messages and return their root.
fn store_messages(store: &Overlay, bls: &[Vec<u8>], secp: &[Vec<u8>]) -> Cid {
    let root = |messages: &[Vec<u8>]| {
        let cids = messages.iter().map(|bytes| {
            let cid = cid_of(bytes);
            store.put_keyed(&cid, bytes).unwrap();
            cid
        });
        Amtv0::new_from_iter(store, cids).unwrap()
    };
    let roots = MessagesRoot { bls: root(bls), secp: root(secp) };
    let bytes = fvm_ipld_encoding::to_vec(&roots).unwrap();
    let cid = cid_of(&bytes);
    store.put_keyed(&cid, &bytes).unwrap();
    cid
}

#[test]
fn no_flipped_bit_of_a_message_survives() {
    let mut random = Random(22);
    let mut walk = Walk::new();
    let tipsets = walk.chain.tipsets.clone();
    let (mut refused, mut named) = (0, 0);
    for tipset in &tipsets[1..] {
        for (i, header) in tipset.blocks().iter().enumerate() {
            let messages = BlockMessages::load(&*walk.store, &header.messages).unwrap();
            if messages.is_empty() {
                continue;
            }
            let mut bls: Vec<_> =
                messages.bls.iter().map(|(_, one)| fvm_ipld_encoding::to_vec(one).unwrap()).collect();
            let mut secp: Vec<_> =
                messages.secp.iter().map(|(_, one)| fvm_ipld_encoding::to_vec(one).unwrap()).collect();
            assert_eq!(
                store_messages(&walk.store, &bls, &secp),
                header.messages,
                "unchanged they have the true root"
            );
            let at = random.below(messages.len());
            let (list, at, check) = match at.checked_sub(bls.len()) {
                None => (&mut bls, at, Check::MessageSignatureBls),
                Some(at) => (&mut secp, at, Check::MessageSignatureSecp),
            };
            random.flip(&mut list[at]);
            let changed =
                BlockHeader { messages: store_messages(&walk.store, &bls, &secp), ..header.clone() };
            let report = walk.with_block(tipset, i, changed).unwrap();
            if failed(&report, check) {
                named += 1;
            } else {
                assert!(
                    failed(&report, Check::MessagesRoot),
                    "epoch {}: survived {report:?}",
                    tipset.epoch()
                );
                refused += 1;
            }
        }
        walk.report(tipset);
    }
    assert!(named > 60, "{named} named, {refused} no messages any more");
}

#[test]
fn a_dropped_or_doubled_message_is_seen() {
    let mut walk = Walk::new();
    let tipsets = walk.chain.tipsets.clone();
    let mut seen = 0;
    for tipset in &tipsets[1..] {
        for (i, header) in tipset.blocks().iter().enumerate() {
            let messages = BlockMessages::load(&*walk.store, &header.messages).unwrap();
            let bls: Vec<_> =
                messages.bls.iter().map(|(_, one)| fvm_ipld_encoding::to_vec(one).unwrap()).collect();
            let Some(first) = bls.first() else { continue };
            for list in [&bls[1..], &[&bls[..], std::slice::from_ref(first)].concat()] {
                let changed =
                    BlockHeader { messages: store_messages(&walk.store, list, &[]), ..header.clone() };
                let report = walk.with_block(tipset, i, changed).unwrap();
                let check = report.outcome(Check::MessageSignatureBls).unwrap();
                // Without any message left the aggregate is over nothing.
                assert!(check.failed > 0 || (list.is_empty() && !check.not_made.is_empty()), "{report:?}");
                assert!(report.failed() > 0);
                seen += 1;
            }
        }
        walk.report(tipset);
    }
    assert_eq!(seen, 110);
}

/// Under its old CID: whatever the verifier reads is compared with its CID first.
#[test]
fn no_flipped_bit_of_a_node_survives() {
    let mut random = Random(23);
    let chain = run_a();
    for _ in 0..100 {
        let tipset = &chain.tipsets[1 + random.below(chain.tipsets.len() - 1)];
        let store = Overlay::over(&chain);
        let check = || {
            let blocks: Arc<dyn Blocks> = store.clone();
            let pending = Verifier::new(blocks, Arc::clone(&chain.params)).prepare(tipset);
            settle(&chain.params, vec![pending], &[8; 32]).remove(0)
        };
        assert_eq!(check().failed(), 0);
        let reads = std::mem::take(&mut *store.reads.lock().unwrap());
        let cid = reads[random.below(reads.len())];
        let mut bytes = chain.store.get(&cid).unwrap().unwrap();
        random.flip(&mut bytes);
        store.put_keyed(&cid, &bytes).unwrap();
        let report = check();
        let named = report
            .outcome(Check::StateNodes)
            .is_some_and(|outcome| outcome.failures.iter().any(|failure| failure.cid == Some(cid)));
        assert!(named, "epoch {}: node {cid} survived {report:?}", tipset.epoch());
    }
}

#[test]
fn no_flipped_bit_of_a_certificate_survives() {
    let mut random = Random(24);
    let chain = run_a();
    let (certificates, _) = recorded("devnet-a");
    let mut followed = verifier(&chain).chain().clone();
    let mut refused = 0;
    let mut flip_cid = |random: &mut Random, cid: &mut Cid| {
        let mut bytes = cid.to_bytes();
        random.flip(&mut bytes);
        match Cid::try_from(&bytes[..]) {
            Ok(flipped) => *cid = flipped,
            Err(_) => refused += 1,
        }
    };
    let mut seen = 0;
    for certificate in &certificates {
        let mut flipped = certificate.clone();
        let at = random.below(flipped.ec_chain.len());
        let tipset = &mut flipped.ec_chain[at];
        let which = random.below(9 + usize::from(!certificate.power_table_delta.is_empty()));
        match which {
            0 => flipped.instance ^= 1 << random.below(20),
            1 => flip_cid(&mut random, &mut tipset.key.0[0]),
            2 => random.flip(&mut tipset.commitments),
            3 => tipset.epoch ^= 1 << random.below(30),
            4 => flip_cid(&mut random, &mut tipset.power_table),
            5 => random.flip(&mut flipped.supplemental.commitments),
            6 => flip_cid(&mut random, &mut flipped.supplemental.power_table),
            7 => {
                let run = random.below(flipped.signers.len());
                flipped.signers[run] ^= 1 << random.below(4);
            }
            8 => random.flip(&mut flipped.signature),
            _ => flipped.power_table_delta[0].power_delta += 1,
        }
        if flipped != *certificate {
            let mut one = apogee_filecoin::verify::CertificateVerifier::new(followed.clone());
            let pending = one.prepare(&[flipped], |_| None);
            let report = &one.settle(pending, &[8; 32])[0];
            assert_eq!(
                report.outcome.failed, 1,
                "field {which} of instance {}: survived",
                certificate.instance
            );
            seen += 1;
        }
        followed.advance(certificate).unwrap();
    }
    assert!(seen > 350, "{seen} seen, {refused} no CIDs");
}
