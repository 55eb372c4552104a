//! Failures that indexers are known for (performance-reliability 1.3), one test each, and a restart at every step.

use std::sync::Arc;

use apogee_domain::series::*;
use apogee_filecoin::source::{Source, SourceError};
use apogee_indexer::IndexError;
use apogee_indexer::recording::Recording;

use crate::archive::without;
use crate::common::{at, full, head_of, indexed, indexer, recording, recording_to, straight};
use crate::flaky::Flaky;
use crate::forks::{Moving, facts};
use crate::memory::Memory;

/// Long enough for null rounds, an upgrade's neighbourhood and certificates.
const HEAD: i64 = 34;

fn flaky(recording: &Recording) -> Flaky {
    Flaky::new(Arc::new(recording.source.clone()))
}

/// lily #583, #596, #705: a head that comes while the indexer is busy is skipped, and then the one after it.
#[tokio::test]
async fn a_head_that_comes_while_the_indexer_is_busy_is_not_skipped() {
    let recording = recording();
    let chain: Vec<_> = recording.source.chain().cloned().collect();
    let (moving, memory) = (Moving::new(recording.source.clone()), Memory::new());
    let mut indexer = indexer(&memory, &recording, Arc::new(moving.clone()), 8);
    // The head moves by other distances than the indexer works in.
    for next in [3, 4, 30, 31, 33, 60] {
        moving.to(chain[next].key());
        let at_work = indexer.backfill_to_head();
        let (done, ()) = tokio::join!(at_work, async {
            for later in &chain[next..next + 3] {
                tokio::task::yield_now().await;
                moving.to(later.key());
            }
        });
        done.unwrap();
    }
    indexer.backfill_to_head().await.unwrap();
    let direct = straight(recording_to(chain[62].epoch().height()), 64).await;
    assert!(facts(&memory) == facts(&direct));
}

/// lily #1083: the tipset at hand is lost when the process restarts.
#[tokio::test]
async fn a_restart_at_every_head_loses_no_tipset() {
    let recording = recording();
    let moving = Moving::new(recording.source.clone());
    let memory = Memory::new();
    for tipset in recording.source.chain().take_while(|tipset| tipset.epoch() <= at(HEAD)) {
        moving.to(tipset.key());
        let mut fresh = indexer(&memory, &recording, Arc::new(moving.clone()), 64);
        assert_eq!(fresh.backfill_to_head().await.unwrap().key, tipset.key().to_string());
    }
    assert!(facts(&memory) == facts(&straight(recording_to(HEAD), 64).await));
}

/// lily #810: a range is reported as filled while data is missing.
#[tokio::test]
async fn whether_a_range_is_complete_is_told_by_its_rows_and_not_by_its_cursor() {
    let memory = indexed().await;
    memory.rows.lock().unwrap().steps.retain(|(series, _, epoch), _| *series != WINCOUNT || *epoch != at(77));
    let recording = recording();
    let source = Arc::new(recording.source.clone());
    let mut over = indexer(&memory, &recording, source, 64);
    over.backfill_to_head().await.unwrap();
    let difference = over.verify(at(70), at(80)).await.unwrap().difference.expect("the rows are missing");
    assert_eq!((difference.epoch, difference.series), (at(77), Some(WINCOUNT)));
}

/// lily #997, #1297: an extractor that no longer understands the state stops without a word.
#[tokio::test]
async fn what_can_no_longer_be_read_becomes_unknown_and_the_sums_say_so() {
    let recording = recording();
    // The power actor's and the miners' state at epoch 20 is of a form nobody knows, or gone: all that hangs below its root.
    let root = recording.source.chain().find(|one| one.epoch() == at(20)).unwrap().first().parent_state_root;
    let archive = without(|cid| *cid == root);
    let source = apogee_filecoin::source::CarSource::new("run A without a state", vec![archive]).unwrap();
    let memory = Memory::new();
    indexer(&memory, &recording, Arc::new(source), 64).backfill_to_head().await.unwrap();
    let rows = memory.all();
    assert_eq!(
        (memory.at(&POWER_RAW, "t01000", 19), memory.at(&POWER_RAW, "t01000", 20)),
        (Some(40_960), None)
    );
    assert_eq!(memory.at(&POWER_RAW, "t01000", 21), Some(40_960), "known again when it can be read");
    assert!(
        rows.epochs[&at(20)].reconciled.iter().all(|sum| sum.agrees().is_none()),
        "nothing is said to agree"
    );
    assert!(rows.epochs[&at(22)].reconciled.iter().all(|sum| sum.agrees() == Some(true)));
    assert_eq!(memory.at(&REWARD_BLOCK, "t01000", 313), None, "a sum with an unknown part stays unknown");
}

/// rindexer #451, ourdao-backend #7, tendermint #3211: rows and cursor are committed apart, or a commit whose answer was lost is done again:
/// rows come twice, and sums count twice.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_counts_once() {
    let recording = recording_to(HEAD);
    let direct = straight(recording.clone(), 64).await;
    for lost in 0..8 {
        let memory = Memory::new();
        let source = Arc::new(recording.source.clone());
        let mut over = indexer(&memory, &recording, source, 8);
        memory.lose_answer(lost);
        let mut failed = 0;
        while let Err(error) = over.backfill_to_head().await {
            assert!(error.may_pass(), "{error:?}");
            failed += 1;
            assert!(failed < 3);
        }
        assert!(facts(&memory) == facts(&direct), "the answer to commit {lost} was lost");
    }
}

