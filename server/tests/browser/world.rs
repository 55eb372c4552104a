//! A service of its own with the GitHub that it trusts, and, where money is asked for, a chain, a wallet on it and a faucet. All of it is on loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use apogee_domain::{Clock, Timestamp};
use apogee_filecoin::crypto::drand::BeaconKey;
use apogee_filecoin::types::Message;
use apogee_filecoin::types::json::address_text;
use apogee_signer::{Access as Callers, Journal, Key, KeyKind, Keystore, LocalSigner, Policy};
use apogee_simhub::{App, Hub, User, UserKind};
use apogee_simnet::{Access, Recipe, SimNode, Simulation};
use apogee_store::Store;
use apogee_store_sqlite::SqliteStore;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::cdp::Browser;
use crate::look;
use crate::process::Server;

/// Epochs of a second that are there when a chain starts.
const HISTORY: i64 = 40;

/// The time of this machine, and some seconds.
#[derive(Debug, Default)]
pub(crate) struct Shifted(AtomicI64);

impl Shifted {
    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the process that is tested has no other clock")]
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_micros()).unwrap() + self.0.load(Ordering::SeqCst) * 1_000_000)
    }
}

/// Something that goes on until it is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) struct World {
    pub(crate) hub: Hub,
    /// That of GitHub.
    pub(crate) clock: Arc<Shifted>,
    /// Where browsers reach the service: passkeys are for names, and not for bare addresses.
    pub(crate) base: String,
    port: u16,
    pub(crate) folder: TempDir,
    server: Option<Server>,
    _tasks: Vec<Task>,
    _node: Option<SimNode>,
}

/// An account that is days old.
pub(crate) fn user(id: u64, login: &str, days: i64) -> User {
    let created = Shifted::default().now().seconds() - days * 86_400;
    User { id, login: login.to_owned(), kind: UserKind::User, created, public_repos: 3 }
}

pub(crate) fn app(callback: String) -> App {
    App {
        client_id: "apogee-test".to_owned(),
        client_secret: "not a secret".to_owned(),
        name: "Apogee".to_owned(),
        callback,
    }
}

impl World {
    /// With nothing but people.
    pub(crate) async fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), "", Vec::new(), None).await
    }

    /// With a chain that goes on, and a faucet.
    pub(crate) async fn with_money() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Shifted::default().now().seconds();
        let genesis_time = u64::try_from(now - HISTORY).unwrap();
        let recipe = Recipe {
            network: "simnet".into(),
            miners: 3,
            block_delay: 1,
            finality: 10,
            genesis_time,
            ..Recipe::default()
        };
        let made = Arc::new(Simulation::new(recipe).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = SimNode::start(listener, made.clone(), Access::default()).unwrap();
        let key = Key::from_bytes(KeyKind::Secp256k1, &[42; 32]).unwrap();
        let wallet = key.address();
        let text = address_text(&wallet, Network::Testnet);
        fund(&made, wallet);
        let signer = signer(folder.path(), key, &text);
        describe(folder.path(), &made);
        let settings = format!(
            "[networks.simnet]\nrules = \"network.toml\"\npoll_seconds = 1\n\
             [[networks.simnet.endpoints]]\nurl = \"{}\"\ntoken = \"may-write\"\n\
             [wallets.drip]\nnetwork = \"simnet\"\naddress = \"{text}\"\nsigner = \"signer.sock\"\ndepth = 3\ntick_seconds = 1\n\
             [faucets.drip]\nwallet = \"drip\"\n",
            node.url()
        );
        let mining = Task(tokio::spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_secs(1));
            loop {
                beat.tick().await;
                let made = made.clone();
                tokio::task::spawn_blocking(move || made.mine().map(drop)).await.unwrap().unwrap();
            }
        }));
        Self::with(folder, &settings, vec![signer, mining], Some(node)).await
    }

    async fn with(folder: TempDir, more: &str, mut tasks: Vec<Task>, node: Option<SimNode>) -> Self {
        let clock = Arc::new(Shifted::default());
        let hub = Hub::new(Arc::<Shifted>::clone(&clock));
        let (port, there) = (free(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
        let base = format!("http://localhost:{port}");
        hub.register(app(format!("{base}/signin/github/callback")));
        for (id, login) in [(1, "ada"), (2, "grace"), (3, "linus"), (4, "margaret")] {
            hub.put_user(user(id, login, 4_000));
        }
        let github = format!("http://{}", there.local_addr().unwrap());
        let router = hub.router();
        tasks.push(Task(tokio::spawn(async move { axum::serve(there, router).await.unwrap() })));
        let settings = format!(
            "store = \"sqlite:world.sqlite\"\nlog.filter = \"warn\"\n[identity]\nbase_url = \"{base}\"\n\
             [identity.providers.github]\nkind = \"github\"\ntitle = \"GitHub\"\nclient_id = \"apogee-test\"\n\
             client_secret = \"not a secret\"\nweb_url = \"{github}\"\napi_url = \"{github}\"\n\
             [identity.providers.invite]\nkind = \"invite\"\n{more}"
        );
        std::fs::write(folder.path().join("apogee.toml"), settings).unwrap();
        let mut world = Self { hub, clock, base, port, folder, server: None, _tasks: tasks, _node: node };
        world.restart();
        world
    }

    /// Kill the service, where it runs, and start it again at the same address.
    pub(crate) fn restart(&mut self) {
        self.server = None;
        let listen = format!("127.0.0.1:{}", self.port);
        let arguments = ["serve", "--config", "apogee.toml", "--listen", &listen];
        self.server = Some(Server::start_in(self.folder.path(), &arguments));
    }

    /// What the command line says, with exit code 0.
    pub(crate) fn apogee(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        command.current_dir(self.folder.path()).args(arguments).args(["--store", "sqlite:world.sqlite"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The database that the service writes.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.folder.path().join("world.sqlite")).await.unwrap())
    }

    /// Off to GitHub, which asks who it is: the address there.
    pub(crate) async fn leave(&self, browser: &mut Browser, next: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        browser.open(&format!("{}/signin?{query}", self.base)).await;
        browser.follow("form[action='/signin/github'] button").await;
        browser.answered.1.clone()
    }

    /// Sign in, and be led to a page.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, login: &str, next: &str) {
        self.leave(browser, next).await;
        browser.follow(&format!("button[value='{login}']")).await;
    }

    /// Where GitHub would send a browser back to that went to an address there as somebody.
    pub(crate) fn back(&self, there: &str, login: &str) -> String {
        self.hub.be(Some(login));
        let (host, path) = there.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        self.hub.be(None);
        let mut lines = answer.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(name, _)| name.eq_ignore_ascii_case("location")).unwrap().1.to_owned()
    }

    /// Who the service takes the browser for.
    pub(crate) async fn identity(&self, browser: &mut Browser) -> Option<String> {
        browser.open(&format!("{}/me.json", self.base)).await;
        browser.complaints.clear();
        // A browser shows JSON in a page of its own.
        let text = browser.ask("document.body.textContent").await;
        let text = text.as_str().unwrap();
        let from = text.find('{')?;
        let me: serde_json::Value =
            serde_json::Deserializer::from_str(&text[from..]).into_iter().next()?.ok()?;
        me["identity"].as_str().map(str::to_owned)
    }

    /// The browser shows a refusal of this kind: what is wrong, what to do, and nothing that is hard to read.
    pub(crate) async fn refused(&self, browser: &mut Browser, status: u64, kind: &str, case: &str) {
        let page = browser.html().await;
        assert_eq!(browser.answered.0, status, "{case}: {page}");
        assert!(page.contains(&format!("/problems/{kind}\"")), "{case}: no {kind} in {page}");
        let said = browser
            .ask("['h1', '.verdict .key', '.verdict bdi'].map(s => document.querySelector(s)?.textContent.trim().length)")
            .await;
        let said: Vec<u64> = said.as_array().unwrap().iter().map(|n| n.as_u64().unwrap_or(0)).collect();
        assert!(said[0] > 3 && said[1] > 7 && said[2] > 3, "{case}: {said:?} in {page}");
        let mut faults = look::faults(browser, case).await;
        // Chromium itself says on the console that a page was answered so.
        faults.retain(|fault| !fault.contains("console: \"Failed to load resource"));
        look::none(&faults);
    }
}

