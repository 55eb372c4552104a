//! What is derived beside the checks: nothing of it is kept when a check fails, and it comes to an end.

use std::sync::Arc;

use apogee_filecoin::types::{BlockHeader, Tipset, cid_of};
use apogee_filecoin_state::StateTree;
use apogee_indexer::{Doubt, IndexError, Indexer, Options, Reads};
use apogee_simnet::{ChangeKind, HeadChange, Ledger, Simulation};
use cid::Cid;

use crate::common::{at, options, recording_to};
use crate::made::{over, simulation, with};
use crate::memory::Memory;

fn lead_to(simulation: &Simulation, lie: Tipset) {
    simulation.ledger().add(&lie);
    simulation.ledger().change(vec![HeadChange { kind: ChangeKind::Apply, tipset: lie }]);
}

/// Everything about it is true but one bit of one signature.
fn badly_signed(tipset: &Tipset) -> Tipset {
    let mut blocks = tipset.blocks().to_vec();
    blocks[0].block_sig.as_mut().unwrap().bytes[40] ^= 1;
    Tipset::new(blocks).unwrap()
}

#[tokio::test]
async fn nothing_of_an_epoch_with_a_false_signature_nor_of_what_is_built_on_it_is_ever_written() {
    for (batch, steps) in [(1, 1), (4, 3), (16, 9), (64, 20)] {
        let simulation = simulation(batch.into());
        simulation.mine_to(at(30)).unwrap();
        let memory = Memory::new();
        let indexer = || {
            let options = Options { doubt: Doubt::Stop, ..options(batch) };
            with(Arc::new(memory.clone()), &simulation, 900, options)
        };
        indexer().backfill_to_head().await.unwrap();
        let before = memory.all();
        for _ in 0..steps {
            simulation.mine().unwrap();
        }
        let honest = simulation.ledger().head();
        let lie = badly_signed(&honest);
        let epoch = lie.epoch();
        simulation.ledger().change(vec![HeadChange { kind: ChangeKind::Revert, tipset: honest.clone() }]);
        lead_to(&simulation, lie);
        // The next miners build on it, and all they do is right.
        for _ in 0..10 {
            simulation.mine().unwrap();
        }
        for _ in 0..2 {
            let error = indexer().backfill_to_head().await.unwrap_err();
            let IndexError::Invalid { epoch: failed, check, .. } = &error else { panic!("{error:?}") };
            assert_eq!((*failed, check.as_str()), (epoch, "block_signature"));
        }
        let after = memory.all();
        assert!(after.epochs.keys().all(|indexed| *indexed < epoch), "batches of {batch}");
        assert!(after.steps.keys().all(|(.., step)| *step < epoch), "batches of {batch}");
        assert!(after.epochs.len() >= before.epochs.len());
        assert!(after.cursor.unwrap().checks.iter().all(|check| check.failed == 0));

        // What is true is taken afterwards.
        simulation.ledger().change(vec![HeadChange { kind: ChangeKind::Apply, tipset: honest }]);
        let cursor = indexer().backfill_to_head().await.unwrap();
        assert_eq!(cursor.epoch, epoch);
        let again = Memory::new();
        assert_eq!(
            over(Arc::new(again), &simulation, 900).backfill_to_head().await.unwrap().digest,
            cursor.digest
        );
    }
}

/// The links in a block: CIDs of 38 bytes, as all are that the chain's state has.
fn links(block: &[u8]) -> Vec<Cid> {
    const TAG: [u8; 5] = [0xd8, 0x2a, 0x58, 0x27, 0];
    let starts = (0..block.len()).filter(|at| block[*at..].starts_with(&TAG));
    starts.filter_map(|at| Cid::try_from(block.get(at + 5..at + 43)?).ok()).collect()
}

fn put(ledger: &Ledger, bytes: Vec<u8>) -> Cid {
    let cid = cid_of(&bytes);
    ledger.put(cid, bytes);
    cid
}

/// The tree below `root` with `new` in the place of `old`; `None` where that is not in it.
fn graft(ledger: &Ledger, root: &Cid, old: &Cid, new: &Cid) -> Option<Cid> {
    if root == old {
        return Some(*new);
    }
    let block = ledger.block(root)?;
    let (child, grafted) =
        links(&block).into_iter().find_map(|child| Some((child, graft(ledger, &child, old, new)?)))?;
    let (from, to) = (child.to_bytes(), grafted.to_bytes());
    let at = block.windows(from.len()).position(|bytes| bytes == from)?;
    Some(put(ledger, [&block[..at], &to, &block[at + from.len()..]].concat()))
}