/// graph-node #3319, #5661: stuck in a loop of reverts; Blockscout #9342: only some tables are reverted.
#[tokio::test]
async fn a_fork_that_comes_and_goes_leaves_every_table_as_it_was() {
    let recording = recording();
    let (main, fork) = (recording.source.heads()[0].clone(), recording.source.heads()[1].clone());
    let sides = [main, fork].map(|head| recording.source.clone().with_head(&head).unwrap());
    let at_82 = sides
        .each_ref()
        .map(|side| side.chain().rfind(|tipset| tipset.epoch() <= at(82)).unwrap().key().clone());
    let moving = Moving::new(recording.source.clone());
    let memory = Memory::new();
    // No certificate comes to make one of the sides final.
    let mut recording = recording;
    recording.network.finality.certificates = false;
    let mut over = indexer(&memory, &recording, Arc::new(moving.clone()), 16);
    let mut seen: [Option<crate::memory::Rows>; 2] = [None, None];
    for round in 0..6 {
        let side = round % 2;
        moving.to(&at_82[side]);
        over.backfill_to_head().await.unwrap();
        let rows = facts(&memory);
        match &seen[side] {
            Some(before) => assert!(rows == *before, "round {round}"),
            None => seen[side] = Some(rows),
        }
    }
    assert!(seen[0] != seen[1]);
}

/// lotus #12897: a node answers with a cut or corrupt block, and the indexer panics. Here: with an error at any block that is read.
#[tokio::test]
async fn a_block_that_cannot_be_read_is_asked_for_again_and_is_not_unknown() {
    let recording = recording_to(12);
    let direct = facts(&straight(recording.clone(), 64).await);
    let mut failures = 0;
    for block in (0..).step_by(if full() { 1 } else { 37 }) {
        let (memory, source) = (Memory::new(), flaky(&recording));
        let mut over = indexer(&memory, &recording, Arc::new(source.clone()), 5);
        source.blocks.set(block);
        match over.backfill_to_head().await {
            Ok(_) if source.blocks.is_live() => break,
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, IndexError::Source(SourceError::Unreachable { .. })), "{error:?}");
                failures += 1;
            }
        }
        over.backfill_to_head().await.unwrap();
        assert!(facts(&memory) == direct, "block {block}");
    }
    assert!(failures > 5, "{failures}");
}

/// lotus #12646: the same head is announced twice.
#[tokio::test]
async fn a_head_that_is_announced_again_is_applied_once() {
    let recording = recording_to(HEAD);
    let memory = Memory::new();
    let source: Arc<dyn Source> = Arc::new(recording.source.clone());
    let mut over = indexer(&memory, &recording, Arc::clone(&source), 64);
    over.backfill_to_head().await.unwrap();
    let before = memory.all();
    over.backfill_to_head().await.unwrap();
    indexer(&memory, &recording, source, 64).backfill_to_head().await.unwrap();
    assert!(before == memory.all());
}

/// Something breaks at step 1, 2, … n of the source or of the database; a new process goes on each time.
#[tokio::test]
async fn a_restart_at_every_step_ends_in_the_same_rows() {
    let recording = recording();
    let heads = [12, 24, HEAD].map(|epoch| head_of(&recording_to(epoch)));
    let direct = facts(&straight(recording_to(HEAD), 64).await);
    let mut steps = [0, 0];
    for of_the_database in [false, true] {
        for step in 0.. {
            let memory = Memory::new();
            let moving = Moving::new(recording.source.clone());
            let source = Flaky::new(Arc::new(moving.clone()));
            match of_the_database {
                true => memory.fail_after(step),
                false => source.calls.set(step),
            }
            let mut failed = 0;
            for head in &heads {
                moving.to(head);
                loop {
                    // Nothing but the database outlives a crash.
                    let mut fresh = indexer(&memory, &recording, Arc::new(source.clone()), 8);
                    match fresh.backfill_to_head().await {
                        Ok(_) => break,
                        Err(error) => assert!(error.may_pass(), "{error:?}"),
                    }
                    failed += 1;
                    assert!(failed < 3, "one failure, not many");
                }
            }
            assert!(facts(&memory) == direct, "step {step}");
            if failed == 0 {
                break;
            }
            steps[usize::from(of_the_database)] += 1;
        }
    }
    assert!(steps.iter().all(|steps| *steps > 20), "{steps:?}");
}

#[tokio::test]
async fn a_fork_that_is_interrupted_at_every_step_ends_in_the_same_rows() {
    let recording = recording();
    let (main, fork) = (head_of(&recording_to(66)), recording.source.heads()[1].clone());
    let fork = recording.source.clone().with_head(&fork).unwrap();
    let fork = fork.chain().rfind(|tipset| tipset.epoch() <= at(70)).unwrap().key().clone();
    let direct = facts(&straight(recording_to(66), 64).await);
    let (prepared, moving) = (Memory::new(), Moving::new(recording.source.clone()));
    moving.to(&fork);
    indexer(&prepared, &recording, Arc::new(moving.clone()), 64).backfill_to_head().await.unwrap();
    moving.to(&main);
    for step in 0.. {
        let memory = prepared.copy();
        memory.fail_after(step);
        let first = indexer(&memory, &recording, Arc::new(moving.clone()), 8).backfill_to_head().await;
        memory.fail_after(-1);
        indexer(&memory, &recording, Arc::new(moving.clone()), 8).backfill_to_head().await.unwrap();
        assert!(facts(&memory) == direct, "step {step}");
        if first.is_ok() {
            assert!(step > 15, "{step}");
            break;
        }
    }
}
