//! What people do with wallets and payments, and what a day's caps keep waiting: one engine, nothing at random.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use apogee_domain::Atto;
use apogee_store::{Attempt, AttemptKind, Page, Payment, PaymentState, Transfer, TransferState, WalletMode};
use apogee_treasury::operate::{self, By};
use apogee_treasury::{
    Cashier, Config, Desk, Difference, Faults, Halt, Order, SignError, Signed, Signer, TreasuryError, Turn,
    reconcile,
};
use async_trait::async_trait;
use tempfile::TempDir;

use crate::process::{Fate, Keeper};
use crate::run::{NAME, Run};
use crate::schedules::database;
use crate::world::{Message, WALLET};

/// Tips of a day.
const DAY: u64 = 2_880;

/// Ends a process at a place of this name.
#[derive(Debug, Default)]
struct Stop(Mutex<Option<&'static str>>);

#[async_trait]
impl Faults for Stop {
    async fn at(&self, point: &'static str) -> Result<(), Halt> {
        match self.0.lock().unwrap().take_if(|at| *at == point) {
            Some(_) => Err(Halt(point)),
            None => Ok(()),
        }
    }
}

/// A signer whose day is used up while `full` says so.
#[derive(Debug, Default)]
struct Capped {
    keeper: Keeper,
    full: AtomicBool,
}

#[async_trait]
impl Signer for Capped {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        self.keeper.wallets().await
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        if self.full.load(Ordering::SeqCst) {
            let nonce = orders.first().map_or(0, |order| order.nonce);
            let detail = "no more today".into();
            return Err(SignError::Refused { nonce, rule: "cap-day".into(), detail });
        }
        self.keeper.sign(wallet, fence, orders).await
    }
}

/// One wallet and one engine after the other.
struct Place {
    run: Run,
    stop: Arc<Stop>,
    signer: Arc<Capped>,
    cashier: Cashier,
    _folder: TempDir,
}

impl Place {
    async fn new(measures: impl FnOnce(Config) -> Config) -> Self {
        let (store, folder) = database().await;
        let mut run = Run::new(11, "people", store, 0).await;
        run.config = measures(run.config.clone());
        let (stop, signer) = (Arc::new(Stop::default()), Arc::new(Capped::default()));
        let cashier = engine(&run, &stop, &signer);
        let mut place = Self { run, stop, signer, cashier, _folder: folder };
        place.tick().await;
        place
    }

    /// Another engine, by these measures.
    fn start(&mut self, measures: impl FnOnce(Config) -> Config) {
        self.run.config = measures(self.run.config.clone());
        self.cashier = engine(&self.run, &self.stop, &self.signer);
    }

    async fn tick(&mut self) -> Turn {
        let now = self.run.now();
        self.cashier.tick(now).await.unwrap()
    }

    /// The engine ends at this place of its next turn.
    async fn stopped(&mut self, at: &'static str) {
        *self.stop.0.lock().unwrap() = Some(at);
        let now = self.run.now();
        let error = self.cashier.tick(now).await.unwrap_err();
        assert!(matches!(error, TreasuryError::Halt(_)), "{error:?}");
    }

    async fn pass(&mut self, times: u64) {
        for _ in 0..times {
            self.run.world.mine(1);
            self.tick().await;
        }
    }

    async fn owe(&mut self, id: &str, amount: u128) {
        let payment = Payment {
            network: self.run.network.clone(),
            id: format!("grant/{id}"),
            wallet: NAME.into(),
            payee: format!("to-{id}"),
            amount: Atto(amount),
            state: PaymentState::Accepted,
            reason: String::new(),
            created: self.run.now(),
        };
        let mut work = self.run.store.begin().await.unwrap();
        assert!(work.put_payment(&payment).await.unwrap());
        work.commit().await.unwrap();
    }

