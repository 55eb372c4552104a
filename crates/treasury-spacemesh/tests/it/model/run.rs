//! A schedule: payments, engines that end and stand still, a chain and a node that misbehave; then quiet, and every payment is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_simmesh::Undone;
use apogee_spacemesh_gateway::Dialect;
use apogee_store::{Payment, PaymentState, Store, StoreError, WalletMode};
use apogee_treasury::operate::{self, By};
use apogee_treasury::{Cashier, Config, Desk, TreasuryError, Turn, open_wallet};
use apogee_treasury_spacemesh::{atto, drips};

use super::checks::Checks;
use super::dice::Dice;
use super::process::{Fate, Keeper};
use super::trouble::{Manners, Trouble};
use crate::world::{SECONDS, World, payee, text};

pub(crate) const NAME: &str = "tap";
pub(crate) const PAYMENTS: u64 = 25;

pub(crate) struct Process {
    pub(crate) cashier: Cashier,
    pub(crate) fate: Arc<Fate>,
}

pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    pub(crate) world: World,
    pub(crate) manners: Manners,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) network: NetworkId,
    pub(crate) config: Config,
    pub(crate) processes: Vec<Process>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) checks: Checks,
    ticks: i64,
    born: u64,
    /// While the kill switch is on: the next nonce when it was set.
    paused: Option<u64>,
    /// The deepest fork of this schedule.
    deepest: u64,
    /// Nonces that were left out, of all that were booked.
    pub(crate) skipped: u64,
}

pub(crate) fn config() -> Config {
    Config {
        depth: 5,
        requeue_depth: 60,
        memory: 300,
        window: 10,
        reserve: atto(1_000_000),
        max_fee: atto(10_000_000),
        value_per_day: atto(u64::MAX),
        fees_per_day: atto(2_000_000_000),
        replace_after: Duration::from_secs(u64::from(SECONDS) * 4),
        ..drips(Duration::from_secs(SECONDS.into()))
    }
}

impl Run {
    pub(crate) async fn new(seed: u64, name: &str, store: Arc<dyn Store>, engines: u64) -> Self {
        let mut dice = Dice::new(seed);
        // One schedule in five cannot pay for everything at first.
        let balance = if dice.chance(200) { 400_000_000 } else { 100_000_000_000 };
        let deepest = match dice.below(10) {
            0..=5 => 4,
            6..=8 => 50,
            _ => 1_000,
        };
        let requeue_depth = if deepest == 1_000 { 1_100 } else { 60 };
        let memory = if dice.chance(500) { 300 } else { 20 };
        let config = Config { requeue_depth, memory, ..config() };
        let network: NetworkId = name.parse().unwrap();
        let dialect = if seed.is_multiple_of(2) { Dialect::V2Alpha1 } else { Dialect::V2Beta1 };
        let world = World::new(store.clone(), &network, balance, dialect).await;
        let manners = Manners::of(&world, seed);
        open_wallet(&*store, &*world.chain, &network, NAME, &world.key.address(), None).await.unwrap();
        let keeper = Arc::new(Keeper { key: world.key.clone(), away: AtomicU64::new(0) });
        let mut run = Self {
            seed,
            dice,
            world,
            manners,
            keeper,
            store,
            network,
            config,
            processes: Vec::new(),
            payments: Vec::new(),
            checks: Checks::default(),
            ticks: 0,
            born: 0,
            paused: None,
            deepest,
            skipped: 0,
        };
        for _ in 0..engines {
            let process = run.start();
            run.processes.push(process);
        }
        run
    }

    pub(crate) fn desk(&self, fate: Arc<Fate>) -> Desk {
        Desk {
            store: self.store.clone(),
            chain: self.world.chain.clone(),
            signer: self.keeper.clone(),
            faults: fate,
            network: self.network.clone(),
            wallet: NAME.into(),
            config: self.config.clone(),
        }
    }

    pub(crate) fn start(&mut self) -> Process {
        self.born += 1;
        let fate = Arc::new(Fate::default());
        Process { cashier: Cashier::new(self.desk(fate.clone()), format!("process {}", self.born)), fate }
    }

    pub(crate) fn now(&mut self) -> Timestamp {
        self.ticks += 1;
        Timestamp(self.world.now().0 + self.ticks)
    }

    /// Owe one more payment.
    pub(crate) async fn owe(&mut self) {
        let number = self.payments.len() as u64;
        let amount = 1_000_000 + self.dice.below(50_000_000);
        let (payee, amount) = match self.dice.below(40) {
            0 => ("nobody".into(), atto(amount)),
            // No whole smidge.
            1 => (text(&payee(number)), Atto(atto(amount).0 + 1)),
            _ => (text(&payee(number)), atto(amount)),
        };
        let payment = Payment {
            network: self.network.clone(),
            id: format!("grant/{number}"),
            wallet: NAME.into(),
            payee,
            amount,
            state: PaymentState::Accepted,
            reason: String::new(),
            created: self.now(),
        };
        let mut work = self.store.begin().await.unwrap();
        assert!(work.put_payment(&payment).await.unwrap());
        work.commit().await.unwrap();
        self.payments.push(payment);
    }

