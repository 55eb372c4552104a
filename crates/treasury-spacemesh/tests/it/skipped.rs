//! Nonces that the chain left out.

use apogee_simmesh::{Chain as _, Fault, Undone};
use apogee_store::{PaymentState, TransferState, WalletMode};
use apogee_treasury::chain::Chain;
use apogee_treasury::operate::{self, By};
use apogee_treasury::{Difference, reconcile};
use apogee_treasury_spacemesh::{OVERTAKEN, atto};

use crate::place::{NAME, Place};
use crate::world::{pay, payee};

/// Nonces 1 and 2 are signed and announced, and the node has neither.
async fn lose_two(place: &mut Place) {
    place.owe(1).await;
    place.owe(2).await;
    place.world.mesh.behave(|asked| asked.method.ends_with("SubmitTransaction").then_some(Fault::Dropped));
    place.tick().await;
    place.world.mesh.misbehave(None);
    assert_eq!(place.transfers().await.len(), 2);
    assert_eq!(place.world.known().len(), 1, "the wallet itself alone");
}

/// What was said to be taken and forgotten is not overtaken by what comes after it.
#[tokio::test]
async fn a_message_whose_predecessor_the_node_has_lost_waits() {
    let mut place = Place::new().await;
    lose_two(&mut place).await;
    place.owe(3).await;
    place.tick().await;
    assert_eq!(place.world.known().len(), 1, "nonce 3 waits for nonce 2, which the node does not know");
    place.pass(20).await;
    assert_eq!(place.world.account_now().0, 4);
    for number in 1..=3 {
        assert_eq!(
            (place.state(number).await.0, place.world.paid()[&payee(number)]),
            (PaymentState::Final, 1)
        );
    }
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}

/// The second one reaches the chain alone, and the first one can never be executed: it gets another nonce, once no fork can bring the first back.
#[tokio::test]
async fn a_payment_whose_nonce_was_left_out_is_paid_with_another() {
    let mut place = Place::new().await;
    lose_two(&mut place).await;
    let second = place.stored(2).await.remove(0).bytes;
    place.world.mesh.chain().submit(&second).unwrap();
    place.world.mine(1);
    assert_eq!(place.world.account_now().0, 3);
    place.pass(3).await;
    assert_eq!(place.transfers().await, [TransferState::Included, TransferState::Included]);
    assert_eq!(place.state(1).await.0, PaymentState::Paying);
    place.pass(4).await;
    assert_eq!(place.transfers().await, [TransferState::FailedFinal, TransferState::Final]);
    assert_eq!(place.state(1).await, (PaymentState::Paying, "lacked-funds".into()), "not yet so deep");
    assert_eq!(place.world.paid().get(&payee(1)), None);
    let own = place.world.key.address();
    let head = place.world.chain.head().await.unwrap();
    let first = place.world.chain.ancestor(&head, apogee_domain::Epoch::GENESIS).await.unwrap();
    let told = place.world.chain.executed(&own, &first, &head).await.unwrap();
    assert!(
        told.iter().map(|one| (one.nonce, one.exit_code)).eq([(0, 0), (1, OVERTAKEN), (2, 0)]),
        "{told:?}"
    );
    assert_eq!((told[1].cost, told[1].moved), (atto(0), atto(0)));

    place.pass(20).await;
    assert_eq!(place.transfers().await[2], TransferState::Final);
    for number in 1..=2 {
        assert_eq!(
            (place.state(number).await.0, place.world.paid()[&payee(number)]),
            (PaymentState::Final, 1)
        );
    }
    assert_eq!(place.world.account_now().0, 4);
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}

/// A fork below the final depth brings the nonce back to life before its payment has another one.
#[tokio::test]
async fn a_fork_revives_a_nonce_that_was_left_out() {
    let mut place = Place::new().await;
    lose_two(&mut place).await;
    let second = place.stored(2).await.remove(0).bytes;
    place.world.mesh.chain().submit(&second).unwrap();
    place.world.mine(1);
    place.pass(7).await;
    assert_eq!(place.transfers().await, [TransferState::FailedFinal, TransferState::Final]);
    place.world.fork(10, Undone::Dropped);
    place.pass(25).await;
    assert_eq!(place.transfers().await, [TransferState::Final, TransferState::Final]);
    for number in 1..=2 {
        assert_eq!(
            (place.state(number).await.0, place.world.paid()[&payee(number)]),
            (PaymentState::Final, 1)
        );
    }
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}

/// A payment that somebody wants back, and whose nonce died, is over.
#[tokio::test]
async fn a_cancelled_payment_whose_nonce_was_left_out_is_over() {
    let mut place = Place::new().await;
    lose_two(&mut place).await;
    let by = By { actor: "tester", reason: "not any more", now: place.world.now() };
    assert!(!operate::cancel(&*place.store, &place.id, "grant/1", by).await.unwrap());
    // The cancellation is signed, and lost as well.
    place.world.mesh.behave(|asked| asked.method.ends_with("SubmitTransaction").then_some(Fault::Dropped));
    place.tick().await;
    place.world.mesh.misbehave(None);
    let second = place.stored(2).await.remove(0).bytes;
    place.world.mesh.chain().submit(&second).unwrap();
    place.world.mine(1);
    place.pass(40).await;
    assert_eq!(place.transfers().await, [TransferState::CancelledFinal, TransferState::Final]);
    assert_eq!(place.state(1).await.0, PaymentState::Cancelled);
    assert_eq!(place.world.paid().get(&payee(1)), None);
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}

/// Somebody else has the key, and leaves nonces out that nobody here knows: the wallet stops.
#[tokio::test]
async fn nonces_of_a_stranger_pause_the_wallet() {
    let mut place = Place::new().await;
    place.world.mesh.chain().submit(&pay(payee(9), 5, 4, 1)).unwrap();
    place.pass(12).await;
    let wallet = place.store.wallet(&place.id, NAME).await.unwrap().unwrap();
    assert_eq!(wallet.mode, WalletMode::Paused);
    place.owe(1).await;
    place.pass(3).await;
    assert_eq!(place.state(1).await.0, PaymentState::Accepted);
    let differences = reconcile(&place.desk).await.unwrap().differences;
    let strange = |one: &Difference| matches!(one, Difference::NoTransfer { nonce: 1..=4, .. });
    assert!(differences.len() == 4 && differences.iter().all(strange), "{differences:?}");

    // Nobody who pays from here leaves out so many: nothing is told then, and nothing paid.
    place.world.mesh.chain().submit(&pay(payee(9), 5, 1 << 40, 1)).unwrap();
    place.world.mine(8);
    assert!(place.cashier.tick(place.world.now()).await.is_err());
}
