use apogee_simmesh::{Fault, Undone};
use apogee_spacemesh::id::{LayerId, TransactionId};
use apogee_spacemesh_gateway::{
    Code, Dialect, Fault as ClientFault, Gateway, SubmitOutcome, Transaction, TransactionState,
};

use crate::world::{DIALECTS, Wallet, client, limits, made};

const SPAWN_GAS: u64 = 100_432;
const SMH: u64 = 1_000_000_000;

async fn find(gateway: &Gateway, raw: &[u8]) -> Transaction {
    gateway.transaction(&TransactionId::of(raw)).await.unwrap().unwrap()
}

async fn accepted(gateway: &Gateway, raw: &[u8]) {
    let outcome = gateway.submit(raw).await;
    assert!(matches!(outcome, SubmitOutcome::Accepted), "{outcome:?}");
}

async fn rejected(gateway: &Gateway, raw: &[u8], why: &str) {
    let outcome = gateway.submit(raw).await;
    assert!(matches!(&outcome, SubmitOutcome::Rejected(said) if said.contains(why)), "{outcome:?}");
}

#[tokio::test]
async fn a_wallet_is_made_and_pays() {
    for dialect in DIALECTS {
        let (ada, bob) = (Wallet::new(1), Wallet::new(2));
        let mesh = made(&[(&ada, SMH)]).await;
        let gateway = client(&mesh, dialect, limits());
        let (spawn, pay) = (ada.make(0, 2), ada.pay(bob.address, 5_000, 1, 3));
        assert_eq!((spawn.len(), gateway.estimate_gas(&spawn).await.unwrap()), (148, SPAWN_GAS));
        let early = gateway.estimate_gas(&pay).await.unwrap_err();
        assert_eq!(early.fault.code(), Some(Code::NotFound));
        rejected(&gateway, &pay, "account is not spawned").await;

        accepted(&gateway, &spawn).await;
        assert!(matches!(gateway.submit(&spawn).await, SubmitOutcome::Known));
        let waiting = find(&gateway, &spawn).await;
        assert_eq!((waiting.state, waiting.result), (TransactionState::Mempool, None));
        let account = gateway.account(&ada.address).await.unwrap().unwrap();
        assert_eq!((account.current.next_nonce, account.current.balance), (0, SMH));
        let projected = (account.projected.next_nonce, account.projected.balance);
        assert_eq!(projected, (1, SMH - 2 * SPAWN_GAS));

        let layer = mesh.chain().step();
        let result = find(&gateway, &spawn).await.result.unwrap();
        assert_eq!((result.succeeded, result.gas, result.fee), (true, SPAWN_GAS, 2 * SPAWN_GAS));
        assert_eq!((result.layer, result.addresses), (layer, vec![ada.address]));
        assert!(matches!(gateway.submit(&spawn).await, SubmitOutcome::Known));

        let gas = gateway.estimate_gas(&pay).await.unwrap();
        assert_eq!(gas, 34_170 + 128 * (pay.len() as u64).div_ceil(8));
        accepted(&gateway, &pay).await;
        mesh.chain().step();
        let result = find(&gateway, &pay).await.result.unwrap();
        assert_eq!(result.addresses, [ada.address, bob.address]);
        let account = gateway.account(&bob.address).await.unwrap().unwrap();
        assert_eq!((account.current.balance, account.template), (5_000, None));
        let account = gateway.account(&ada.address).await.unwrap().unwrap();
        assert_eq!(account.current.balance, SMH - 2 * SPAWN_GAS - 5_000 - 3 * gas);
        assert_eq!(account.current.next_nonce, 2);
        let told = gateway.transactions(&bob.address, &(LayerId(1)..=LayerId(100))).await.unwrap();
        assert_eq!(told, [find(&gateway, &pay).await]);
    }
}