/// A port that nobody listens at: the service is started there more than once.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The wallet gets money from somebody on the chain, and that becomes final.
fn fund(made: &Simulation, wallet: Address) {
    made.mine().unwrap();
    let rich = made.wallet(0).unwrap();
    let message = Message {
        version: 0,
        from: rich.address(),
        to: wallet,
        sequence: 0,
        value: TokenAmount::from_whole(5_000),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: 10_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_atto(200_000),
    };
    made.push(rich.sign(message).unwrap()).unwrap();
    made.mine_to(apogee_domain::Epoch::new(HISTORY).unwrap()).unwrap();
}

/// A signer at a socket, as the process of its own has it.
fn signer(folder: &Path, key: Key, wallet: &str) -> Task {
    let policy = format!(
        "network = \"simnet\"\n[wallets.{wallet}]\nmessage_value = \"100000000000000000000\"\nmessage_fee = \"1000000000000000000\"\n\
         day_value = \"2000000000000000000000\"\nday_fee = \"100000000000000000000\"\nrecipients = \"any\"\n"
    );
    std::fs::write(folder.join("policy.toml"), policy).unwrap();
    let policy = Policy::read(&folder.join("policy.toml")).unwrap();
    let journal = Journal::open(&folder.join("journal.jsonl"), &"simnet".parse().unwrap()).unwrap();
    let mut keys = Keystore::new();
    keys.add(key).unwrap();
    let signer = LocalSigner::new(policy, journal, Box::new(Arc::new(keys)), Arc::new(Shifted::default()));
    let access = Callers::default();
    let listener = apogee_signer::bind(&folder.join("signer.sock"), &access).unwrap();
    let serving = apogee_signer::serve(listener, Arc::new(signer), access, std::future::pending());
    Task(tokio::spawn(async move { drop(serving.await) }))
}

/// What the service has to know of the chain.
fn describe(folder: &Path, made: &Simulation) {
    let beacon = *made.params().beacons.at(0).unwrap();
    let BeaconKey::Unchained(key) = beacon.key else { panic!("a made beacon is unchained") };
    let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let info = serde_json::json!({
        "public_key": key, "period": beacon.period, "genesis_time": beacon.genesis_time,
        "hash": "00", "groupHash": "00", "schemeID": "bls-unchained-g1-rfc9380", "metadata": {"beaconID": "made"},
    });
    std::fs::write(folder.join("drand.json"), info.to_string()).unwrap();
    let network = "epoch_seconds = 1\ngenesis_version = 28\nfinality_epochs = 10\nbeacon = \"drand.json\"\n";
    std::fs::write(folder.join("network.toml"), network).unwrap();
}