    pub(crate) fn mine(&self, layers: u64) {
        self.manners.mine(&self.world, layers);
    }

    /// One turn of a process. It is started anew where it ended.
    pub(crate) async fn tick(&mut self, which: usize) -> Option<Turn> {
        let now = self.now();
        let answer = self.processes[which].cashier.tick(now).await;
        self.judge(which, answer)
    }

    fn judge(&mut self, which: usize, answer: Result<Turn, TreasuryError>) -> Option<Turn> {
        match answer {
            Ok(turn) => return Some(turn),
            Err(TreasuryError::Halt(_)) => self.processes[which] = self.start(),
            Err(TreasuryError::Chain(_) | TreasuryError::Store(StoreError::Conflict { .. })) => {}
            Err(error) => panic!("seed {}: {error:?}", self.seed),
        }
        None
    }

    /// A process stands still in the middle of its turn, for longer than its lease; another one works meanwhile.
    async fn hold(&mut self) {
        let place = 1 + self.dice.below(14);
        let now = self.now();
        let fresh = self.start();
        let mut held = std::mem::replace(&mut self.processes[0], fresh);
        held.fate.hold(place);
        let fate = held.fate.clone();
        let answer = {
            let mut turn = Box::pin(held.cashier.tick(now));
            let done = tokio::select! {
                answer = &mut turn => Some(answer),
                () = fate.held.notified() => None,
            };
            if let Some(answer) = done {
                answer
            } else {
                for _ in 0..2 + self.dice.below(6) {
                    let layers = 1 + self.dice.below(4);
                    self.mine(layers);
                    self.tick(0).await;
                    self.check().await;
                }
                fate.go.notify_one();
                turn.await
            }
        };
        held.fate.live();
        self.judge(0, answer);
        // It goes on where it stood, beside the other one.
        if self.processes.len() > 1 {
            self.processes[1] = held;
        }
    }

    /// Something happens.
    async fn step(&mut self) {
        if (self.payments.len() as u64) < PAYMENTS && self.dice.chance(500) {
            for _ in 0..1 + self.dice.below(4).min(PAYMENTS - 1 - self.payments.len() as u64) {
                self.owe().await;
            }
        }
        match self.dice.below(100) {
            0..=6 => {
                let undone = if self.dice.chance(300) { Undone::Dropped } else { Undone::Pending };
                let depth = 1 + self.dice.below(self.deepest);
                self.world.fork(depth, undone);
            }
            7 => {
                let amount = self.dice.below(200_000_000);
                self.world.deposit(amount);
            }
            // Long enough that what waits is replaced.
            8..=9 => self.world.idle(5),
            10..=11 => self.keeper.away.store(self.dice.below(4), Ordering::SeqCst),
            12 => self.switch().await,
            13 => self.cancel().await,
            14 => self.requeue().await,
            15..=17 => self.hold().await,
            18..=60 => {
                let layers = 1 + self.dice.below(4);
                self.mine(layers);
            }
            _ => {}
        }
        let which = usize::try_from(self.dice.below(self.processes.len() as u64)).unwrap();
        let fate = self.processes[which].fate.clone();
        if self.dice.chance(250) {
            fate.end(1 + self.dice.below(16));
        }
        self.tick(which).await;
        self.processes[which].fate.live();
        self.check().await;
    }

    /// The kill switch goes on or off.
    async fn switch(&mut self) {
        let mode = if self.paused.is_some() { WalletMode::Open } else { WalletMode::Paused };
        let mode = if self.paused.is_none() && self.dice.chance(300) { WalletMode::Frozen } else { mode };
        let by = By { actor: "tester", reason: "a try", now: self.now() };
        operate::set_mode(&*self.store, &self.network, NAME, mode, by).await.unwrap();
        let wallet = self.store.wallet(&self.network, NAME).await.unwrap().unwrap();
        self.paused = (mode != WalletMode::Open).then_some(wallet.next_nonce);
    }

    async fn cancel(&mut self) {
        if self.payments.is_empty() {
            return;
        }
        let which = usize::try_from(self.dice.below(self.payments.len() as u64)).unwrap();
        let by = By { actor: "tester", reason: "not any more", now: self.now() };
        match operate::cancel(&*self.store, &self.network, &self.payments[which].id, by).await {
            Ok(_) | Err(TreasuryError::Refused { .. }) => {}
            Err(error) => panic!("seed {}: {error:?}", self.seed),
        }
    }

