use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_filecoin::rpc::{Client, Endpoint, Exponential, Pool, Secret, Settings};
use apogee_filecoin::source::{RpcOptions, RpcSource};
use apogee_filecoin::types::json::address_text;
use apogee_filecoin::types::{Message, message_cid};
use apogee_simnet::{Access, Misdeed, Multisig, Recipe, Refusal, SimNode, Simulation, Wallet as Key};
use apogee_store::{AttemptKind, Payment, PaymentState, Store};
use apogee_store_sqlite::SqliteStore;
use apogee_treasury::chain::{Chain, Filecoin, Tip};
use apogee_treasury::{
    Cashier, Config, Desk, NoFaults, Order, SignError, Signed, Signer, TreasuryError, open_wallet, reconcile,
};
use async_trait::async_trait;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use tokio::net::TcpListener;

pub(crate) const FIL: u128 = 1_000_000_000_000_000_000;
pub(crate) const NAME: &str = "drip";

/// Signs with a key of the made chain.
#[derive(Debug)]
struct Keeper(Key);

#[async_trait]
impl Signer for Keeper {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        Ok(vec![address_text(&self.0.address(), Network::Testnet)])
    }

    async fn sign(&self, _: &str, _: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        let sign = |order: &Order| {
            let message: Message = fvm_ipld_encoding::from_slice(&order.message).unwrap();
            let to = order.multisig.as_ref().unwrap_or(&order.payee);
            assert_eq!((message.sequence, &address_text(&message.to, Network::Testnet)), (order.nonce, to));
            let signed = self.0.sign(message).unwrap();
            Signed { bytes: fvm_ipld_encoding::to_vec(&signed).unwrap(), id: signed.cid().to_string() }
        };
        Ok(orders.iter().map(sign).collect())
    }
}

pub(crate) struct Bench {
    pub(crate) made: Arc<Simulation>,
    pub(crate) node: SimNode,
    pub(crate) chain: Arc<Filecoin>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) network: NetworkId,
    pub(crate) desk: Desk,
    cashier: Cashier,
    started: u32,
    pub(crate) payments: Vec<Payment>,
    _folder: tempfile::TempDir,
}

fn config() -> Config {
    Config { depth: 5, window: 12, rebroadcast_after: Duration::from_secs(90), ..Config::drips() }
}

impl Bench {
    /// A bench that pays with the key of this index: even ones are BLS, others secp256k1.
    async fn new(key: usize) -> Self {
        Self::with(key, None).await
    }

