//! The binary pays, is killed again and again, and the chain has paid everybody once.
//!
//! Everything is real but the chain's people: the process that pays, the signer behind its socket, both databases, a node over HTTP. The weather:
//! requests and answers that are lost, heads of yesterday, messages that are forgotten, premiums that rise, forks below and above the depth at
//! which messages are final, two processes for one wallet.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apogee_domain::{Atto, NetworkId, Timestamp};
use apogee_filecoin::crypto::drand::BeaconKey;
use apogee_filecoin::types::{Message, Tipset};
use apogee_filecoin_state::StateTree;
use apogee_signer::{Access as Callers, Journal, Key, KeyKind, Keystore, LocalSigner, Policy};
use apogee_simnet::{Access, Mischief, Misdeed, Recipe, Refusal, SimNode, Simulation};
use apogee_store::{Page, Payment, PaymentState, Store};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

/// Final so many epochs deep.
const DEPTH: usize = 6;
const WALLET: &str = "drip";
const SETTLING: Duration = Duration::from_secs(60);

struct SystemClock;

impl std::fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemClock")
    }
}

impl apogee_domain::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the processes that are tested have no other clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how long to test, and with which seed")]
    std::env::var(name).ok()
}

fn network() -> NetworkId {
    "simnet".parse().unwrap()
}

/// A payee that nobody else is.
fn payee(number: u64) -> Address {
    let mut key = [7; 65];
    key[..8].copy_from_slice(&number.to_be_bytes());
    Address::new_secp256k1(&key).unwrap()
}

pub(crate) fn text(address: &Address) -> String {
    format!("t{}", &address.to_string()[1..])
}

/// What payment `number` comes to: no two are alike.
fn amount(number: u64) -> u128 {
    1_000_000_000_000_000_000 + u128::from(number)
}

/// A process that pays. It does not outlive the test, however that ends.
struct Payer(Child);

impl Drop for Payer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct World {
    folder: TempDir,
    made: Arc<Simulation>,
    node: SimNode,
    store: Arc<dyn Store>,
    owed: u64,
}

