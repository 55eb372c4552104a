//! A tap on Spacemesh: the binary, on a made chain behind a node's gateway, with a signer of its own.

use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use apogee_signer::MeshKey;
use apogee_simmesh::{Chain as _, Made, Mesh, Network, Recipe, Undone};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, GenesisId};
use apogee_spacemesh::template::Template;
use serde_json::Value;
use tempfile::TempDir;

use crate::paying::now;
use crate::served::Answer;
use crate::signin::{Browser, World, assert_problem, user};

const GENESIS: GenesisId = GenesisId(*b"a-network-for-tests!");
/// The secret key of the tap's wallet: of tests alone.
const SECRET: [u8; 32] = [71; 32];
const SMH: u64 = 1_000_000_000;
/// Layers that a payment has to be deep.
const DEPTH: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Town {
    world: World,
    mesh: Arc<Mesh<Made>>,
    folder: TempDir,
    over: Arc<AtomicBool>,
    growing: Option<JoinHandle<()>>,
    _signer: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Town {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.growing.take().map(JoinHandle::join));
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn apogee(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap()
}

fn wallet() -> String {
    MeshKey::from_bytes(&SECRET).unwrap().account(Prefix::TEST).to_string()
}

fn payee(number: u8) -> Address {
    Address::of(Template::Wallet.address(), &[number])
}

fn text(number: u8) -> String {
    payee(number).text(Prefix::TEST)
}

/// A keystore with the tap's key, a policy, and the signer at its socket.
fn sign(folder: &Path) -> Running {
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    };
    let key = MeshKey::from_bytes(&SECRET).unwrap();
    write("pass", "of tests alone\n");
    let digits: String = [SECRET, key.public().0].concat().iter().map(|byte| format!("{byte:02x}")).collect();
    write("key", &digits);
    let import =
        ["signer", "import", "keys", "--key", "key", "--passphrase-file", "pass", "--prefix", "stest"];
    let imported = apogee(folder, &import);
    assert_eq!(said(&imported).trim(), format!("{} {}", key.public(), wallet()));
    assert_eq!(said(&apogee(folder, &["signer", "list", "keys"])).trim(), key.public().to_string());
    let smh = |amount: u64| format!("{amount}000000000000000000");
    write(
        "policy.toml",
        &format!(
            "network = \"mesh\"\n[spacemesh]\ngenesis = \"{GENESIS}\"\naddress_prefix = \"stest\"\n[wallets.{}]\n\
             message_value = \"{}\"\nmessage_fee = \"{}\"\nday_value = \"{}\"\nday_fee = \"{}\"\nrecipients = \"any\"\n",
            wallet(),
            smh(2),
            smh(1),
            smh(100),
            smh(5),
        ),
    );
    let checked = apogee(folder, &["signer", "check", "--policy", "policy.toml", "--keystore", "keys"]);
    assert!(checked.status.success(), "{}", said(&checked));
    let run = "signer run --policy policy.toml --journal signed.jsonl --socket signer.sock --keystore keys";
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.current_dir(folder).args(run.split(' ')).args(["--passphrase-file", "pass"]);
    let signer =
        Running(command.stderr(std::fs::File::create(folder.join("signer.log")).unwrap()).spawn().unwrap());
    let begun = Instant::now();
    while !folder.join("signer.sock").exists() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{}",
            std::fs::read_to_string(folder.join("signer.log")).unwrap()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    signer
}