    async fn requeue(&mut self) {
        let page = apogee_store::Page { after: None, limit: 10 };
        let failed = self.store.payments(&self.network, NAME, PaymentState::Failed, page).await.unwrap();
        let Some(payment) = failed.first() else { return };
        let by = By { actor: "tester", reason: "try again", now: self.now() };
        match operate::requeue(&*self.store, &self.network, &payment.id, &self.config, by).await {
            Ok(()) | Err(TreasuryError::Refused { .. }) => {}
            Err(error) => panic!("seed {}: {error:?}", self.seed),
        }
    }

    pub(crate) async fn check(&mut self) {
        let wallet = self.store.wallet(&self.network, NAME).await.unwrap().unwrap();
        if let Some(next) = self.paused {
            assert_eq!(
                wallet.next_nonce, next,
                "I10, seed {}: a nonce was taken in spite of the switch",
                self.seed
            );
        } else {
            assert_eq!(wallet.mode, WalletMode::Open, "seed {}: {}", self.seed, wallet.reason);
        }
        let (store, network) = (self.store.clone(), self.network.clone());
        let result = self.checks.step(&*store, &network, &self.world, &self.config, &self.payments).await;
        result.unwrap_or_else(|broken| panic!("seed {}: {broken}", self.seed));
    }

    /// Everything goes wrong for a while.
    pub(crate) async fn trouble(&mut self, steps: u64) {
        let mut rate = |most| if self.dice.chance(400) { self.dice.below(most) } else { 0 };
        self.manners.set(Trouble {
            // A turn asks a hundred times.
            unanswered: rate(8),
            moves: rate(12),
            lost_request: rate(400),
            lost_reply: rate(400),
            dropped: rate(200),
            full: rate(200),
            not_synced: rate(200),
            careless: rate(300),
        });
        for _ in 0..steps {
            self.step().await;
        }
        while (self.payments.len() as u64) < PAYMENTS {
            self.owe().await;
        }
    }

    /// Nothing goes wrong any more: every payment is over within bounded time (I11), and everything adds up.
    pub(crate) async fn calm(&mut self) {
        self.manners.set(Trouble::default());
        self.world.deposit(100_000_000_000);
        self.keeper.away.store(0, Ordering::SeqCst);
        if self.paused.is_some() {
            self.switch().await;
        }
        for turn in 0..150 {
            // Whoever held the wallet has let go of it, and a failed payment waits until no fork reaches it.
            let layers = if turn < 40 { 3 } else { 50 };
            self.mine(layers);
            let last = self.tick(0).await;
            self.check().await;
            if turn >= 8 && last.is_some_and(|turn| turn.held) && self.over().await {
                break;
            }
        }
        self.mine(u64::from(self.config.depth) + 2);
        while !self.tick(0).await.is_some_and(|turn| turn.held) {
            self.mine(5);
        }
        self.check().await;
        self.finish().await;
    }

    async fn over(&self) -> bool {
        let counts = self.store.counts(&self.network, NAME).await.unwrap();
        counts.iter().all(|(state, _)| state.is_terminal())
    }

    /// What is open, for whoever looks for a mistake.
    async fn told(&self) -> String {
        let open = self.store.open_transfers(&self.network, NAME, 100).await.unwrap();
        let marks = self.store.marks(&self.network, NAME, Epoch::MAX, 3).await.unwrap();
        format!("{open:#?}\n{marks:#?}\n{:#?}", self.world.account_now())
    }

    /// What holds once it is quiet.
    pub(crate) async fn finish(&mut self) {
        let seed = self.seed;
        let paid = self.world.paid();
        for (number, payment) in (0..).zip(&self.payments) {
            let now = self.store.payment(&self.network, &payment.id).await.unwrap().unwrap();
            assert!(now.state.is_terminal(), "I11, seed {seed}: {now:?}\n{}", self.told().await);
            let times = paid.get(&payee(number)).copied().unwrap_or(0);
            let expected = u64::from(now.state == PaymentState::Final);
            assert_eq!(times, expected, "I1, I13, seed {seed}: {} is {:?}", now.id, now.state);
            // What fails for want of money, or was overtaken, is paid after all.
            let lost = now.state == PaymentState::Failed && !now.reason.starts_with("recipient");
            assert!(!lost, "seed {seed}: {now:?}");
        }
        let desk = self.desk(Arc::new(Fate::default()));
        let reconciled = apogee_treasury::reconcile(&desk).await.unwrap();
        assert_eq!(reconciled.differences, [], "seed {seed}: the ledger is not the chain");
        let mark = self.store.marks(&self.network, NAME, Epoch::MAX, 1).await.unwrap().remove(0);
        let (nonce, balance) = self.world.account_now();
        assert_eq!((mark.nonce, mark.balance), (nonce, atto(balance)), "seed {seed}: not up to date");
        let transactions = self.world.known().into_iter().filter(|(known, _)| known.result.is_some()).count();
        self.skipped = nonce - u64::try_from(transactions).unwrap();
    }
}
