//! The port, question by question.

use apogee_domain::{Atto, Epoch, NetworkId};
use apogee_simmesh::{Chain as _, Fault, Undone};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::{Call, Transaction};
use apogee_spacemesh_gateway::Dialect;
use apogee_treasury::chain::{Chain, ChainError, Draft, Gas, Outcome, PrepareError};
use apogee_treasury::{Order, Purpose, Signed, Signer};
use apogee_treasury_spacemesh::{NO_BALANCE, OVERTAKEN, SMIDGE, atto};
use tempfile::TempDir;

use crate::world::{EPOCHS, SECONDS, SPAWN_GAS, WALLET, World, database, pay, payee, text, wallet_address};

const SMH: u64 = 1_000_000_000;

async fn world(dialect: Dialect) -> (World, TempDir) {
    let (store, folder) = database().await;
    let id: NetworkId = "port".parse().unwrap();
    (World::new(store, &id, 10 * SMH, dialect).await, folder)
}

fn draft(to: &str, amount: Atto) -> Draft {
    Draft { from: text(&wallet_address()), to: to.into(), amount, multisig: None }
}

#[tokio::test]
async fn a_tip_is_a_layer_with_its_hash_and_a_layer_made_again_is_another() {
    let (world, _folder) = world(Dialect::V2Beta1).await;
    let head = world.chain.head().await.unwrap();
    assert_eq!(head.epoch.height(), i64::from(world.head().0));
    assert_eq!(head.time, world.now());
    assert_eq!(head.key.len(), 64);
    let lower = world.chain.ancestor(&head, Epoch::new(head.epoch.height() - 3).unwrap()).await.unwrap();
    assert_eq!(
        (head.epoch.since(lower.epoch), (head.time.0 - lower.time.0) / 1_000_000),
        (3, 3 * i64::from(SECONDS))
    );
    assert_eq!(world.chain.ancestor(&head, Epoch::MAX).await.unwrap(), head);

    world.fork(2, Undone::Pending);
    let now = world.chain.head().await.unwrap();
    assert_eq!((now.epoch, now.key == head.key), (head.epoch, false));
    assert_eq!(
        world.chain.ancestor(&now, lower.epoch).await.unwrap(),
        lower,
        "below the fork nothing changed"
    );
    let gone = [
        world.chain.ancestor(&head, lower.epoch).await.unwrap_err(),
        world.chain.account(&head, &text(&wallet_address())).await.unwrap_err(),
        world.chain.executed(&text(&wallet_address()), &lower, &head).await.unwrap_err(),
    ];
    assert!(gone.iter().all(|error| matches!(error, ChainError::Unavailable(_))), "{gone:?}");

    // Before anything can happen, all layers are alike.
    for epoch in [0, 3, 7] {
        let early = world.chain.ancestor(&now, Epoch::new(epoch).unwrap()).await.unwrap();
        assert_eq!(early.epoch.height(), epoch);
        let account = world.chain.account(&early, &text(&wallet_address())).await.unwrap();
        assert_eq!((account.nonce, account.balance), (0, atto(10 * SMH + SPAWN_GAS)));
    }
    world.mesh.misbehave(Some(Fault::WrongGenesis));
    assert!(matches!(world.chain.head().await, Err(ChainError::Wrong { what: "the node", .. })));
    world.mesh.misbehave(Some(Fault::Verified));
    assert_eq!(world.chain.head().await.unwrap(), now, "what it calls verified changes nothing");
    world.mesh.misbehave(Some(Fault::Future));
    assert_eq!(world.chain.head().await.unwrap(), now, "nor what has not come");
}