/// An array of 2²⁵ times the value of this one, in five nodes: all 32 children of a node are one and the same.
fn endless(ledger: &Ledger, array: &Cid) -> Cid {
    const HEIGHT: u8 = 4;
    let block = ledger.block(array).unwrap();
    // Width 5, height 0, one value in the first slot.
    let value = block.strip_prefix(&[0x84, 5, 0, 1, 0x83, 0x44, 1, 0, 0, 0, 0x80, 0x81]).unwrap();
    let marks = [0x83, 0x44, 0xff, 0xff, 0xff, 0xff];
    let mut node = [&marks[..], &[0x80, 0x98, 32], &value.repeat(32)].concat();
    for _ in 0..HEIGHT {
        let child = put(ledger, node).to_bytes();
        let link = [&[0xd8, 0x2a, 0x58, 0x27, 0], &child[..]].concat();
        node = [&marks[..], &[0x98, 32], &link.repeat(32), &[0x80]].concat();
    }
    put(ledger, [&[0x84, 5, HEIGHT, 0x1a, 2, 0, 0, 0], &node[..]].concat())
}

/// A block that claims a state in which a miner has more partitions than anybody can count.
fn endless_state(simulation: &Simulation) -> Tipset {
    let (ledger, head) = (simulation.ledger(), simulation.ledger().head());
    let root = head.first().parent_state_root;
    let miner = simulation.miners().next().unwrap();
    let state = StateTree::open(&**ledger, &root).unwrap().miner(miner).unwrap().unwrap();
    let partitions = links(&ledger.block(&state.deadlines).unwrap())
        .iter()
        .flat_map(|deadline| links(&ledger.block(deadline).unwrap())[..1].to_vec())
        .find(|array| ledger.block(array).unwrap()[3] == 1)
        .unwrap();
    let root = graft(ledger, &root, &partitions, &endless(ledger, &partitions)).unwrap();
    let block = BlockHeader {
        height: head.epoch().height() + 1,
        parents: head.key().0.clone(),
        parent_state_root: root,
        ..head.first().clone()
    };
    Tipset::new(vec![block]).unwrap()
}

#[tokio::test]
async fn a_state_without_end_is_given_up_at_the_limit_and_the_epoch_is_named() {
    let simulation = simulation(1);
    simulation.mine_to(at(20)).unwrap();
    let reads = Reads { nodes: 3_000, bytes: 16 << 20 };
    for doubt in [Doubt::Stop, Doubt::Record] {
        let memory = Memory::new();
        let options = || Options { reads, doubt, ..options(16) };
        let indexer = || with(Arc::new(memory.clone()), &simulation, 900, options());
        let honest = simulation.ledger().head();
        indexer().backfill_to_head().await.unwrap();
        let before = memory.all();
        let lie = endless_state(&simulation);
        let epoch = lie.epoch();
        lead_to(&simulation, lie);
        let error = indexer().backfill_to_head().await.unwrap_err();
        assert!(matches!(&error, IndexError::TooMuch { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "epoch {epoch} of made reads more than 3000 blocks or 16777216 bytes, the limit for one epoch"
            )
        );
        assert!(error.blames_the_chain() && error.may_pass());
        assert!(memory.all() == before);
        simulation.ledger().change(vec![HeadChange { kind: ChangeKind::Apply, tipset: honest }]);
        assert_eq!(indexer().backfill_to_head().await.unwrap(), before.cursor.unwrap());
    }
}

/// Reading all of a state takes more than reading what differs.
#[tokio::test]
async fn the_limits_leave_room_for_a_real_chain_and_are_those_of_an_epoch_not_of_a_batch() {
    let recording = recording_to(60);
    let run = async |nodes, batch| {
        let (memory, options) =
            (Memory::new(), Options { reads: Reads { nodes, ..Reads::DEFAULT }, ..options(batch) });
        let (network, params) = (recording.network.clone(), recording.params.clone());
        let source = Arc::new(recording.source.clone());
        Indexer::new(Arc::new(memory), source, network, params, options).backfill_to_head().await
    };
    let whole = run(Reads::DEFAULT.nodes, 64).await.unwrap();
    assert_eq!(run(1_500, 64).await.unwrap().digest, whole.digest);
    assert!(matches!(run(20, 64).await.unwrap_err(), IndexError::TooMuch { .. }));
}