    async fn payment(&self, id: &str) -> (PaymentState, String) {
        let found = self.run.store.payment(&self.run.network, &format!("grant/{id}")).await.unwrap().unwrap();
        (found.state, found.reason)
    }

    async fn transfer(&self, id: &str) -> (Transfer, Vec<Attempt>) {
        let (store, network) = (&self.run.store, &self.run.network);
        let transfer = store.transfers_of(network, &format!("grant/{id}")).await.unwrap().pop().unwrap();
        let attempts = store.attempts(network, NAME, transfer.nonce, transfer.nonce).await.unwrap();
        (transfer, attempts)
    }

    async fn cancel(&mut self, id: &str) -> bool {
        let by = By { actor: "tester", reason: "not any more", now: self.run.now() };
        let id = format!("grant/{id}");
        operate::cancel(&*self.run.store, &self.run.network, &id, by).await.unwrap()
    }

    async fn set_mode(&mut self, mode: WalletMode) {
        let by = By { actor: "tester", reason: "a try", now: self.run.now() };
        operate::set_mode(&*self.run.store, &self.run.network, NAME, mode, by).await.unwrap();
    }

    async fn adopt(&mut self, nonce: u64) -> Result<(), String> {
        let by = By { actor: "tester", reason: "it was us", now: self.run.now() };
        match operate::adopt(&*self.run.store, &self.run.network, NAME, nonce, by).await {
            Ok(()) => Ok(()),
            Err(TreasuryError::Refused { why, .. }) => Err(why),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn mode(&self) -> (WalletMode, String, u64) {
        let wallet = self.run.store.wallet(&self.run.network, NAME).await.unwrap().unwrap();
        (wallet.mode, wallet.reason, wallet.next_nonce)
    }

    fn paid(&self, id: &str) -> u64 {
        self.run.world.paid().get(&format!("to-{id}")).copied().unwrap_or(0)
    }

    /// Somebody else uses the key.
    fn abuse(&self, nonce: u64) {
        let message = Message {
            from: WALLET.into(),
            to: "somebody".into(),
            multisig: None,
            nonce,
            amount: 5,
            limit: 1_000,
            fee_cap: 900,
            premium: 900,
        };
        self.run.world.state().take(message);
    }
}

fn engine(run: &Run, stop: &Arc<Stop>, signer: &Arc<Capped>) -> Cashier {
    let desk = run.desk(Arc::new(Fate::default()));
    Cashier::new(Desk { faults: stop.clone(), signer: signer.clone(), ..desk }, "the only one".into())
}

/// A node takes it in place of each of the others.
fn replaces(cancel: &Attempt, others: &[Attempt]) -> bool {
    others
        .iter()
        .all(|other| cancel.premium.0 > other.premium.0 * 110 / 100 && cancel.fee_cap.0 > other.fee_cap.0)
}

#[tokio::test]
async fn a_cancellation_offers_more_than_what_was_sent_though_a_dearer_message_was_never_sent() {
    let mut place = Place::new(|config| config).await;
    place.owe("1", 5).await;
    place.tick().await;
    // A rise of fees makes a second message, which is stored and does not leave.
    place.run.world.state().fee = 400;
    place.run.world.mine(1);
    place.stopped("send: before it is announced").await;
    let (transfer, attempts) = place.transfer("1").await;
    assert_eq!(transfer.state, TransferState::Replacing);
    assert!(attempts[0].first_sent.is_some() && attempts[1].first_sent.is_none());
    place.run.world.state().fee = 100;
    assert!(!place.cancel("1").await);
    place.tick().await;
    let (_, attempts) = place.transfer("1").await;
    let (cancel, before) = attempts.split_last().unwrap();
    assert_eq!((cancel.kind, before.len()), (AttemptKind::Cancel, 2));
    assert!(replaces(cancel, before), "{attempts:#?}");
    place.pass(30).await;
    assert_eq!(place.payment("1").await.0, PaymentState::Cancelled);
    assert_eq!(place.paid("1"), 0);
}

#[tokio::test]
async fn a_cancellation_offers_more_than_a_message_that_left_without_that_being_noted() {
    let mut place = Place::new(|config| config).await;
    place.owe("1", 5).await;
    place.stopped("send: sent and not noted").await;
    let (transfer, attempts) = place.transfer("1").await;
    assert_eq!((transfer.state, attempts[0].first_sent), (TransferState::Broadcast, None));
    assert!(place.run.world.state().handed.contains(&attempts[0].message));
    assert!(!place.cancel("1").await);
    place.tick().await;
    let (_, attempts) = place.transfer("1").await;
    assert!(replaces(&attempts[1], &attempts[..1]), "{attempts:#?}");
    place.pass(30).await;
    assert_eq!((place.payment("1").await.0, place.paid("1")), (PaymentState::Cancelled, 0));
}

#[tokio::test]
async fn what_was_never_sent_is_cancelled_also_where_its_fee_is_the_most_that_is_allowed() {
    // What an estimate comes to in this world, and no more.
    let mut place = Place::new(|config| Config { max_fee: Atto(250_000), ..config }).await;
    place.owe("never-sent", 5).await;
    place.owe("sent", 5).await;
    place.stopped("send: before it is announced").await;
    assert_eq!(place.transfer("never-sent").await.0.state, TransferState::Signed);
    assert!(!place.cancel("never-sent").await);
    place.tick().await;
    assert!(!place.cancel("sent").await, "it is told apart from what was sent");
    place.pass(40).await;
    assert_eq!((place.payment("never-sent").await.0, place.paid("never-sent")), (PaymentState::Cancelled, 0));
}

#[tokio::test]
async fn a_wallet_whose_key_was_used_elsewhere_goes_on_from_what_is_booked() {
    let mut place = Place::new(|config| config).await;
    assert!(place.adopt(0).await.unwrap_err().contains("open"), "an open wallet has nothing to adopt");
    place.abuse(0);
    place.pass(3).await;
    let (mode, reason, next) = place.mode().await;
    assert_eq!((mode, next), (WalletMode::Paused, 0));
    assert!(reason.starts_with("nonce-ahead"), "{reason}");
    assert_eq!(place.adopt(1).await.unwrap_err(), "nonce 0 is booked, and the wallet's next one is 0");
    place.pass(20).await;
    for wrong in [0, 2] {
        assert_eq!(
            place.adopt(wrong).await.unwrap_err(),
            "nonce 1 is booked, and the wallet's next one is 0"
        );
    }
    place.owe("1", 5).await;
    place.set_mode(WalletMode::Open).await;
    place.run.world.mine(1);
    place.tick().await;
    assert_eq!(place.mode().await.0, WalletMode::Paused, "open, it pauses itself again");
    place.adopt(1).await.unwrap();
    assert_eq!(place.mode().await.2, 1);
    assert!(place.adopt(1).await.is_err(), "it is so already");
    let event = place.run.store.newest_audit(1).await.unwrap().remove(0).event;
    assert_eq!((event.action.as_str(), event.actor.as_str()), ("wallet-adopt", "tester"));
    assert_eq!((event.reason.as_str(), event.document.as_str()), ("it was us", r#"{"before":0,"nonce":1}"#));
    place.set_mode(WalletMode::Open).await;
    place.pass(30).await;
    assert_eq!((place.payment("1").await.0, place.paid("1")), (PaymentState::Final, 1));
    assert_eq!(place.mode().await.0, WalletMode::Open);
    let differences = reconcile(place.cashier.desk()).await.unwrap().differences;
    // The foreign message stays one for ever; it is in the ledger, so that nothing else differs.
    assert!(matches!(&*differences, [Difference::NoTransfer { nonce: 0, .. }]), "{differences:?}");
}

#[tokio::test]
async fn a_nonce_is_not_adopted_while_messages_are_under_way() {
    let mut place = Place::new(|config| config).await;
    place.owe("1", 5).await;
    place.tick().await;
    place.set_mode(WalletMode::Paused).await;
    assert_eq!(place.adopt(1).await.unwrap_err(), "messages of the wallet are under way");
    place.pass(30).await;
    assert_eq!(place.payment("1").await.0, PaymentState::Final);
    assert_eq!(place.adopt(1).await.unwrap_err(), "nonce 1 is booked, and the wallet's next one is 1");
}

#[tokio::test]
async fn more_than_any_day_allows_waits_for_another_cap_and_keeps_nobody_waiting() {
    let mut place = Place::new(|config| Config { value_per_day: Atto(40), ..config }).await;
    for number in 0..11 {
        place.owe(&format!("over-{number}"), 41).await;
    }
    place.owe("small", 7).await;
    assert_eq!(place.tick().await.blocked.as_deref(), Some("over-day-cap"));
    place.pass(30).await;
    assert_eq!(place.payment("small").await.0, PaymentState::Final);
    place.run.world.mine(DAY);
    assert_eq!(place.tick().await.blocked.as_deref(), Some("over-day-cap"), "another day changes nothing");
    for number in 0..11 {
        let held = (PaymentState::Held, "over-day-cap".to_owned());
        assert_eq!(place.payment(&format!("over-{number}")).await, held);
    }
    // Somebody who waits for money waits behind none of them.
    let balance = place.run.world.account_now().balance.0;
    place.start(|config| Config { reserve: Atto(balance), ..config });
    place.owe("late", 9).await;
    place.tick().await;
    assert_eq!(place.payment("late").await, (PaymentState::Held, "low-funds".into()));
    place.run.world.state().deposit = 100_000_000;
    place.pass(30).await;
    assert_eq!(place.payment("late").await.0, PaymentState::Final);
    place.start(|config| Config { value_per_day: Atto(11 * 41), ..config });
    place.run.world.mine(DAY);
    place.pass(40).await;
    let page = Page { after: None, limit: 20 };
    let done = place.run.store.payments(&place.run.network, NAME, PaymentState::Final, page).await.unwrap();
    assert_eq!(done.len(), 13);
    assert!(done.iter().all(|payment| place.paid(&payment.id["grant/".len()..]) == 1));
}

#[tokio::test]
async fn what_a_day_has_no_room_for_is_paid_on_the_next_one() {
    let mut place = Place::new(|config| Config { value_per_day: Atto(40), ..config }).await;
    place.owe("1", 30).await;
    place.owe("2", 30).await;
    assert_eq!(place.tick().await.blocked.as_deref(), Some("day-value"));
    place.pass(40).await;
    assert_eq!(place.payment("1").await.0, PaymentState::Final);
    assert_eq!(place.payment("2").await, (PaymentState::Accepted, String::new()));
    place.run.world.mine(DAY);
    place.pass(20).await;
    assert_eq!((place.payment("2").await.0, place.paid("2")), (PaymentState::Final, 1));
}

#[tokio::test]
async fn a_signer_whose_day_is_used_up_pauses_nothing_and_signs_on_the_next_one() {
    let mut place = Place::new(|config| config).await;
    place.signer.full.store(true, Ordering::SeqCst);
    place.owe("1", 30).await;
    let blocked = place.tick().await.blocked.unwrap();
    assert!(blocked.starts_with("signer-day: nonce 0: no more today"), "{blocked}");
    place.pass(10).await;
    assert_eq!((place.mode().await.0, place.payment("1").await.0), (WalletMode::Open, PaymentState::Paying));
    assert_eq!(place.transfer("1").await.0.state, TransferState::Reserved);
    place.run.world.mine(DAY);
    place.signer.full.store(false, Ordering::SeqCst);
    place.pass(20).await;
    assert_eq!((place.payment("1").await.0, place.paid("1")), (PaymentState::Final, 1));
}