#[tokio::test]
async fn what_is_not_good_is_rejected() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    let mesh = made(&[(&ada, SMH)]).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    let spawn = ada.make(0, 1);
    let mut forged = spawn.clone();
    *forged.last_mut().unwrap() ^= 1;
    rejected(&gateway, &forged, "failed to verify tx").await;
    // The signature is looked at where that is asked for.
    assert!(gateway.parse(&forged, false).await.is_ok());
    let error = gateway.parse(&forged, true).await.unwrap_err();
    assert_eq!(error.fault.code(), Some(Code::Invalid));
    rejected(&gateway, &ada.make(0, 0), "zero gas price").await;
    rejected(&gateway, &[], "transaction is empty").await;
    rejected(&gateway, &[0; 40], "malformed tx").await;
    rejected(&gateway, &[0; 1_025], "tx size (1025) > limit (1024)").await;
    // It is not Bob's account that Ada's key makes.
    rejected(
        &gateway,
        &bob.sign(apogee_spacemesh::transaction::Call::Spawn(ada.spawn.clone()), 0, 1),
        "not spawned",
    )
    .await;
    accepted(&gateway, &spawn).await;
    mesh.chain().step();
    rejected(&gateway, &ada.make(0, 7), "bad nonce").await;
    // Made twice, it fails and pays for it.
    let again = ada.make(1, 1);
    accepted(&gateway, &again).await;
    mesh.chain().step();
    let result = find(&gateway, &again).await.result.unwrap();
    assert_eq!((result.succeeded, result.message().as_ref()), (false, "account already spawned"));
    assert_eq!(result.fee, SPAWN_GAS);
}

/// Of two with one nonce the one that pays more is executed, and the other one never.
#[tokio::test]
async fn one_nonce_pays_once() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    let mesh = made(&[(&ada, SMH)]).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    accepted(&gateway, &ada.make(0, 1)).await;
    mesh.chain().step();
    let (first, better) = (ada.pay(bob.address, 1, 1, 1), ada.pay(bob.address, 2, 1, 2));
    let worse = ada.pay(bob.address, 3, 1, 1);
    for raw in [&first, &better, &worse] {
        accepted(&gateway, raw).await;
    }
    mesh.chain().step();
    mesh.chain().step_careless();
    assert!(find(&gateway, &better).await.result.unwrap().succeeded);
    for raw in [&first, &worse] {
        let lost = find(&gateway, raw).await;
        assert_eq!((lost.state, lost.result), (TransactionState::Ineffectual, None));
    }
    assert_eq!(gateway.account(&bob.address).await.unwrap().unwrap().current.balance, 2);
}

/// A node does not wait for the nonces between: it passes over them for ever.
#[tokio::test]
async fn a_gap_is_passed_over() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    let mesh = made(&[(&ada, SMH)]).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    accepted(&gateway, &ada.make(0, 1)).await;
    mesh.chain().step();
    accepted(&gateway, &ada.pay(bob.address, 4, 4, 1)).await;
    assert_eq!(gateway.account(&ada.address).await.unwrap().unwrap().projected.next_nonce, 5);
    mesh.chain().step();
    assert_eq!(gateway.account(&ada.address).await.unwrap().unwrap().current.next_nonce, 5);
    rejected(&gateway, &ada.pay(bob.address, 1, 1, 1), "bad nonce").await;
}

/// What cannot be paid is taken, and waits; a smesher that does not look makes it fail, and it pays its fee.
#[tokio::test]
async fn what_cannot_be_paid_waits_or_fails_with_its_fee() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    let mesh = made(&[(&ada, SMH)]).await;
    let gateway = client(&mesh, Dialect::V2Beta1, limits());
    accepted(&gateway, &ada.make(0, 1)).await;
    mesh.chain().step();
    let much = ada.pay(bob.address, 2 * SMH, 1, 1);
    accepted(&gateway, &much).await;
    mesh.chain().step();
    assert_eq!(find(&gateway, &much).await.state, TransactionState::Mempool);
    let before = gateway.account(&ada.address).await.unwrap().unwrap().current.balance;
    mesh.chain().step_careless();
    let result = find(&gateway, &much).await.result.unwrap();
    assert_eq!((result.succeeded, result.message().as_ref()), (false, "no balance"));
    assert_eq!(result.addresses, [ada.address]);
    let account = gateway.account(&ada.address).await.unwrap().unwrap().current;
    assert_eq!((account.balance, account.next_nonce), (before - result.fee, 2));
    assert_eq!(gateway.account(&bob.address).await.unwrap(), None);
}