#[tokio::test]
async fn accounts_and_messages_are_those_before_a_tip() {
    for dialect in [Dialect::V2Alpha1, Dialect::V2Beta1] {
        let (world, _folder) = world(dialect).await;
        let own = text(&wallet_address());
        let mut tips = vec![world.chain.head().await.unwrap()];
        let mut truth = vec![world.account_now()];
        for nonce in 1..=4 {
            world.mesh.chain().submit(&pay(payee(nonce), 1_000 * nonce, nonce, nonce)).unwrap();
            if nonce == 3 {
                world.deposit(77);
            }
            world.mine(1);
            tips.push(world.chain.head().await.unwrap());
            truth.push(world.account_now());
            world.idle(1);
        }
        world.mesh.chain().submit(&pay(payee(5), 20 * SMH, 5, 1)).unwrap();
        world.mesh.chain().step_careless();
        truth.push(world.account_now());
        world.mine(80);
        let head = world.chain.head().await.unwrap();
        // Empty layers were made again in the place of others, so tips are asked for anew.
        for (number, tip) in tips.iter().enumerate() {
            let tip = world.chain.ancestor(&head, tip.epoch).await.unwrap();
            let (nonce, balance) = truth[number.saturating_sub(1)];
            let found = world.chain.account(&tip, &own).await.unwrap();
            assert_eq!((found.nonce, found.balance), (nonce, atto(balance)), "{number}");
            let rest = world.chain.executed(&own, &tip, &head).await.unwrap();
            assert!(rest.iter().map(|one| one.nonce).eq(nonce..6), "{rest:?}");
        }
        let first = world.chain.ancestor(&head, Epoch::GENESIS).await.unwrap();
        let all = world.chain.executed(&own, &first, &head).await.unwrap();
        let [spawn, one, .., last] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(
            (spawn.nonce, &spawn.payee, spawn.amount, spawn.cost),
            (0, &own, Atto::ZERO, atto(SPAWN_GAS))
        );
        assert_eq!((one.payee.clone(), one.amount, one.moved), (text(&payee(1)), atto(1_000), atto(1_000)));
        assert_eq!((one.exit_code, one.tip.epoch), (0, tips[1].epoch));
        assert_eq!(
            (last.exit_code, last.moved, world.chain.lacked_funds(last)),
            (NO_BALANCE, Atto::ZERO, true)
        );
        assert!(!world.chain.lacked_funds(one));
        assert_eq!(world.chain.executed(&own, &head, &head).await.unwrap(), []);
        // What somebody else did is no part of it, though it paid the wallet.
        assert_eq!(all.len(), 6);
        let costs: u128 = all.iter().map(|one| one.cost.0 + one.moved.0).sum();
        assert_eq!(atto(10 * SMH + SPAWN_GAS + 77).0 - costs, atto(world.account_now().1).0);
    }
}

/// The nonce before a transaction follows from the one before it, however far below.
#[tokio::test]
async fn what_was_left_out_is_found_however_long_ago_the_one_before_was() {
    let (world, _folder) = world(Dialect::V2Alpha1).await;
    let own = text(&wallet_address());
    world.mesh.chain().submit(&pay(payee(1), 7, 1, 1)).unwrap();
    world.mine(700);
    let before = world.chain.head().await.unwrap();
    world.mesh.chain().submit(&pay(payee(4), 7, 4, 1)).unwrap();
    world.mine(3);
    let head = world.chain.head().await.unwrap();
    assert_eq!(world.chain.account(&before, &own).await.unwrap().nonce, 2);
    assert_eq!(world.chain.account(&head, &own).await.unwrap().nonce, 5);
    let told = world.chain.executed(&own, &before, &head).await.unwrap();
    let told: Vec<_> = told.iter().map(|one| (one.nonce, one.exit_code)).collect();
    assert_eq!(told, [(2, OVERTAKEN), (3, OVERTAKEN), (4, 0)]);
}

