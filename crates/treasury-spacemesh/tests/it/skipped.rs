//! Nonces that the chain left out.

use std::sync::Arc;

use apogee_domain::NetworkId;
use apogee_simmesh::{Chain as _, Fault, Undone};
use apogee_spacemesh_gateway::Dialect;
use apogee_store::{Payment, PaymentState, Store, TransferState, WalletMode};
use apogee_treasury::chain::Chain;
use apogee_treasury::operate::{self, By};
use apogee_treasury::{Cashier, Config, Desk, Difference, NoFaults, open_wallet, reconcile};
use apogee_treasury_spacemesh::{OVERTAKEN, atto};
use tempfile::TempDir;

use crate::model::run::config;
use crate::world::{World, database, pay, payee, text};

const NAME: &str = "tap";

struct Place {
    world: World,
    store: Arc<dyn Store>,
    id: NetworkId,
    desk: Desk,
    cashier: Cashier,
    _folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let (store, folder) = database().await;
        let id: NetworkId = "skipped".parse().unwrap();
        let world = World::new(store.clone(), &id, 10_000_000_000, Dialect::V2Beta1).await;
        open_wallet(&*store, &*world.chain, &id, NAME, &world.key.address(), None).await.unwrap();
        let desk = Desk {
            store: store.clone(),
            chain: world.chain.clone(),
            signer: world.key.clone(),
            faults: Arc::new(NoFaults),
            network: id.clone(),
            wallet: NAME.into(),
            config: Config { requeue_depth: 12, memory: 50, ..config() },
        };
        let cashier = Cashier::new(desk.clone(), "the only one".into());
        let mut place = Self { world, store, id, desk, cashier, _folder: folder };
        place.tick().await;
        place
    }

    async fn tick(&mut self) {
        self.cashier.tick(self.world.now()).await.unwrap();
    }

    async fn pass(&mut self, times: u64) {
        for _ in 0..times {
            self.world.mine(1);
            self.tick().await;
        }
    }

    async fn owe(&self, number: u64) {
        let payment = Payment {
            network: self.id.clone(),
            id: format!("grant/{number}"),
            wallet: NAME.into(),
            payee: text(&payee(number)),
            amount: atto(1_000_000 * number),
            state: PaymentState::Accepted,
            reason: String::new(),
            created: apogee_domain::Timestamp(self.world.now().0 + i64::try_from(number).unwrap()),
        };
        let mut work = self.store.begin().await.unwrap();
        assert!(work.put_payment(&payment).await.unwrap());
        work.commit().await.unwrap();
    }

    async fn state(&self, number: u64) -> (PaymentState, String) {
        let payment = self.store.payment(&self.id, &format!("grant/{number}")).await.unwrap().unwrap();
        (payment.state, payment.reason)
    }

    async fn transfers(&self) -> Vec<TransferState> {
        let all = self.store.transfers(&self.id, NAME, 0, 100).await.unwrap();
        all.into_iter().map(|transfer| transfer.state).collect()
    }

    /// The message of this nonce as it was stored first.
    async fn stored(&self, nonce: u64) -> Vec<u8> {
        self.store.attempts(&self.id, NAME, nonce, nonce).await.unwrap().remove(0).bytes
    }

    /// Nonces 1 and 2 are signed and announced, and the node has neither.
    async fn lose_two(&mut self) {
        self.owe(1).await;
        self.owe(2).await;
        self.world.mesh.behave(|asked| asked.method.ends_with("SubmitTransaction").then_some(Fault::Dropped));
        self.tick().await;
        self.world.mesh.misbehave(None);
        assert_eq!(self.transfers().await.len(), 2);
        assert_eq!(self.world.known().len(), 1, "the wallet itself alone");
    }
}

/// What was said to be taken and forgotten is not overtaken by what comes after it.
#[tokio::test]
async fn a_message_whose_predecessor_the_node_has_lost_waits() {
    let mut place = Place::new().await;
    place.lose_two().await;
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
    place.lose_two().await;
    let second = place.stored(2).await;
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
    place.lose_two().await;
    let second = place.stored(2).await;
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
    place.lose_two().await;
    let by = By { actor: "tester", reason: "not any more", now: place.world.now() };
    assert!(!operate::cancel(&*place.store, &place.id, "grant/1", by).await.unwrap());
    // The cancellation is signed, and lost as well.
    place.world.mesh.behave(|asked| asked.method.ends_with("SubmitTransaction").then_some(Fault::Dropped));
    place.tick().await;
    place.world.mesh.misbehave(None);
    let second = place.stored(2).await;
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