impl World {
    async fn new(address: &str, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let genesis_time = u64::try_from(now().seconds()).unwrap();
        let recipe =
            Recipe { seed, miners: 3, block_delay: 1, finality: 10, genesis_time, ..Recipe::default() };
        let made = Arc::new(Simulation::new(recipe).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = SimNode::start(listener, made.clone(), Access::default()).unwrap();
        let key = Key::from_bytes(KeyKind::Secp256k1, &[42; 32]).unwrap();
        let wallet = key.address();
        fund(&made, wallet);
        sign(folder.path(), key).await;
        let store: Arc<dyn Store> = match address.strip_prefix("sqlite:") {
            Some(file) => Arc::new(SqliteStore::open(&folder.path().join(file)).await.unwrap()),
            None => Arc::new(PostgresStore::connect(address).await.unwrap()),
        };
        let address = match address.strip_prefix("sqlite:") {
            Some(file) => format!("sqlite:{}", folder.path().join(file).display()),
            None => address.to_owned(),
        };
        settings(folder.path(), &made, &node.url(), &address, &text(&wallet));
        Self { folder, made, node, store, owed: 0 }
    }

    /// Owe some more people money.
    async fn owe(&mut self, more: u64) {
        let mut work = self.store.begin().await.unwrap();
        for number in self.owed..self.owed + more {
            let payment = Payment {
                network: network(),
                id: format!("grant/{number:05}"),
                wallet: WALLET.into(),
                payee: text(&payee(number)),
                amount: Atto(amount(number)),
                state: PaymentState::Accepted,
                reason: String::new(),
                created: now(),
            };
            assert!(work.put_payment(&payment).await.unwrap());
        }
        work.commit().await.unwrap();
        self.owed += more;
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log.txt")
    }

    fn start(&self) -> Payer {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_apogee"))
            .current_dir(self.folder.path())
            .args(["treasury", "run", "--config", "apogee.toml"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Payer(process)
    }

    /// How many payments are in each state.
    async fn states(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.store.counts(&network(), WALLET).await.unwrap();
        counts.into_iter().map(|(state, count)| (state.as_str(), count.payments)).collect()
    }

    /// What the chain has paid to each payee, once the head is executed.
    fn paid(&self) -> Vec<u128> {
        let next = self.made.mine().unwrap();
        let tree = StateTree::open(&**self.made.ledger(), &next.first().parent_state_root).unwrap();
        let of = |number| {
            let Some(id) = tree.resolve(&payee(number)).unwrap() else { return 0 };
            u128::try_from(tree.actor(id).unwrap().unwrap().balance.atto()).unwrap()
        };
        (0..self.owed).map(of).collect()
    }
}

/// The wallet gets money from somebody on the chain.
pub(crate) fn fund(made: &Simulation, wallet: Address) {
    made.mine().unwrap();
    let rich = made.wallet(0).unwrap();
    let message = Message {
        version: 0,
        from: rich.address(),
        to: wallet,
        sequence: 0,
        value: TokenAmount::from_whole(50_000),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: 10_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_atto(200_000),
    };
    made.push(rich.sign(message).unwrap()).unwrap();
    for _ in 0..DEPTH + 3 {
        made.mine().unwrap();
    }
}

/// The most memory that a process had, KiB.
fn peak(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A signer at a socket, as the process of its own has it.
pub(crate) async fn sign(folder: &Path, key: Key) {
    let wallet = text(&key.address());
    let policy = format!(
        "network = \"simnet\"\n[wallets.{wallet}]\nmessage_value = \"2000000000000000000\"\nmessage_fee = \"1000000000000000000\"\n\
         day_value = \"90000000000000000000000\"\nday_fee = \"9000000000000000000000\"\nrecipients = \"any\"\n"
    );
    std::fs::write(folder.join("policy.toml"), policy).unwrap();
    let policy = Policy::read(&folder.join("policy.toml")).unwrap();
    let journal = Journal::open(&folder.join("journal.jsonl"), &network()).unwrap();
    let mut keys = Keystore::new();
    keys.add(key).unwrap();
    let signer = LocalSigner::new(policy, journal, Box::new(Arc::new(keys)), Arc::new(SystemClock));
    let access = Callers::default();
    let listener = apogee_signer::bind(&folder.join("signer.sock"), &access).unwrap();
    tokio::spawn(apogee_signer::serve(listener, Arc::new(signer), access, std::future::pending()));
}

pub(crate) fn settings(folder: &Path, made: &Simulation, url: &str, store: &str, wallet: &str) {
    let beacon = *made.params().beacons.at(0).unwrap();
    let BeaconKey::Unchained(key) = beacon.key else { panic!("a made beacon is unchained") };
    let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let info = serde_json::json!({
        "public_key": key, "period": beacon.period, "genesis_time": beacon.genesis_time,
        "hash": "00", "groupHash": "00", "schemeID": "bls-unchained-g1-rfc9380", "metadata": {"beaconID": "made"},
    });
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("drand.json", &info.to_string());
    write(
        "network.toml",
        "epoch_seconds = 1\ngenesis_version = 28\nfinality_epochs = 10\nbeacon = \"drand.json\"\n",
    );
    write(
        "apogee.toml",
        &format!(
            "store = \"{store}\"\n[networks.simnet]\nrules = \"network.toml\"\npoll_seconds = 1\n\
             [[networks.simnet.endpoints]]\nurl = \"{url}\"\ntoken = \"may-write\"\n\
             [wallets.{WALLET}]\nnetwork = \"simnet\"\naddress = \"{wallet}\"\nsigner = \"signer.sock\"\ndepth = {DEPTH}\n\
             value_per_day = \"90000 FIL\"\nfees_per_day = \"9000 FIL\"\nmax_fee = \"1 FIL\"\n\
             replace_seconds = 3\nrebroadcast_seconds = 2\nlease_seconds = 1\ntick_seconds = 1\n"
        ),
    );
}

/// One more epoch, and what else may happen.
fn weather(made: &Simulation, mischief: &Mischief, rng: &mut StdRng, deepest: usize, past: &mut Vec<Tipset>) {
    past.push(made.mine().unwrap());
    let lost = |executed| Misdeed::Refuse { refusal: Refusal::application("database is locked"), executed };
    match rng.random_range(0..24) {
        0 => mischief.next("MpoolPush", rng.random_range(1..6), lost(true)),
        1 => mischief.next("MpoolPush", rng.random_range(1..6), lost(false)),
        2 => mischief.next("MpoolPush", 2, Misdeed::Status(502)),
        3 => mischief.next("*", 1, Misdeed::Truncate(rng.random_range(0..200))),
        4 => mischief.next("*", 1, Misdeed::Late(Duration::from_millis(rng.random_range(1..400)))),
        5 if past.len() > 20 => {
            let stale = &past[past.len() - rng.random_range(2..20)];
            mischief.next("ChainHead", 1, Misdeed::head(stale));
        }
        6 | 7 => {
            let waiting = made.pending();
            if !waiting.is_empty() {
                made.evict(&waiting[rng.random_range(0..waiting.len())].cid());
            }
        }
        8 => made.set_least_premium(TokenAmount::from_atto(rng.random_range(100_000..2_000_000_u64))),
        9 | 10 => made.set_least_premium(TokenAmount::default()),
        11 | 12 => {
            let depth = rng.random_range(1..DEPTH);
            made.fork(depth, depth + 1, rng.random()).unwrap();
        }
        13 => {
            // Not below where the wallet's books begin. Null rounds make a chain shorter than its height.
            let height = usize::try_from(made.ledger().head().epoch().height()).unwrap();
            let depth = rng.random_range(DEPTH..deepest).min(height.saturating_sub(60) * 9 / 10).max(1);
            made.fork(depth, depth + 1, rng.random()).unwrap();
        }
        _ => {}
    }
}

async fn kill_again_and_again(address: &str, kills: u32, deepest: usize) {
    let seed = environment("APOGEE_SEED").and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("APOGEE_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::new(address, seed).await;
    let wild = Arc::new(AtomicBool::new(true));
    let over = Arc::new(AtomicBool::new(false));
    let chain = std::thread::spawn({
        let (made, wild, over) = (world.made.clone(), wild.clone(), over.clone());
        let mischief = Arc::clone(world.node.mischief());
        let mut rng = StdRng::seed_from_u64(seed ^ 1);
        move || {
            let mut past = Vec::new();
            while !over.load(Ordering::Relaxed) {
                if wild.load(Ordering::Relaxed) {
                    weather(&made, &mischief, &mut rng, deepest, &mut past);
                } else {
                    made.mine().unwrap();
                }
                std::thread::sleep(Duration::from_millis(60));
            }
        }
    });
    for _ in 0..kills {
        world.owe(rng.random_range(1..5)).await;
        let first = world.start();
        let second = rng.random_bool(0.25).then(|| world.start());
        tokio::time::sleep(Duration::from_millis(rng.random_range(200..3_200))).await;
        drop((first, second));
    }
    println!("killed {kills} times, {} payments: {:?}", world.owed, world.states().await);
    wild.store(false, Ordering::Relaxed);
    world.node.mischief().stop();
    world.made.set_least_premium(TokenAmount::default());
    let last = world.start();
    let begun = Instant::now();
    loop {
        let states = world.states().await;
        if states.get("final") == Some(&world.owed) {
            break;
        }
        let wallet = world.store.wallet(&network(), WALLET).await.unwrap();
        if begun.elapsed() > SETTLING {
            let transfers = world.store.open_transfers(&network(), WALLET, 5).await.unwrap();
            let attempts = world.store.attempts(&network(), WALLET, 0, 5).await.unwrap();
            for attempt in attempts {
                println!("{} {} {:?} {}", attempt.nonce, attempt.number, attempt.last_sent, attempt.outcome);
            }
            println!("{transfers:#?}");
            let log = std::fs::read_to_string(world.log()).unwrap();
            let last: Vec<_> = log.lines().rev().take(10).collect();
            panic!("APOGEE_SEED={seed}: {states:?}, {wallet:?}, {last:#?}");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    drop(last);
    over.store(true, Ordering::Relaxed);
    chain.join().unwrap();

    let expected: Vec<u128> = (0..world.owed).map(amount).collect();
    assert_eq!(world.paid(), expected, "APOGEE_SEED={seed}");
    let reconciled = Command::new(env!("CARGO_BIN_EXE_apogee"))
        .current_dir(world.folder.path())
        .args(["treasury", "reconcile", "--config", "apogee.toml", "--format", "json"])
        .output()
        .unwrap();
    let said = String::from_utf8([&reconciled.stdout[..], &reconciled.stderr].concat()).unwrap();
    assert_eq!(reconciled.status.code(), Some(0), "APOGEE_SEED={seed}: {said}");
    let page = Page { after: None, limit: 10_000 };
    let finals = world.store.payments(&network(), WALLET, PaymentState::Final, page).await.unwrap();
    assert_eq!(finals.len() as u64, world.owed);
    println!("{said}");
}

/// Everybody waits at once, and is paid in as little memory as if few did.
async fn pay_a_queue(address: &str, queue: u64) {
    let mut world = World::new(address, 7).await;
    world.owe(queue).await;
    let over = Arc::new(AtomicBool::new(false));
    let chain = std::thread::spawn({
        let (made, over) = (world.made.clone(), over.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                made.mine().unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    });
    let begun = Instant::now();
    let payer = world.start();
    loop {
        let states = world.states().await;
        if states.get("final") == Some(&queue) {
            break;
        }
        let log = || std::fs::read_to_string(world.log()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(30 + queue / 5), "{states:?}\n{}", log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (took, peak) = (begun.elapsed(), peak(&payer.0));
    println!("{queue} payments were paid in {took:.0?}; the process had at most {} MB", peak / 1_000);
    drop(payer);
    over.store(true, Ordering::Relaxed);
    chain.join().unwrap();
    assert_eq!(world.paid(), (0..queue).map(amount).collect::<Vec<_>>());
    assert!(peak < 300_000, "{peak} KiB");
}

fn share(full: u32, bounded: u32) -> u32 {
    if environment("APOGEE_FULL").is_some() { full } else { bounded }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_owed_is_paid_once_however_often_the_process_is_killed_on_sqlite() {
    let deepest = if environment("APOGEE_FULL").is_some() { 1_000 } else { 40 };
    kill_again_and_again("sqlite:paying.sqlite", share(200, 8), deepest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_owed_is_paid_once_however_often_the_process_is_killed_on_postgresql() {
    let Some(url) = apogee_testkit::postgres::database() else { return };
    let deepest = if environment("APOGEE_FULL").is_some() { 1_000 } else { 40 };
    kill_again_and_again(&url, share(200, 8), deepest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_paid_once_each_in_little_memory_on_sqlite() {
    pay_a_queue("sqlite:paying.sqlite", share(10_000, 500).into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_paid_once_each_in_little_memory_on_postgresql() {
    let Some(url) = apogee_testkit::postgres::database() else { return };
    pay_a_queue(&url, share(10_000, 500).into()).await;
}