/// After a restart from a checkpoint accounts have nonces whose transactions nobody knows any more.
#[tokio::test]
async fn the_first_nonce_after_a_checkpoint_is_taken_for_the_one_that_was_expected() {
    for (genesis, expected) in [(EPOCHS.first_effective_genesis(), 0), (LayerId(30), 5)] {
        let (store, _folder) = database().await;
        let id: NetworkId = "checkpoint".parse().unwrap();
        let world = World::begun(store, &id, SMH, Dialect::V2Beta1, genesis).await;
        let before = world.chain.head().await.unwrap();
        let spawn = Spawn::Wallet(world.key.public());
        world.mesh.chain().submit(&crate::world::signed(WALLET, Call::Spawn(spawn), 5, 1)).unwrap();
        world.mine(2);
        let head = world.chain.head().await.unwrap();
        let own = text(&wallet_address());
        assert_eq!(world.chain.account(&before, &own).await.unwrap().nonce, expected);
        let told = world.chain.executed(&own, &before, &head).await.unwrap();
        assert!(told.iter().map(|one| one.nonce).eq(expected..6), "{told:?}");
    }
}

#[tokio::test]
async fn a_transfer_is_prepared_or_refused_for_its_reason() {
    let (world, _folder) = world(Dialect::V2Beta1).await;
    let to = text(&payee(1));
    let gas = world.chain.prepare(&draft(&to, atto(5))).await.unwrap();
    assert_eq!(
        (gas.fee_cap, gas.premium, world.chain.floor(&world.chain.head().await.unwrap()).await.unwrap()),
        (atto(1), atto(1), atto(1))
    );
    assert!((36_090..36_800).contains(&gas.limit), "{gas:?}");
    let main = payee(1).text(apogee_spacemesh::address::Prefix::MAIN);
    let capitals = to.to_uppercase();
    let mut typo = to.clone();
    typo.pop();
    typo.push(if to.ends_with('q') { 'p' } else { 'q' });
    for (to, amount) in [
        (main.as_str(), atto(5)),
        (typo.as_str(), atto(5)),
        ("", atto(5)),
        ("f01000", atto(5)),
        (capitals.as_str(), atto(5)),
        (to.as_str(), Atto(SMIDGE + 1)),
        (to.as_str(), Atto(1)),
        (to.as_str(), Atto(u128::MAX / SMIDGE * SMIDGE)),
    ] {
        let refused = world.chain.prepare(&draft(to, amount)).await.unwrap_err();
        assert!(matches!(refused, PrepareError::Recipient(_)), "{to} {amount}: {refused:?}");
        assert!(world.chain.build(&draft(to, amount), 1, &gas).is_err());
    }
    let much = world.chain.prepare(&draft(&to, atto(10 * SMH))).await.unwrap_err();
    assert!(matches!(much, PrepareError::Funds(_)), "{much:?}");
    // A larger amount is longer, and costs more.
    let wide = world.chain.prepare(&draft(&to, atto(9 * SMH))).await.unwrap().fee();
    let all = Atto(atto(10 * SMH).0 - wide.0);
    assert!(world.chain.prepare(&draft(&to, all)).await.is_ok(), "to the smidge");
    let more = world.chain.prepare(&draft(&to, Atto(all.0 + SMIDGE))).await;
    assert!(matches!(more, Err(PrepareError::Funds(_))), "{more:?}");
    let proposed = Draft { multisig: Some(to.clone()), ..draft(&to, atto(5)) };
    assert!(matches!(world.chain.prepare(&proposed).await, Err(PrepareError::Multisig(_))));
    assert!(world.chain.build(&proposed, 1, &gas).is_err());
    let head = world.chain.head().await.unwrap();
    assert!(!world.chain.signs_for(&head, &text(&wallet_address()), &to).await.unwrap());
    let free = Gas { limit: 1, fee_cap: Atto(SMIDGE - 1), premium: Atto(SMIDGE - 1) };
    assert!(world.chain.build(&draft(&to, atto(5)), 1, &free).is_err());
    world.mesh.misbehave(Some(Fault::Unavailable));
    assert!(matches!(world.chain.prepare(&draft(&to, atto(5))).await, Err(PrepareError::Chain(_))));
}