impl Town {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let genesis_time = u32::try_from(now().seconds() - 60).unwrap();
        let epochs = Epochs { layers: NonZeroU32::new(4).unwrap() };
        let network = Network {
            genesis: GENESIS,
            genesis_time,
            layer_duration: 1,
            prefix: Prefix::TEST,
            effective_genesis: epochs.first_effective_genesis(),
            epochs,
            labels_per_unit: 1,
        };
        let holder = Address::parse(&wallet(), Prefix::TEST).unwrap();
        let made = Made::new(Recipe { network, accounts: vec![(holder, 500 * SMH)] });
        let mesh = Arc::new(runtime.block_on(Mesh::start(0, made)).unwrap());
        let signer = sign(folder.path());
        let described = format!(
            "genesis = \"{GENESIS}\"\ngenesis_time = \"{}\"\naddress_prefix = \"stest\"\nlayer_seconds = 1\n\
             layers_per_epoch = 4\neffective_genesis = {}\ncommittee = 5\nmin_weight = 0\nfinality_layers = 10\n\
             recount = false\n[tortoise]\nhdist = 5\nzdist = 2\nwindow = 200\nmax_exceptions = 5000\nbad_beacon_delay = 16\n",
            apogee_domain::Timestamp::from_seconds(genesis_time.into()),
            network.effective_genesis,
        );
        std::fs::write(folder.path().join("network.toml"), described).unwrap();
        let settings = format!(
            "[networks.mesh]\nspacemesh = \"network.toml\"\npoll_seconds = 1\n\
             gateway = {{ url = \"{}\", dialect = \"v2beta1\" }}\n\
             [wallets.tap]\nnetwork = \"mesh\"\naddress = \"{}\"\nsigner = \"signer.sock\"\ndepth = {DEPTH}\n\
             requeue_depth = 12\nlease_seconds = 1\ntick_seconds = 1\n[faucets.tap]\nwallet = \"tap\"\n",
            mesh.url(),
            wallet(),
        );
        std::fs::write(folder.path().join("apogee.toml"), &settings).unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let given = [
            ("NETWORKS__MESH__SPACEMESH", place("network.toml")),
            ("NETWORKS__MESH__POLL_SECONDS", "1".to_owned()),
            ("NETWORKS__MESH__GATEWAY", format!("{{url=\"{}\",dialect=\"v2beta1\"}}", mesh.url())),
            ("WALLETS__TAP__NETWORK", "mesh".to_owned()),
            ("WALLETS__TAP__ADDRESS", wallet()),
            ("WALLETS__TAP__SIGNER", place("signer.sock")),
            ("WALLETS__TAP__DEPTH", DEPTH.to_string()),
            ("WALLETS__TAP__REQUEUE_DEPTH", "12".to_owned()),
            ("WALLETS__TAP__LEASE_SECONDS", "1".to_owned()),
            ("WALLETS__TAP__TICK_SECONDS", "1".to_owned()),
            ("FAUCETS__TAP__WALLET", "tap".to_owned()),
        ];
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // A layer a second, and never behind the clock.
        let over = Arc::new(AtomicBool::new(false));
        let growing = std::thread::spawn({
            let (mesh, over) = (Arc::clone(&mesh), Arc::clone(&over));
            move || {
                while !over.load(Ordering::Relaxed) {
                    let present = now().seconds() - i64::from(genesis_time);
                    let mut chain = mesh.chain();
                    while i64::from(chain.head().0) < present {
                        chain.step();
                    }
                    drop(chain);
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        });
        let world = World::with(&given);
        Self { world, mesh, folder, over, growing: Some(growing), _signer: signer, _runtime: runtime }
    }

    fn page(&self) -> Value {
        self.world.served.get("/faucet/mesh.json").json()
    }

    #[track_caller]
    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what}: {}\n{}", self.page(), self.world.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn apogee(&self, arguments: &[&str]) -> Output {
        let store = self.world.store();
        apogee(self.folder.path(), &[arguments, &["--config", "apogee.toml", "--store", &store]].concat())
    }

    fn somebody(&self, id: u64) -> Browser<'_> {
        let login = format!("person-{id}");
        self.world.hub.put_user(user(id, &login));
        self.world.hub.be(Some(&login));
        let mut browser = self.world.browser();
        assert_eq!(browser.sign_in().status, 303);
        browser
    }

    /// What somebody has, in smidge.
    fn balance(&self, number: u8) -> u64 {
        self.mesh.chain().account(&payee(number)).unwrap().map_or(0, |account| account.balance)
    }
}

fn ask(browser: &mut Browser<'_>, recipient: &str, key: &str) -> Answer {
    let mark = browser.mark("/faucet/mesh");
    browser.post_with("/faucet/mesh", &[("mark", &mark), ("recipient", recipient), ("key", key)], "")
}

