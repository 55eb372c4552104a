//! Deals as they are offered, fetched, published and proven: processes that are killed at any moment, a chain that is made, providers that are honest or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_dealbot::audit::{Asked, Audit};
use apogee_dealbot::desk::{Desk, Download, Form};
use apogee_dealbot::entry::{Entry, Fact};
use apogee_dealbot::schedule::Seed;
use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};
use apogee_filecoin::types::json::parse_address;
use apogee_filecoin_state::StateTree;
use apogee_market::deal::DealParams;
use apogee_piece::Commitment;
use apogee_simnet::{Access, Contact, Recipe, SimNode, Simulation};
use apogee_simprovider::gateway::{Gateway, Library};
use apogee_simprovider::storage::{Listen, Misdeed, StorageProvider, Talk};
use apogee_store::{Page, ProbeDeals, ProbeLog, Store};
use apogee_store_sqlite::SqliteStore;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use libp2p_identity::Keypair;
use multiaddr::Multiaddr;
use multihash_codetable::{Code, MultihashDigest};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::paying::{fund, now, settings};
use crate::probing::{Process, apogee, kills, said};

/// Seconds in which all of it has to come to an end.
const PATIENCE: Duration = Duration::from_secs(420);
/// Slots of each miner, and how long each is.
const SLOTS: u64 = 3;
const SECONDS: i64 = 45;
/// When the beacon speaks that the seed is bound to, and when the first slot begins: seconds and epochs from now.
const BEACON: u32 = 25;
const BEGINS: i64 = 40;
/// How long processes are killed: the last slot is in peace, as whoever begins takes a while to be sure of the chain.
const KILLING: Duration = Duration::from_secs(90);

fn network() -> NetworkId {
    "simnet".parse().unwrap()
}

/// A provider that listens, and who it is.
async fn provider(miner: u64) -> StorageProvider {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&miner.to_be_bytes());
    let key = Keypair::ed25519_from_bytes(seed).unwrap();
    let recipe = apogee_simprovider::storage::Recipe::honest(key, Address::new_id(miner));
    StorageProvider::start(recipe, &[(Listen::Tcp, "127.0.0.1:0".parse().unwrap())]).await.unwrap()
}

/// How the chain says that it is reached.
fn contact(provider: &StorageProvider) -> Contact {
    let address = provider.address(Listen::Tcp).unwrap();
    let address: Multiaddr = format!("/ip4/{}/tcp/{}", address.ip(), address.port()).parse().unwrap();
    Contact { peer_id: provider.peer().to_bytes(), multiaddresses: vec![address.to_vec()] }
}

fn server(folder: &Path, port: u16) -> Process {
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["serve", "--config", "apogee.toml", "--listen", &listen];
    Process(apogee().current_dir(folder).args(arguments).stdout(Stdio::null()).spawn().unwrap())
}

fn bot(folder: &Path, port: u16, name: &str, canary: &str) -> Process {
    let controller = format!("http://127.0.0.1:{port}");
    let key = format!("{name}.key");
    let arguments = ["dealbot", "run", "--controller", &controller, "--name", name, "--region", "eu"];
    let more = ["--key", &key, "--outbox", name, "--canary", canary, "--allow-private"];
    let mut command = apogee();
    Process(command.current_dir(folder).args(arguments).args(more).stdout(Stdio::null()).spawn().unwrap())
}

/// What an honest provider does with a deal: it fetches the data, in parts, and looks whether it is what was proposed.
#[expect(clippy::disallowed_methods, reason = "a provider has a client of its own")]
async fn fetch(deal: &DealParams) -> Option<()> {
    let url = deal.transfer.request().unwrap().url;
    // Another test may have chosen one already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::new();
    let size = deal.transfer.size;
    let half = size / 2;
    let mut bytes = Vec::new();
    for range in [format!("bytes=0-{}", half - 1), format!("bytes={half}-")] {
        let answer = client.get(&url).header("range", &range).send().await.ok()?;
        assert_eq!(answer.status(), 206, "{range}");
        bytes.extend(answer.bytes().await.ok()?);
    }
    assert_eq!(bytes.len() as u64, size);
    let mut commitment = Commitment::default();
    commitment.add(&bytes);
    assert_eq!(commitment.finish().unwrap().v1(), deal.client_deal_proposal.proposal.piece_cid);
    Some(())
}

