use apogee_domain::NetworkId;
use apogee_simmesh::{Fault, Undone};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_gateway::Dialect;
use apogee_store::WalletMode;
use apogee_treasury::chain::{Chain, ChainError, Draft, Outcome, PrepareError};
use apogee_treasury::reconcile;
use apogee_treasury_spacemesh::{SpawnError, Spawned, atto};

use crate::place::{NAME, Place};
use crate::world::{Key, SPAWN_GAS, World, database, pay, payee, text};

const DIALECTS: [Dialect; 2] = [Dialect::V2Alpha1, Dialect::V2Beta1];

fn draft(world: &World) -> Draft {
    Draft { from: world.key.address(), to: text(&payee(1)), amount: atto(5), multisig: None }
}

#[tokio::test]
async fn a_wallet_is_made_once_whatever_is_lost_and_pays_after_that() {
    for dialect in DIALECTS {
        let (store, _folder) = database().await;
        let id: NetworkId = "spawn".parse().unwrap();
        let world = World::bare(store, &id, 10_000_000, dialect).await;
        let refused = world.chain.prepare(&draft(&world)).await.unwrap_err();
        let PrepareError::Chain(ChainError::Wrong { what, detail }) = &refused else { panic!("{refused:?}") };
        assert!(*what == "the wallet" && detail.contains("spawn it"), "{detail}");
        assert_eq!(world.chain.broadcast(&pay(payee(1), 5, 0, 1)).await, Outcome::Gap);

        let public = world.key.public();
        let spawn = || world.chain.spawn(&*world.key, &public, 0);
        for fault in [Fault::ReplyLost, Fault::NotSynced, Fault::Full] {
            // Questions are answered, what is handed over is not.
            world.mesh.behave(move |asked| {
                (asked.method == "TransactionService/SubmitTransaction").then(|| fault.clone())
            });
            let failed = spawn().await.unwrap_err();
            assert!(matches!(failed, SpawnError::NotTaken(_)), "{failed:?}");
        }
        world.mesh.misbehave(None);
        let waits = spawn().await.unwrap();
        let Spawned::Waits(name) = waits else { panic!("{waits:?}") };
        assert_eq!(spawn().await.unwrap(), waits, "the same again");
        world.mine(1);
        let (known, body) = world.known().remove(0);
        assert_eq!((known.id, world.known().len()), (name, 1));
        assert!(body.self_spawn().is_some() && body.nonce == 0);
        assert_eq!(spawn().await.unwrap(), Spawned::Done);
        assert_eq!(world.account_now(), (1, 10_000_000 - SPAWN_GAS));
        let gas = world.chain.prepare(&draft(&world)).await.unwrap();
        assert_eq!(gas.fee_cap, atto(1));

        // Undone and forgotten, it is made of the same bytes again.
        world.fork(1, Undone::Dropped);
        assert!(matches!(world.chain.prepare(&draft(&world)).await, Err(PrepareError::Chain(_))));
        assert_eq!(spawn().await.unwrap(), Spawned::Waits(name));
        world.mine(1);
        assert_eq!(spawn().await.unwrap(), Spawned::Done);
    }
}

#[tokio::test]
async fn a_wallet_that_cannot_be_made_is_told_what_it_needs() {
    let (store, _folder) = database().await;
    let id: NetworkId = "poor".parse().unwrap();
    let world = World::bare(store, &id, SPAWN_GAS - 1, Dialect::V2Beta1).await;
    let error = world.chain.spawn(&*world.key, &world.key.public(), 0).await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains(&world.key.address()) && told.contains("100431") && told.contains("100432"),
        "{told}"
    );
    world.deposit(1);
    world.mine(1);
    assert!(matches!(world.spawn().await, Spawned::Waits(_)));
    // A signer without the key signs for nobody.
    let other = Key::new(&[9; 32]);
    let refused = world.chain.spawn(&other, &world.key.public(), 0).await.unwrap_err();
    assert!(matches!(refused, SpawnError::Sign(_)), "{refused:?}");
}

/// The wallet's own birth is not in its books. Where it is undone, somebody has to look, and nothing is paid meanwhile.
#[tokio::test]
async fn a_fork_that_undoes_the_wallet_itself_pauses_it() {
    let mut place = Place::new().await;
    place.owe(1).await;
    place.pass(10).await;
    assert_eq!(place.world.paid()[&payee(1)], 1);
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);

    let below = LayerId(place.world.made.0 - 1);
    place.world.made = below;
    place.world.fork(u64::MAX, Undone::Dropped);
    assert!(place.world.known().is_empty());
    for _ in 0..4 {
        place.world.mine(1);
        place.tick().await;
    }
    assert_eq!(place.world.paid().len(), 0);
    // By whoever holds the wallet.
    let fence = place.store.lease(&place.id, NAME).await.unwrap().unwrap().fence;
    assert!(matches!(place.world.spawn_under(fence).await, Spawned::Waits(_)));
    place.pass(30).await;
    // Paid once more, and no more often; and the wallet waits for a person.
    assert_eq!(place.world.paid()[&payee(1)], 1);
    let wallet = place.store.wallet(&place.id, NAME).await.unwrap().unwrap();
    assert_eq!(wallet.mode, WalletMode::Paused);
    let known = ["foreign-message", "nonce-missing"].iter().any(|word| wallet.reason.starts_with(word));
    assert!(known, "{}", wallet.reason);
}
