//! Made forks from 1 to 1,000 tipsets deep.

use std::sync::Arc;

use apogee_indexer::IndexError;
use apogee_simnet::{Recipe, Simulation};

use crate::common::{at, full};
use crate::forks::facts;
use crate::made::over;
use crate::memory::{Memory, Rows};

/// What indexing a chain at one go gives.
async fn straight(simulation: &Simulation, finality: u32) -> Rows {
    let memory = Memory::new();
    over(Arc::new(memory.clone()), simulation, finality).backfill_to_head().await.unwrap();
    facts(&memory)
}

fn same(found: &Memory, expected: &Rows) {
    let found = facts(found);
    assert_eq!(found.cursor, expected.cursor);
    assert!(found.steps == expected.steps && found.epochs == expected.epochs);
}

/// A chain of a few tipsets more than `depth`, which one miner makes alone: that is quick.
fn chain(depth: usize) -> Simulation {
    let recipe = Recipe { seed: 4, miners: 1, finality: 10, ..Recipe::default() };
    let simulation = Simulation::new(recipe).unwrap();
    for _ in 0..depth + 20 {
        simulation.mine().unwrap();
    }
    simulation
}

/// As deep as the journal goes, and one tipset short of it.
async fn unwound(depth: usize) {
    let simulation = chain(depth);
    let finality = 2 * u32::try_from(depth).unwrap() + 50;
    let memory = Memory::new();
    let mut over = over(Arc::new(memory.clone()), &simulation, finality);
    let before = over.backfill_to_head().await.unwrap();
    let head = simulation.fork(depth, depth + 1, 1).unwrap();
    let cursor = over.backfill_to_head().await.unwrap();
    assert_eq!(cursor.key, head.key().to_string());
    assert_ne!(cursor.digest, before.digest);
    same(&memory, &straight(&simulation, finality).await);
}

/// One tipset deeper than what is kept.
async fn stopped(depth: usize) {
    let simulation = chain(depth);
    let finality = u32::try_from(depth).unwrap() - 1;
    let memory = Memory::new();
    let mut indexer = over(Arc::new(memory.clone()), &simulation, finality);
    let before = indexer.backfill_to_head().await.unwrap();
    let rows = memory.all();
    simulation.fork(depth, depth + 1, 1).unwrap();
    let error = indexer.backfill_to_head().await.unwrap_err();
    let IndexError::BelowFinal { common, final_epoch, .. } = &error else { panic!("{error:?}") };
    assert_eq!(
        (*final_epoch, Some(*final_epoch)),
        (at(before.epoch.height() + 1 - depth as i64), before.final_epoch)
    );
    assert!(*common < *final_epoch && !error.may_pass());
    let said = indexer.status().borrow().error.clone().unwrap();
    assert!(said.contains(&format!("below the final epoch {final_epoch}")), "{said}");
    assert!(memory.all() == rows, "nothing was written");
    // A new process stops just the same, until a person decides.
    let mut again = over(Arc::new(memory.clone()), &simulation, finality);
    assert!(matches!(again.backfill_to_head().await, Err(IndexError::BelowFinal { .. })));
    let cursor = again.resync().await.unwrap();
    let expected = straight(&simulation, finality).await;
    assert_eq!(cursor.digest, expected.cursor.as_ref().unwrap().digest);
    same(&memory, &expected);
}

#[tokio::test]
async fn a_fork_that_is_kept_is_unwound_however_deep_it_is() {
    for depth in [1, 10, 100, 1_000] {
        unwound(depth).await;
    }
}

#[tokio::test]
async fn a_fork_deeper_than_what_is_kept_stops_and_resync_goes_over_to_it() {
    let all = [1, 10, 100, 1_000];
    for depth in if full() { &all[..] } else { &all[..3] } {
        stopped(*depth).await;
    }
}