/// A chain that keeps with the clock, and providers that see it.
struct World {
    made: Arc<Simulation>,
    genesis: Timestamp,
    honest: StorageProvider,
    idle: StorageProvider,
    full: StorageProvider,
}

impl World {
    fn providers(&self) -> [&StorageProvider; 3] {
        [&self.honest, &self.idle, &self.full]
    }

    /// Mine up to the clock.
    fn mine(&self) {
        let due = (now().0 - self.genesis.0) / 1_000_000;
        while self.made.ledger().head().epoch().height() < due {
            self.made.mine().unwrap();
        }
        for provider in self.providers() {
            provider.set_head(due);
        }
    }

    fn in_epochs(&self, epochs: u32) -> Epoch {
        self.made.ledger().head().epoch().plus(epochs)
    }

    /// The honest provider gets on with its deals.
    async fn work(&self, done: &mut BTreeMap<String, u8>) {
        for deal in self.honest.deals() {
            let proposal = &deal.client_deal_proposal.proposal;
            let step = done.entry(deal.deal_uuid.to_string()).or_default();
            match *step {
                0 => *step = u8::from(fetch(&deal).await.is_some()),
                1 => {
                    self.made.publish_deals(self.in_epochs(2), std::slice::from_ref(proposal)).unwrap();
                    *step = 2;
                }
                2 => {
                    let Some(id) = self.made.deal(proposal).unwrap() else { continue };
                    self.made.activate_deals(self.in_epochs(2), &[id]).unwrap();
                    *step = 3;
                }
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_offered_once_and_the_chain_says_what_became_of_it_however_processes_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = Timestamp::from_seconds(now().seconds() - 60);
    let genesis_time = u64::try_from(genesis.seconds()).unwrap();
    let [honest, idle, full] = [provider(1000).await, provider(1001).await, provider(1002).await];
    let recipe = Recipe {
        seed: 9,
        miners: 3,
        block_delay: 1,
        finality: 10,
        genesis_time,
        contacts: vec![contact(&honest)],
        ..Recipe::default()
    };
    let made = Arc::new(Simulation::new(recipe).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = SimNode::start(listener, made.clone(), Access::default()).unwrap();
    let client = said(folder.path(), &["dealbot", "client", "client.key"]);
    let client = parse_address(&client).unwrap();
    fund(&made, client);
    let miners: Vec<u64> = made.miners().collect();
    let world = World { made: made.clone(), genesis, honest, idle, full };
    world.full.misbehave(Talk::Deal, Some(Misdeed::Reject("server error: no space left".into())));
    // The first answers of the honest one are lost on their way.
    world.honest.misbehave(Talk::Deal, Some(Misdeed::Forget));
    let root = made.ledger().head().first().parent_state_root;
    let id = StateTree::open(&**made.ledger(), &root).unwrap().resolve(&client).unwrap().unwrap();
    made.set_escrow(world.in_epochs(2), id, &TokenAmount::from_whole(1)).unwrap();
    world.mine();

    let file = folder.path().join("deals.sqlite");
    settings(folder.path(), &made, &node.url(), &format!("sqlite:{}", file.display()), "t01");
    let keys: Vec<String> = ["ada", "bob"]
        .iter()
        .map(|name| said(folder.path(), &["dealbot", "new", &format!("{name}.key")]))
        .collect();
    said(folder.path(), &["dealbot", "seed", "sprint.seed"]);
    said(folder.path(), &["dealbot", "log-key", "sprint.log-key"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The seed is committed to before its beacon is known, and that is final before the first slot.
    let (beacon_epoch, start) = (world.in_epochs(BEACON).height(), now().seconds() + BEGINS);
    let start = Timestamp::from_seconds(start);
    let network_alone = std::fs::read_to_string(folder.path().join("apogee.toml")).unwrap();
    let network_alone = network_alone.split("[wallets.").next().unwrap();
    let at = |provider: &StorageProvider, miner: u64| {
        let address = provider.address(Listen::Tcp).unwrap();
        let (host, port) = (address.ip(), address.port());
        format!(
            "[probes.sprint.storage.miners.t0{miner}]\npeer = \"{}\"\naddresses = [\"/ip4/{host}/tcp/{port}\"]\n",
            provider.peer()
        )
    };
    let text = format!(
        r#"{network_alone}
        [bots.ada]
        key = "{}"
        region = "eu"
        [bots.bob]
        key = "{}"
        region = "eu"
        [probes.sprint]
        network = "simnet"
        seed = "sprint.seed"
        log_key = "sprint.log-key"
        start = "{start}"
        beacon_epoch = {beacon_epoch}
        retrieval_seconds = 10
        retrieval_slots = 1
        lease_seconds = 4
        canary_seconds = 4
        allow_private = true
        [probes.sprint.gateways]
        [probes.sprint.storage]
        seconds = {SECONDS}
        slots = {SLOTS}
        client = "client.key"
        data = "http://127.0.0.1:{port}"
        success_at = "active"
        price = 1000
        start_epochs = 45
        [[probes.sprint.storage.sizes]]
        bytes = 300000
        weight = 1000000
        {}{}{}"#,
        keys[0],
        keys[1],
        format_args!("[probes.sprint.storage.miners.t0{}]\nfrom = \"chain\"\n", miners[0]),
        at(&world.idle, miners[1]),
        at(&world.full, miners[2]),
    );
    std::fs::write(folder.path().join("apogee.toml"), text).unwrap();
    let bytes = vec![5; 10_000];
    let canary_root = Cid::new_v1(0x55, Code::Sha2_256.digest(&bytes));
    let mut library = Library::default();
    library.put_block(canary_root, bytes);
    let gateway = Gateway::start(library).await.unwrap();
    let canary = format!("{},{canary_root},10000", gateway.url());

    let mut running = server(folder.path(), port);
    let mut bots = [bot(folder.path(), port, "ada", &canary), bot(folder.path(), port, "bob", &canary)];
    let (mut dice, mut left) = (ChaCha8Rng::seed_from_u64(8), kills(4, 12));
    let (mut done, begun) = (BTreeMap::new(), Instant::now());
    let offers =
        Duration::from_secs(u64::try_from(BEGINS + SECONDS * i64::try_from(SLOTS).unwrap()).unwrap());
    let mut next = Instant::now() + Duration::from_secs(30);
    let mut store = None;
    loop {
        world.mine();
        world.work(&mut done).await;
        if begun.elapsed() > Duration::from_secs(60) {
            world.honest.misbehave(Talk::Deal, None);
        }
        if left > 0 && Instant::now() > next && begun.elapsed() < KILLING {
            left -= 1;
            next = Instant::now() + Duration::from_millis(dice.random_range(4_000..14_000));
            match dice.random_range(0..3) {
                0 => {
                    running.kill();
                    running = server(folder.path(), port);
                }
                one => {
                    bots[one - 1].kill();
                    bots[one - 1] = bot(folder.path(), port, ["ada", "bob"][one - 1], &canary);
                }
            }
        }
        if store.is_none() && file.exists() && begun.elapsed() > Duration::from_secs(20) {
            store = Some(SqliteStore::open(&file).await.unwrap());
        }
        if let Some(store) = &store
            && begun.elapsed() > offers
            && judged(store, &miners).await
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", verdicts(store.as_ref().unwrap(), &miners).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let store = store.unwrap();
    let found = verdicts(&store, &miners).await;
    let of = |miner: usize| found.get(&miners[miner]).unwrap();
    // Nobody is blamed for what bots and server suffered, and nobody is praised.
    let (ours, good) =
        (["excluded MISSED_NO_WORKER", "excluded LEASE_EXPIRED", "excluded CANARY_FAILED"], "ok ");
    let within = |miner, expected: &str| {
        let good = of(miner).iter().all(|verdict| verdict == expected || ours.contains(&verdict.as_str()));
        assert!(good, "{found:?}");
        assert!(of(miner).iter().any(|verdict| verdict == expected), "{found:?}");
    };
    within(0, good);
    within(1, "fail SP_NEVER_FETCHED");
    within(2, "fail REJECT_SERVER_ERROR");
    // Whatever was killed, each deal was proposed once.
    for provider in [&world.honest, &world.idle] {
        let deals = provider.deals();
        let names: BTreeSet<_> = deals.iter().map(|deal| deal.deal_uuid).collect();
        assert_eq!(names.len(), deals.len());
        assert_eq!(provider.proposals(), deals.len() as u64, "no deal is proposed twice");
    }
    let mut published = 0;
    for deal in world.honest.deals() {
        let stored = store.deal_named(&deal.deal_uuid.to_string()).await.unwrap().unwrap();
        published += u32::from(stored.course.deal.is_some() && stored.course.active.is_some());
        assert_eq!(stored.course.fetched, stored.size);
    }
    assert!(published > 0);
    for bot in &mut bots {
        assert!(bot.end(Duration::from_secs(90)));
    }
    assert!(running.end(Duration::from_secs(30)));
    // Whoever has the seed and the log derives every moment again, and not without the beacon.
    let seed = std::fs::read_to_string(folder.path().join("sprint.seed")).unwrap();
    let mut bytes = [0; 32];
    hex::decode_to_slice(seed.lines().nth(1).unwrap().trim(), &mut bytes).unwrap();
    let seed = Seed::new(bytes);
    let mut audit = Audit::new(Asked { seed: Some(seed.clone()), key: None });
    audit.read(&*evidence(&store, seed).await).unwrap();
    let report = audit.end().unwrap();
    let beacon = report.beacon.unwrap();
    assert!(report.derived && report.defects.is_empty(), "{:?}", report.defects);
    assert!(beacon.epoch.height() >= beacon_epoch && !beacon.entry.0.is_empty());
    assert!(report.committed < Timestamp::from_seconds(genesis.seconds() + beacon_epoch));
}

/// The log as it leaves.
async fn evidence(store: &SqliteStore, seed: Seed) -> Vec<u8> {
    let first = store.log_entries(&network(), "sprint", Page { after: None, limit: 1 }).await.unwrap();
    let Fact::Settings(settings) = Entry::decode(&first[0].document).unwrap().fact else { panic!() };
    let plan = settings.plan(seed).unwrap();
    let newest = store.newest_batch(&network(), "sprint").await.unwrap().unwrap();
    let (mut log, mut bytes) = (Download::new(Form::Car, 1, &newest).unwrap(), Vec::new());
    while let Some(piece) = log.next(&Desk { store, plan: &plan }).await.unwrap() {
        bytes.extend(piece);
    }
    bytes
}

/// What the slots of each miner came to, where that is known.
async fn verdicts(store: &SqliteStore, miners: &[u64]) -> BTreeMap<u64, Vec<String>> {
    let store: &dyn Store = store;
    let mut found = BTreeMap::new();
    for miner in miners {
        let key = apogee_store::LaneKey {
            network: network(),
            race: "sprint".into(),
            kind: ProbeKind::Storage,
            miner: format!("t0{miner}"),
        };
        let slots = store.slots(&key, Page { after: None, limit: 100 }).await.unwrap();
        let verdicts = slots.into_iter().filter_map(|slot| slot.verdict);
        let words = verdicts.map(|verdict| format!("{} {}", verdict.outcome.as_str(), verdict.code));
        found.insert(*miner, words.collect());
    }
    found
}

/// Whether it is known of every slot.
async fn judged(store: &SqliteStore, miners: &[u64]) -> bool {
    verdicts(store, miners).await.values().all(|verdicts| verdicts.len() as u64 == SLOTS)
}