    /// The same, proposing to this multisig.
    pub(crate) async fn with(key: usize, multisig: Option<Multisig>) -> Self {
        let multisigs = multisig.into_iter().collect();
        let recipe = Recipe { miners: 3, balance: 1_000, multisigs, ..Recipe::default() };
        let made = Arc::new(Simulation::new(recipe).unwrap());
        for _ in 0..8 {
            made.mine().unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let access = Access { token: Some("t0ken".into()) };
        let node = SimNode::start(listener, made.clone(), access).unwrap();
        let settings = Settings {
            timeout: Duration::from_secs(5),
            backoff: Arc::new(Exponential::new(3, Duration::from_millis(1), Duration::from_millis(2), 1)),
            ..Settings::default()
        };
        let endpoint = Endpoint::new(&node.url(), Some(Secret::new("t0ken"))).unwrap();
        let client = Arc::new(Client::new(endpoint, settings).unwrap());
        let pool = Arc::new(Pool::new(vec![client], None));
        let source = Arc::new(RpcSource::new(pool.clone(), RpcOptions::default()));
        let chain = Arc::new(Filecoin::new(pool, source, "t"));
        let folder = tempfile::TempDir::new().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap());
        let network: NetworkId = "made".parse().unwrap();
        let keeper = Keeper(made.wallet(key).unwrap().clone());
        let address = address_text(&keeper.0.address(), Network::Testnet);
        let multisig = made.multisig(0).map(|(multisig, _)| address_text(&multisig, Network::Testnet));
        open_wallet(&*store, &*chain, &network, NAME, &address, multisig.as_deref()).await.unwrap();
        let desk = Desk {
            store: store.clone(),
            chain: chain.clone(),
            signer: Arc::new(keeper),
            faults: Arc::new(NoFaults),
            network: network.clone(),
            wallet: NAME.into(),
            config: config(),
        };
        let cashier = Cashier::new(desk.clone(), "process 0".into());
        Self {
            made,
            node,
            chain,
            store,
            network,
            desk,
            cashier,
            started: 0,
            payments: Vec::new(),
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let head = self.made.ledger().head();
        Timestamp::from_seconds(i64::try_from(head.first().timestamp).unwrap() + 3)
    }

    pub(crate) async fn owe(&mut self, count: usize) {
        let mut work = self.store.begin().await.unwrap();
        for _ in 0..count {
            let number = self.payments.len();
            // Every second one has no account yet.
            let payee = if number.is_multiple_of(2) {
                let mut key = [4; 65];
                key[1..9].copy_from_slice(&number.to_be_bytes());
                Address::new_secp256k1(&key).unwrap()
            } else {
                self.made.wallet(2 + number % 4).unwrap().address()
            };
            let payment = Payment {
                network: self.network.clone(),
                id: format!("grant/{number}"),
                wallet: NAME.into(),
                payee: address_text(&payee, Network::Testnet),
                amount: Atto(FIL / 10 + number as u128),
                state: PaymentState::Accepted,
                reason: String::new(),
                created: Timestamp(self.now().0 + i64::try_from(number).unwrap()),
            };
            assert!(apogee_store::MoneyWork::put_payment(&mut *work, &payment).await.unwrap());
            self.payments.push(payment);
        }
        work.commit().await.unwrap();
    }

    /// Mine, and take a turn. A chain that cannot be read is read at the next turn.
    pub(crate) async fn turn(&mut self, tips: u32) {
        for _ in 0..tips {
            self.made.mine().unwrap();
        }
        match self.cashier.tick(self.now()).await {
            Ok(turn) => assert!(turn.held || self.started > 0, "{turn:?}"),
            Err(TreasuryError::Chain(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Another process takes the place of this one.
    pub(crate) fn restart(&mut self) {
        self.started += 1;
        self.cashier = Cashier::new(self.desk.clone(), format!("process {}", self.started));
    }

    pub(crate) async fn over(&self) -> bool {
        let counts = self.store.money().counts(&self.network, NAME).await.unwrap();
        counts.iter().all(|(state, _)| state.is_terminal())
    }

    pub(crate) async fn balance(&self, tip: &Tip, address: &str) -> u128 {
        self.chain.account(tip, address).await.unwrap().balance.0
    }

    /// Until everything is over, and then some: every payee has what is owed, and the books are the chain.
    async fn finish(mut self, before: Vec<(String, u128)>) -> Vec<AttemptKind> {
        self.settle().await;
        self.paid(&before).await;
        let attempts = self.store.money().attempts(&self.network, NAME, 0, 10_000).await.unwrap();
        self.node.shutdown().await;
        attempts.into_iter().map(|attempt| attempt.kind).collect()
    }

    /// Every payee has what it had before and what is owed to it.
    pub(crate) async fn paid(&self, before: &[(String, u128)]) {
        let head = self.chain.head().await.unwrap();
        for (payee, had) in before {
            let owed: u128 =
                self.payments.iter().filter(|payment| payment.payee == *payee).map(|one| one.amount.0).sum();
            assert_eq!(self.balance(&head, payee).await, had + owed, "{payee}");
        }
    }

    /// Nothing goes wrong any more: everything is final, and the books are the chain.
    pub(crate) async fn settle(&mut self) {
        self.node.mischief().stop();
        self.made.set_least_premium(TokenAmount::default());
        for _ in 0..150 {
            self.turn(1).await;
            if self.over().await {
                break;
            }
        }
        assert!(self.over().await, "{:?}", self.store.money().counts(&self.network, NAME).await);
        for _ in 0..2 {
            self.turn(7).await;
        }
        for payment in &self.payments {
            let now = self.store.money().payment(&self.network, &payment.id).await.unwrap().unwrap();
            assert_eq!(now.state, PaymentState::Final, "{now:?}");
        }
        let reconciled = reconcile(&self.desk).await.unwrap();
        assert_eq!(reconciled.differences, []);
        assert_eq!(reconciled.messages, self.payments.len() as u64);
        assert_eq!(reconciled.paid.0, self.payments.iter().map(|payment| payment.amount.0).sum());
    }

    /// A rough time: lost calls, restarts, forks above and below what is final, dear blocks.
    pub(crate) async fn weather(&mut self) {
        let refused =
            || Misdeed::Refuse { refusal: Refusal::application("database is locked"), executed: true };
        for round in 0..24_u64 {
            let mischief = self.node.mischief();
            match round % 8 {
                // The request arrives, the answer does not.
                0 => mischief.next("MpoolPush", 2, Misdeed::Truncate(10)),
                // It does not arrive.
                1 => mischief.next("MpoolPush", 2, Misdeed::Status(502)),
                2 => mischief.next("MpoolPush", 3, refused()),
                3 => mischief.next("StateGetActor", 1, Misdeed::Status(429)),
                4 => mischief.next("ChainHead", 3, Misdeed::Status(503)),
                5 => {
                    for signed in self.made.pending().iter().step_by(3) {
                        self.made.evict(&signed.cid());
                    }
                }
                6 => self.restart(),
                _ => {}
            }
            match round {
                5 => drop(self.made.fork(3, 4, 1).unwrap()),
                // Below what is booked as final.
                11 => drop(self.made.fork(9, 10, 2).unwrap()),
                13 => self.made.set_least_premium(TokenAmount::from_atto(120_000)),
                _ => {}
            }
            self.turn(2).await;
        }
        // Nothing is mined any more until it offers more.
        for _ in 0..25 {
            self.turn(1).await;
        }
    }

    pub(crate) async fn balances(&self) -> Vec<(String, u128)> {
        let head = self.chain.head().await.unwrap();
        let mut balances = Vec::new();
        for payment in &self.payments {
            if balances.iter().all(|(payee, _)| *payee != payment.payee) {
                balances.push((payment.payee.clone(), self.balance(&head, &payment.payee).await));
            }
        }
        balances
    }
}

/// Reads of the store, by its port.
pub(crate) trait Reads {
    fn money(&self) -> &dyn apogee_store::Money;
}

impl Reads for SqliteStore {
    fn money(&self) -> &dyn apogee_store::Money {
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payments_are_made_once_each_through_lost_calls_forks_and_dear_blocks() {
    let mut bench = Bench::new(1).await;
    bench.owe(50).await;
    let before = bench.balances().await;
    bench.turn(1).await;
    bench.weather().await;
    let attempts = bench.finish(before).await;
    assert!(attempts.contains(&AttemptKind::Replace), "no message had to be replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bls_key_pays_too() {
    let mut bench = Bench::new(0).await;
    bench.owe(6).await;
    let before = bench.balances().await;
    assert_eq!(bench.finish(before).await, [AttemptKind::Pay; 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_somebody_else_made_with_the_key_pauses_the_wallet_and_is_never_adopted() {
    let mut bench = Bench::new(1).await;
    bench.turn(6).await;
    bench.owe(1).await;
    let key = bench.made.wallet(1).unwrap();
    let message = Message {
        version: 0,
        from: key.address(),
        to: bench.made.wallet(3).unwrap().address(),
        sequence: 0,
        value: TokenAmount::from_nano(7),
        method_num: 0,
        params: fvm_ipld_encoding::RawBytes::default(),
        gas_limit: 2_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_atto(200_000),
    };
    let cid = message_cid(&message);
    bench.made.push(key.sign(message).unwrap()).unwrap();
    for _ in 0..12 {
        bench.turn(1).await;
    }
    let wallet = bench.store.money().wallet(&bench.network, NAME).await.unwrap().unwrap();
    assert_eq!(wallet.mode, apogee_store::WalletMode::Paused, "{wallet:?}");
    assert!(
        wallet.reason.starts_with("foreign-message") || wallet.reason.starts_with("nonce-ahead"),
        "{cid} {wallet:?}"
    );
    // The ledger knows where the money went.
    let reconciled = reconcile(&bench.desk).await.unwrap();
    let words: Vec<_> = reconciled.differences.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].starts_with("nonce 0 was used by"), "{words:?}");
    let marks = bench.store.money().marks(&bench.network, NAME, Epoch::MAX, 1).await.unwrap();
    assert_eq!(marks[0].nonce, 1);
    bench.node.shutdown().await;
}
