//! The chain goes on, and back, between two questions: what is answered of a tip is right, or there is no answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apogee_domain::NetworkId;
use apogee_simmesh::{Chain as _, Undone};
use apogee_spacemesh_gateway::Dialect;
use apogee_treasury::chain::{Chain, ChainError};

use crate::world::{World, database, fork, pay, payee, text, wallet_address};

/// What happens to the chain before a question is answered.
#[derive(Clone, Copy, Debug)]
enum Move {
    On,
    Back(u64, Undone),
    BackAndOn(u64),
}

const MOVES: [Move; 5] = [
    Move::On,
    Move::Back(2, Undone::Pending),
    Move::Back(7, Undone::Dropped),
    Move::BackAndOn(3),
    Move::BackAndOn(6),
];

async fn world(id: &NetworkId) -> (World, tempfile::TempDir) {
    let (store, folder) = database().await;
    let world = World::new(store, id, 10_000_000_000, Dialect::V2Alpha1).await;
    for nonce in 1..=4 {
        world.mesh.chain().submit(&pay(payee(nonce), 1_000 * nonce, nonce, 1)).unwrap();
        world.mine(1);
        world.mine(1);
    }
    // One waits.
    world.mesh.chain().submit(&pay(payee(5), 5_000, 5, 1)).unwrap();
    (world, folder)
}

/// Before the so many-th question the chain moves.
fn arrange(world: &World, at: u64, what: Move) -> Arc<AtomicU64> {
    let asked = Arc::new(AtomicU64::new(0));
    let (count, mesh, made) = (asked.clone(), Arc::downgrade(&world.mesh), world.made);
    world.mesh.behave(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) + 1 == at
            && let Some(mesh) = mesh.upgrade()
        {
            match what {
                Move::On => drop(mesh.chain().step()),
                Move::Back(depth, undone) => fork(&mesh, made, depth, undone),
                Move::BackAndOn(depth) => {
                    fork(&mesh, made, depth, Undone::Pending);
                    mesh.chain().step();
                }
            }
        }
        None
    });
    asked
}

/// Each question, with a move before each part of it. How often there was an answer, and how often none.
#[tokio::test]
async fn an_answer_of_a_tip_is_right_whenever_the_chain_moves() {
    let id: NetworkId = "between".parse().unwrap();
    let own = text(&wallet_address());
    let (mut answers, mut none) = (0, 0);
    for what in MOVES {
        for back in [0, 5] {
            let mut over = 0;
            for at in 1.. {
                let (world, _folder) = world(&id).await;
                let head = world.chain.head().await.unwrap();
                let tip = world.chain.ancestor(&head, head.epoch.minus(back)).await.unwrap();
                let lower = world.chain.ancestor(&head, head.epoch.minus(8)).await.unwrap();
                let right = world.chain.account(&tip, &own).await.unwrap();
                let done = world.chain.executed(&own, &lower, &tip).await.unwrap();
                let asked = arrange(&world, at, what);
                let (account, executed) = if at % 2 == 0 {
                    (Some(world.chain.account(&tip, &own).await), None)
                } else {
                    (None, Some(world.chain.executed(&own, &lower, &tip).await))
                };
                // The other question may have more parts.
                over = if asked.load(Ordering::SeqCst) < at { over + 1 } else { 0 };
                world.mesh.misbehave(None);
                match (account, executed) {
                    (Some(Ok(found)), _) => {
                        assert_eq!(found, right, "{what:?} before question {at}, {back} back");
                        answers += 1;
                    }
                    (_, Some(Ok(found))) => {
                        assert_eq!(found, done, "{what:?} before question {at}, {back} back");
                        answers += 1;
                    }
                    (Some(Err(error)), _) | (_, Some(Err(error))) => {
                        assert!(matches!(error, ChainError::Unavailable(_)), "{error:?}");
                        none += 1;
                    }
                    (None, None) => unreachable!(),
                }
                if over == 2 {
                    break;
                }
            }
        }
    }
    assert!(answers > 20 && none > 20, "{answers} answers, {none} times none");
}