#[tokio::test]
async fn a_fork_undoes_and_other_layers_take_up() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    for undone in [Undone::Pending, Undone::Dropped] {
        let mesh = made(&[(&ada, SMH)]).await;
        let gateway = client(&mesh, Dialect::V2Beta1, limits());
        let (spawn, pay) = (ada.make(0, 1), ada.pay(bob.address, 9, 1, 1));
        accepted(&gateway, &spawn).await;
        mesh.chain().step();
        accepted(&gateway, &pay).await;
        let paid = mesh.chain().step();
        let head = mesh.chain().step();
        let all = LayerId(1)..=head;
        let before = gateway.layers(&all).await.unwrap();

        mesh.chain().fork(2, undone);
        let after = gateway.layers(&all).await.unwrap();
        assert_eq!((gateway.status().await.unwrap().current, after.len()), (head, before.len()));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.opinion == after.opinion, before.layer < paid, "{}", before.layer);
        }
        assert_eq!(gateway.account(&bob.address).await.unwrap(), None);
        assert_eq!(gateway.account(&ada.address).await.unwrap().unwrap().current.balance, SMH - SPAWN_GAS);
        if undone == Undone::Dropped {
            assert_eq!(gateway.transaction(&TransactionId::of(&pay)).await.unwrap(), None);
            // Handed over again, the same bytes are taken again.
            accepted(&gateway, &pay).await;
        }
        assert_eq!(find(&gateway, &pay).await.result, None);
        let again = mesh.chain().step();
        assert!(again > paid);
        assert_eq!(find(&gateway, &pay).await.result.unwrap().layer, again);
        assert_eq!(gateway.account(&bob.address).await.unwrap().unwrap().current.balance, 9);
        assert!(matches!(gateway.submit(&pay).await, SubmitOutcome::Known));
    }
}

/// What came of it is not known from the answer, and the same bytes are safe to send again.
#[tokio::test]
async fn a_lost_reply_says_neither_yes_nor_no() {
    let (ada, bob) = (Wallet::new(1), Wallet::new(2));
    for dialect in DIALECTS {
        let mesh = made(&[(&ada, SMH), (&bob, SMH)]).await;
        let gateway = client(&mesh, dialect, limits());
        let spawn = ada.make(0, 1);
        mesh.misbehave(Some(Fault::ReplyLost));
        let outcome = gateway.submit(&spawn).await;
        let SubmitOutcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(error.fault, ClientFault::Transport(_)), "{error}");
        mesh.misbehave(None);
        assert!(matches!(gateway.submit(&spawn).await, SubmitOutcome::Known));

        // Said to be taken, and dropped: only the chain tells.
        let other = bob.make(0, 1);
        mesh.misbehave(Some(Fault::Dropped));
        accepted(&gateway, &other).await;
        mesh.misbehave(None);
        mesh.chain().step();
        assert!(find(&gateway, &spawn).await.result.is_some());
        assert_eq!(gateway.transaction(&TransactionId::of(&other)).await.unwrap(), None);
        accepted(&gateway, &other).await;

        mesh.misbehave(Some(Fault::NotSynced));
        assert!(matches!(gateway.submit(&bob.make(1, 1)).await, SubmitOutcome::NotSynced));
        let unclear = [
            Fault::Unavailable,
            Fault::Html(200),
            Fault::Html(404),
            Fault::Endless,
            Fault::WrongType,
            Fault::Truncated,
        ];
        for (fault, nonce) in unclear.into_iter().zip(1..) {
            mesh.misbehave(Some(fault.clone()));
            let outcome = gateway.submit(&bob.make(nonce, 1)).await;
            assert!(matches!(outcome, SubmitOutcome::Unknown(_)), "{fault:?}: {outcome:?}");
        }
    }
}
