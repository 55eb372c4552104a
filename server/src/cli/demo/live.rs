//! A network that is made while one looks at it, and, if that is asked for, a wallet on it and a faucet.
//!
//! Nothing of it is worth anything, and its pages say so.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, NetworkId};
use apogee_filecoin::types::Message;
use apogee_filecoin::types::json::address_text;
use apogee_signer::{Cost, Key, KeyKind, Keystore, Secret};
use apogee_simnet::{Access, Recipe, SimNode, Simulation};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::super::Failure;
use crate::config::{self, Config};
use crate::edge::{self, SystemClock};
use crate::networks::{self, Prepared};

/// What the network is called.
const NETWORK: &str = "simnet";
/// Seconds of an epoch.
const EPOCH: u64 = 2;
/// Epochs that are there when it starts.
const HISTORY: i64 = 60;
/// What the faucet is given, FIL.
const FUNDS: u64 = 5_000;

/// What lives as long as the demo.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) network: Prepared,
    _node: SimNode,
    _signer: Option<Child>,
}

impl Live {
    /// Start the network. With a `wallet`, start a signer and a faucet as well, whose files that folder takes, and say in the settings where they are.
    pub(super) async fn start(wallet: Option<(&Path, &mut Config)>) -> Result<Self, Failure> {
        let genesis_time = u64::try_from(SystemClock.now().seconds() - HISTORY * 2).unwrap_or(0);
        let recipe = Recipe {
            network: NETWORK.into(),
            miners: 5,
            block_delay: EPOCH,
            finality: 10,
            genesis_time,
            messages: 1,
            ..Recipe::default()
        };
        let made = Arc::new(Simulation::new(recipe).map_err(Failure::world)?);
        let node =
            SimNode::start(loopback().await?, made.clone(), Access::default()).map_err(Failure::world)?;
        let network: NetworkId = NETWORK.parse().map_err(Failure::world)?;
        let prepared = networks::made(network.clone(), made.params(), &node.url())?;

        let signer = match wallet {
            Some((folder, config)) => Some(faucet(&made, network, folder, config).await?),
            None => None,
        };
        let then = apogee_domain::Epoch::new(HISTORY).unwrap_or(apogee_domain::Epoch::GENESIS);
        made.mine_to(then).map_err(Failure::world)?;

        tokio::spawn(mine(made));
        Ok(Self { network: prepared, _node: node, _signer: signer })
    }
}

/// A wallet with money, its signer, and a faucet that pays from it.
async fn faucet(
    made: &Simulation,
    network: NetworkId,
    folder: &Path,
    config: &mut Config,
) -> Result<Child, Failure> {
    let key = Key::generate(KeyKind::Secp256k1, &mut edge::randomness()?);
    let wallet = key.address();
    fund(made, wallet)?;
    let signer = signer(folder, key).await?;
    let wallet =
        config::Wallet::demo(network, address_text(&wallet, Network::Testnet), folder.join("signer.sock"));
    config.wallets.insert("drip".into(), wallet);
    config
        .faucets
        .insert("drip".into(), config::Faucet { wallet: "drip".into(), policy: None, discord: None });
    Ok(signer)
}

async fn loopback() -> Result<TcpListener, Failure> {
    TcpListener::bind("127.0.0.1:0").await.map_err(Failure::world)
}

/// An epoch whenever its time has come.
async fn mine(made: Arc<Simulation>) {
    let mut beat = tokio::time::interval(Duration::from_secs(EPOCH));
    loop {
        beat.tick().await;
        let made = Arc::clone(&made);
        // Blocks are signed with real keys: that is work for a thread of its own.
        let mined = tokio::task::spawn_blocking(move || made.mine().map(drop)).await;
        if !matches!(mined, Ok(Ok(()))) {
            tracing::warn!(?mined, "the made network stands still");
            return;
        }
    }
}

/// Give the wallet its money; what is mined then makes that final.
fn fund(made: &Simulation, wallet: Address) -> Result<(), Failure> {
    made.mine().map_err(Failure::world)?;
    let rich = made.wallet(0).ok_or_else(|| Failure::world("the made network has no accounts"))?;
    let message = Message {
        version: 0,
        from: rich.address(),
        to: wallet,
        sequence: 0,
        value: TokenAmount::from_whole(FUNDS),
        method_num: 0,
        params: RawBytes::default(),
        gas_limit: 10_000_000,
        gas_fee_cap: TokenAmount::from_nano(1),
        gas_premium: TokenAmount::from_atto(200_000),
    };
    made.push(rich.sign(message).map_err(Failure::world)?).map_err(Failure::world).map(drop)
}

/// `apogee signer run`, as on a machine of its own, with a key that nobody else has.
async fn signer(folder: &Path, key: Key) -> Result<Child, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let wallet = address_text(&key.address(), Network::Testnet);
    let file = |name: &str| folder.join(name);
    let word: String = edge::entropy()?.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(file("passphrase"), &word).map_err(Failure::world)?;
    std::fs::set_permissions(file("passphrase"), std::fs::Permissions::from_mode(0o600))
        .map_err(Failure::world)?;
    let mut keys = Keystore::new();
    keys.add(key).map_err(Failure::world)?;
    let passphrase = Secret::new(word.into_bytes());
    keys.create(&file("demo.keys"), &passphrase, Cost::default(), &mut edge::randomness()?)
        .map_err(Failure::world)?;
    let policy = format!(
        "network = \"{NETWORK}\"\n[wallets.{wallet}]\nmessage_value = \"100000000000000000000\"\nmessage_fee = \"1000000000000000000\"\n\
         day_value = \"2000000000000000000000\"\nday_fee = \"100000000000000000000\"\nrecipients = \"any\"\n"
    );
    std::fs::write(file("policy.toml"), policy).map_err(Failure::world)?;
    let child = Command::new(std::env::current_exe().map_err(Failure::world)?)
        .current_dir(folder)
        .args([
            "signer",
            "run",
            "--policy",
            "policy.toml",
            "--journal",
            "signed.jsonl",
            "--socket",
            "signer.sock",
        ])
        .args(["--keystore", "demo.keys", "--passphrase-file", "passphrase"])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::world)?;
    Ok(child)
}
