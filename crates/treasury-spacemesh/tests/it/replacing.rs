//! Two messages of one nonce: the chain takes one, whichever it is, and the books say which.

use apogee_simmesh::Undone;
use apogee_spacemesh::id::TransactionId;
use apogee_spacemesh::transaction::Transaction;
use apogee_store::{Attempt, AttemptKind, PaymentState, TransferState};
use apogee_treasury::operate::{self, By};
use apogee_treasury::reconcile;

use crate::place::Place;
use crate::world::payee;

fn price(attempt: &Attempt) -> u64 {
    Transaction::decode(&attempt.bytes).unwrap().body.gas_price
}

/// The names of what was executed, but for what made the wallet.
fn executed(place: &Place) -> Vec<TransactionId> {
    let all = place.world.known().into_iter();
    let done = all.filter(|(known, body)| known.result.is_some() && body.self_spawn().is_none());
    done.map(|(known, _)| known.id).collect()
}

/// One payment, which has waited so long that it was replaced.
async fn replaced() -> (Place, Vec<Attempt>) {
    let mut place = Place::new().await;
    place.owe(1).await;
    place.tick().await;
    place.world.idle(6);
    // Noted as taken at first, then replaced and sent.
    place.tick().await;
    place.world.idle(1);
    place.tick().await;
    let attempts = place.stored(1).await;
    assert!(attempts.len() >= 2, "{attempts:?}");
    assert!(attempts.is_sorted_by(|one, next| price(one) < price(next)));
    assert_eq!(place.world.known().len(), 1 + attempts.len(), "the node has all of them");
    (place, attempts)
}

#[tokio::test]
async fn the_dearer_one_is_executed_and_booked_at_its_own_cost() {
    let (mut place, attempts) = replaced().await;
    place.pass(10).await;
    assert_eq!(executed(&place), [attempts.last().unwrap().message.parse().unwrap()]);
    assert_eq!((place.state(1).await.0, place.world.paid()[&payee(1)]), (PaymentState::Final, 1));
    let books = reconcile(&place.desk).await.unwrap();
    assert_eq!((books.differences, books.messages), (vec![], 1));
    assert!(books.fees <= attempts.last().unwrap().fee && books.fees > attempts[0].fee);
}

#[tokio::test]
async fn a_careless_layer_takes_the_cheaper_one_and_it_counts_as_well() {
    let (mut place, attempts) = replaced().await;
    place.world.mesh.chain().step_careless();
    assert_eq!(executed(&place), [attempts[0].message.parse().unwrap()]);
    place.pass(2).await;
    // Undone, it is the other one's turn.
    place.world.fork(3, Undone::Pending);
    place.pass(10).await;
    assert_eq!(executed(&place).len(), 1);
    assert_ne!(executed(&place), [attempts[0].message.parse().unwrap()]);
    assert_eq!((place.state(1).await.0, place.world.paid()[&payee(1)]), (PaymentState::Final, 1));
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}

#[tokio::test]
async fn a_cancellation_outbids_what_was_sent() {
    let (mut place, attempts) = replaced().await;
    let by = By { actor: "tester", reason: "not any more", now: place.world.now() };
    assert!(!operate::cancel(&*place.store, &place.id, "grant/1", by).await.unwrap());
    place.tick().await;
    let cancel = place.stored(1).await.pop().unwrap();
    assert_eq!((cancel.kind, cancel.number > attempts.last().unwrap().number), (AttemptKind::Cancel, true));
    place.pass(10).await;
    assert_eq!(executed(&place), [cancel.message.parse().unwrap()]);
    assert_eq!(place.transfers().await, [TransferState::CancelledFinal]);
    assert_eq!((place.state(1).await.0, place.world.paid().len()), (PaymentState::Cancelled, 0));
    assert_eq!(reconcile(&place.desk).await.unwrap().differences, []);
}