async fn signed(world: &World, nonce: u64, price: u64) -> (Vec<u8>, Signed) {
    let draft = draft(&text(&payee(nonce)), atto(5));
    let gas = Gas { limit: 40_000, fee_cap: atto(price), premium: atto(price) };
    let message = world.chain.build(&draft, nonce, &gas).unwrap();
    let order = Order {
        purpose: Purpose::Pay,
        nonce,
        payment: None,
        payee: draft.to,
        amount: draft.amount,
        multisig: None,
        fee: gas.fee(),
        message: message.clone(),
    };
    let signed = world.key.sign(&draft.from, 1, &[order]).await.unwrap().remove(0);
    (message, signed)
}

#[tokio::test]
async fn a_message_is_built_signed_and_checked() {
    let (world, _folder) = world(Dialect::V2Beta1).await;
    let (message, good) = signed(&world, 1, 3).await;
    world.chain.check(&message, &good).unwrap();
    let read = Transaction::decode(&good.bytes).unwrap();
    assert_eq!((read.body.nonce, read.body.gas_price), (1, 3));
    assert!(
        matches!(read.body.call, Call::Spend(payment) if payment.destination == payee(1) && payment.amount == 5)
    );
    let (other, _) = signed(&world, 2, 3).await;
    assert!(world.chain.check(&other, &good).is_err());
    assert!(world.chain.check(&message, &Signed { id: "07".repeat(32), ..good.clone() }).is_err());
    for bytes in [vec![], vec![0; 40], [good.bytes.as_slice(), &[0]].concat()] {
        assert!(world.chain.check(&message, &Signed { bytes, id: good.id.clone() }).is_err());
    }
}

#[tokio::test]
async fn what_a_node_says_of_a_message_is_an_outcome() {
    for dialect in [Dialect::V2Alpha1, Dialect::V2Beta1] {
        let (world, _folder) = world(dialect).await;
        let (_, first) = signed(&world, 1, 1).await;
        let send = |bytes: Vec<u8>| {
            let chain = world.chain.clone();
            async move { chain.broadcast(&bytes).await }
        };
        let submits = |fault: Fault| {
            world
                .mesh
                .behave(move |asked| asked.method.ends_with("SubmitTransaction").then(|| fault.clone()));
        };
        submits(Fault::NotSynced);
        assert!(matches!(send(first.bytes.clone()).await, Outcome::Unknown(_)));
        submits(Fault::Full);
        assert_eq!(send(first.bytes.clone()).await, Outcome::Full);
        submits(Fault::ReplyLost);
        assert!(matches!(send(first.bytes.clone()).await, Outcome::Unknown(_)));
        world.mesh.misbehave(None);
        assert_eq!(send(first.bytes.clone()).await, Outcome::Known);
        // A dearer one of the same nonce competes.
        let (_, dearer) = signed(&world, 1, 2).await;
        assert_eq!(send(dearer.bytes.clone()).await, Outcome::Accepted);
        // Without books nobody knows what is before it.
        let (_, ahead) = signed(&world, 3, 1).await;
        assert_eq!(send(ahead.bytes.clone()).await, Outcome::Gap);
        world.mine(1);
        assert_eq!(send(first.bytes).await, Outcome::NonceTooLow);
        let executed = world.known().into_iter().rfind(|(known, _)| known.result.is_some()).unwrap().0;
        assert_eq!(executed.id.to_string(), dearer.id);
        assert!(matches!(send(vec![1, 2, 3]).await, Outcome::Rejected(_)));
        let mut forged = signed(&world, 2, 1).await.1.bytes;
        *forged.last_mut().unwrap() ^= 1;
        assert!(matches!(send(forged).await, Outcome::Rejected(_)));
        world.mesh.misbehave(Some(Fault::Unavailable));
        assert!(matches!(send(ahead.bytes).await, Outcome::Unknown(_)));
    }
}
