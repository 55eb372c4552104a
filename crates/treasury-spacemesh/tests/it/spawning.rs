use apogee_domain::NetworkId;
use apogee_simmesh::{Chain as _, Fault, Undone};
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh_gateway::Dialect;
use apogee_store::{Payment, PaymentState, WalletMode};
use apogee_treasury::chain::{Chain, ChainError, Draft, Outcome, PrepareError};
use apogee_treasury::{Cashier, Config, Desk, NoFaults, TreasuryError, open_wallet, reconcile};
use apogee_treasury_spacemesh::{Key, SpawnError, Spawned, atto};

use crate::model::run::config;
use crate::world::{GENESIS, SPAWN_GAS, World, database, pay, payee, text, wallet_address};

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
    let other = Key::new(&[9; 32], GENESIS, Prefix::TEST);
    let refused = world.chain.spawn(&other, &world.key.public(), 0).await.unwrap_err();
    assert!(matches!(refused, SpawnError::Sign(_)), "{refused:?}");
}

/// The wallet's own birth is not in its books. Where it is undone, somebody has to look, and nothing is paid meanwhile.
#[tokio::test]
async fn a_fork_that_undoes_the_wallet_itself_pauses_it() {
    let (store, _folder) = database().await;
    let id: NetworkId = "unborn".parse().unwrap();
    let mut world = World::new(store.clone(), &id, 10_000_000_000, Dialect::V2Alpha1).await;
    open_wallet(&*store, &*world.chain, &id, "tap", &world.key.address(), None).await.unwrap();
    let desk = Desk {
        store: store.clone(),
        chain: world.chain.clone(),
        signer: world.key.clone(),
        faults: std::sync::Arc::new(NoFaults),
        network: id.clone(),
        wallet: "tap".into(),
        config: Config { depth: 3, ..config() },
    };
    let mut cashier = Cashier::new(desk.clone(), "the only one".into());
    cashier.tick(world.now()).await.unwrap();
    let payment = Payment {
        network: id.clone(),
        id: "grant/1".into(),
        wallet: "tap".into(),
        payee: text(&payee(1)),
        amount: atto(5_000_000),
        state: PaymentState::Accepted,
        reason: String::new(),
        created: world.now(),
    };
    let mut work = store.begin().await.unwrap();
    assert!(work.put_payment(&payment).await.unwrap());
    work.commit().await.unwrap();
    for _ in 0..10 {
        world.mine(1);
        cashier.tick(world.now()).await.unwrap();
    }
    assert_eq!(world.paid()[&payee(1)], 1);
    assert_eq!(reconcile(&desk).await.unwrap().differences, []);

    world.made = apogee_spacemesh::id::LayerId(0);
    let depth = u64::from(world.head().0) - 8;
    world.fork(depth, Undone::Dropped);
    assert!(world.known().is_empty());
    for _ in 0..4 {
        world.mine(1);
        let turn = cashier.tick(world.now()).await;
        assert!(turn.is_ok() || matches!(turn, Err(TreasuryError::Chain(_))), "{turn:?}");
    }
    assert_eq!(world.paid().len(), 0);
    let fence = store.lease(&id, "tap").await.unwrap().unwrap().fence;
    assert!(matches!(world.spawn_under(fence).await, Spawned::Waits(_)));
    for _ in 0..30 {
        world.mine(1);
        let _ = cashier.tick(world.now()).await;
    }
    // Paid once more, and no more often; and the wallet waits for a person.
    assert_eq!(world.paid().get(&payee(1)).copied().unwrap_or(0), 1);
    let wallet = store.wallet(&id, "tap").await.unwrap().unwrap();
    assert_ne!(wallet.mode, WalletMode::Open, "{wallet:?}");
    assert!(world.mesh.chain().account(&wallet_address()).unwrap().is_some());
}