#[test]
fn a_wallet_is_made_and_grants_what_was_asked_once_whatever_layers_are_undone() {
    let town = Town::new();
    let public = MeshKey::from_bytes(&SECRET).unwrap().public().to_string();
    // Nothing is granted from a wallet that is not made, and it is said how to make it.
    assert_eq!(town.page()["band"], "unknown");
    town.until("it is said that the wallet is not made", || {
        town.world.log().contains("apogee treasury spawn tap")
    });
    let other = town.apogee(&["treasury", "spawn", "tap", "--key", &"5".repeat(64)]);
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    assert!(said(&other).contains("the key is that of stest1"), "{}", said(&other));
    let made = town.apogee(&["treasury", "spawn", "tap", "--key", &public, "--wait"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    assert!(said(&made).contains("can be paid from"), "{}", said(&made));
    town.until("the wallet is booked", || town.page()["band"] == "ample");
    let page = town.page();
    assert_eq!((&page["coin"], &page["amount"]), (&"SMH".into(), &"1000000000000000000".into()));

    let mut ada = town.somebody(11);
    let shown = ada.get("/faucet/mesh").text();
    assert!(shown.contains("1 SMH") && !shown.contains("FIL"), "{shown}");
    let mistyped =
        format!("{}{}", &text(1)[..text(1).len() - 1], if text(1).ends_with('q') { "p" } else { "q" });
    for (recipient, word) in [
        (mistyped, "a letter is wrong"),
        (payee(1).text(Prefix::MAIN), "another network"),
        ("t01000".to_owned(), "no address"),
        (Template::Wallet.address().text(Prefix::TEST), "no address"),
    ] {
        let refused = ask(&mut ada, &recipient, "a");
        assert_problem(&refused, 422, "faucet-recipient");
        assert!(refused.text().contains(word), "{recipient}: {}", refused.text());
    }
    let granted = ask(&mut ada, &format!(" {} ", text(1).to_uppercase()), "once");
    assert_eq!(granted.status, 303, "{}", granted.text());
    let place = granted.header("location").unwrap().to_owned();
    assert_eq!(
        ask(&mut ada, &text(1), "once").header("location"),
        Some(place.as_str()),
        "it is the same request"
    );
    assert_eq!(ask(&mut ada, &text(2), "twice").status, 429);

    let grant = || town.world.served.get(&format!("{place}.json")).json();
    town.until("the grant is in a layer", || town.balance(1) > 0);
    // What was in those layers comes again, or is handed over again.
    town.mesh.chain().fork(3, Undone::Pending);
    town.until("the grant is final", || grant()["settled"] == true);
    let grant = grant();
    assert_eq!((&grant["state"], &grant["coin"]), (&"final".into(), &"SMH".into()));
    assert_eq!(town.balance(1), SMH, "paid once");

    let mut bob = town.somebody(12);
    let granted = ask(&mut bob, &text(2), "again");
    assert_eq!(granted.status, 303, "{}", granted.text());
    town.until("the other grant is in a layer", || town.balance(2) == SMH);
    town.mesh.chain().fork(2, Undone::Dropped);
    let place = granted.header("location").unwrap().to_owned();
    town.until("it is handed over again and final", || {
        town.world.served.get(&format!("{place}.json")).json()["settled"] == true
    });
    assert_eq!((town.balance(1), town.balance(2)), (SMH, SMH));
    let agreed = town.apogee(&["treasury", "reconcile"]);
    assert_eq!(agreed.status.code(), Some(0), "{}", said(&agreed));
    // The words of an operator, about an account in one of its writings.
    let denied = town.apogee(&[
        "faucet",
        "deny",
        "--network",
        "mesh",
        "tap",
        &text(3),
        "--actor",
        "ana",
        "--reason",
        "Enough.",
    ]);
    assert_eq!(denied.status.code(), Some(0), "{}", said(&denied));
    let mut eve = town.somebody(13);
    let refused = ask(&mut eve, &text(3), "no");
    assert!(refused.status == 403 || refused.status == 429, "{}", refused.text());
}

#[test]
fn settings_that_cannot_be_are_said_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let described = apogee_testkit::example("spacemesh-devnet").join("network.toml").display().to_string();
    let copy = apogee_testkit::example("spacemesh-devnet").join("state_a.sql").display().to_string();
    let gateway = "gateway = { url = \"http://127.0.0.1:9\", dialect = \"v2beta1\" }\n";
    let wallet =
        format!("[wallets.tap]\nnetwork = \"mesh\"\naddress = \"{}\"\nsigner = \"signer.sock\"\n", wallet());
    let network =
        |more: &str| format!("[networks.mesh]\nspacemesh = \"{described}\"\ncopy = \"{copy}\"\n{more}");
    let fil = apogee_testkit::workspace().join("faucet/policies/default.toml").display().to_string();
    for (settings, word) in [
        (network("") + &wallet, "give networks.mesh a gateway"),
        (network(gateway) + &wallet + "reserve = \"1 FIL\"\n", "another coin"),
        (network(gateway) + &wallet + "proposes_for = \"stest1a\"\n", "pay by themselves"),
        (
            network(gateway) + &wallet + &format!("[faucets.tap]\nwallet = \"tap\"\npolicy = \"{fil}\"\n"),
            "is in FIL",
        ),
        (network(gateway) + &wallet + "[refunds.tap]\nwallet = \"tap\"\n", "no message proves sectors"),
    ] {
        std::fs::write(folder.path().join("apogee.toml"), &settings).unwrap();
        let serve = ["serve", "--config", "apogee.toml", "--listen", "127.0.0.1:0"];
        let output = apogee(folder.path(), &serve);
        assert_eq!(output.status.code(), Some(2), "{settings}: {}", said(&output));
        assert!(said(&output).contains(word), "{word}: {}", said(&output));
    }
}
