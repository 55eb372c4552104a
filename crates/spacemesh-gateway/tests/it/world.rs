//! A node, and clients of it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use apogee_simmesh::{Chain, Made, Mesh, Network, Recipe, Recorded};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId, PublicKey};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::{Body, Call, Payment, Signatures, Transaction};
use apogee_spacemesh_gateway::{Dialect, Endpoint, Gateway, Limits};
use apogee_spacemesh_state::State;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;

pub(crate) const DIALECTS: [Dialect; 2] = [Dialect::V2Alpha1, Dialect::V2Beta1];
/// Two nodes, each at the end of the split, while it heals, and at the end.
const COPIES: [&str; 6] =
    ["state_a", "state_a_at_60", "state_a_at_64", "state_b", "state_b_at_60", "state_b_at_64"];

/// Patient enough for a loaded machine, and not for a fault.
pub(crate) fn limits() -> Limits {
    Limits { timeout: Duration::from_secs(20), ..Limits::default() }
}

pub(crate) fn client<C: Chain>(mesh: &Mesh<C>, dialect: Dialect, limits: Limits) -> Gateway {
    Gateway::new(Endpoint::new(&mesh.url()).unwrap(), dialect, Prefix::TEST, limits).unwrap()
}

fn network(genesis: GenesisId, layers: u32) -> Network {
    let epochs = Epochs { layers: NonZeroU32::new(layers).unwrap() };
    Network {
        genesis,
        genesis_time: 1_636_296_750,
        layer_duration: 300,
        prefix: Prefix::TEST,
        effective_genesis: epochs.first_effective_genesis(),
        epochs,
        labels_per_unit: 1_024,
    }
}

/// A recording: two nodes of one network that split and healed, seen from one of them.
pub(crate) struct Recording {
    folder: PathBuf,
    pub(crate) network: Network,
    pub(crate) faucet: Address,
}

/// `None` where it is absent, which is said.
pub(crate) fn recording() -> Option<Recording> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let genesis = expected["genesis_id"].as_str().unwrap().parse().unwrap();
    let layers = expected["layers_per_epoch"].as_u64().unwrap();
    let faucet = Address::parse(expected["faucet"].as_str().unwrap(), Prefix::TEST).unwrap();
    Some(Recording { folder, network: network(genesis, u32::try_from(layers).unwrap()), faucet })
}

impl Recording {
    pub(crate) fn open(&self, name: &str) -> State {
        let path = self.folder.join(name).with_extension("sql");
        let limits = apogee_spacemesh_state::Limits::default();
        State::open(&path, &self.network.genesis, limits).unwrap()
    }

    /// A node that is at `head` of the copy `live`.
    pub(crate) async fn mesh(&self, live: &str, head: u32) -> Mesh<Recorded> {
        let copies: BTreeMap<String, State> =
            COPIES.iter().map(|name| ((*name).to_owned(), self.open(name))).collect();
        let recorded = Recorded::new(self.network, copies, live, LayerId(head)).unwrap();
        Mesh::start(0, recorded).await.unwrap()
    }
}

/// A key and its account.
pub(crate) struct Wallet {
    key: SigningKey,
    pub(crate) spawn: Spawn,
    pub(crate) address: Address,
}

impl Wallet {
    pub(crate) fn new(number: u8) -> Self {
        let key = SigningKey::from_bytes(&[number; 32]);
        let spawn = Spawn::Wallet(PublicKey(key.verifying_key().to_bytes()));
        Self { address: spawn.address(), key, spawn }
    }

    pub(crate) fn sign(&self, call: Call, nonce: u64, gas_price: u64) -> Vec<u8> {
        let body = Body { principal: self.address, call, nonce, gas_price };
        let signature = self.key.sign(&body.signed_bytes(&GENESIS)).to_bytes();
        encode(&Transaction { body, signatures: Signatures::One(signature) })
    }

    pub(crate) fn make(&self, nonce: u64, gas_price: u64) -> Vec<u8> {
        self.sign(Call::Spawn(self.spawn.clone()), nonce, gas_price)
    }

    pub(crate) fn pay(&self, destination: Address, amount: u64, nonce: u64, gas_price: u64) -> Vec<u8> {
        self.sign(Call::Spend(Payment { destination, amount }), nonce, gas_price)
    }
}

pub(crate) const GENESIS: GenesisId = GenesisId([7; 20]);

/// A chain on which each of these wallets has so much.
pub(crate) async fn made(wallets: &[(&Wallet, u64)]) -> Mesh<Made> {
    let accounts = wallets.iter().map(|(wallet, balance)| (wallet.address, *balance)).collect();
    Mesh::start(0, Made::new(Recipe { network: network(GENESIS, 4), accounts })).await.unwrap()
}
