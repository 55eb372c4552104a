//! A made chain, a node that serves it on loopback, and what is done to both.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{ManualClock, NetworkId, Timestamp};
use apogee_signer::{Journal, Keystore, LocalSigner, MeshKey, Policy};
use apogee_simmesh::{Chain as _, Known, Made, Mesh, Network, Recipe, Undone};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId, PublicKey};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::template::{Spawn, Template};
use apogee_spacemesh::transaction::{Body, Call, Payment, Signatures, Transaction};
use apogee_spacemesh_gateway::{Dialect, Endpoint, Gateway, Limits};
use apogee_store::Store;
use apogee_store_sqlite::SqliteStore;
use apogee_treasury::{Order, SignError, Signed, Signer};
use apogee_treasury_spacemesh::{Spacemesh, Spawned};
use async_trait::async_trait;
use tempfile::TempDir;

pub(crate) const GENESIS: GenesisId = GenesisId(*b"a-network-for-tests!");
/// Seconds of a layer.
pub(crate) const SECONDS: u32 = 60;
pub(crate) const EPOCHS: Epochs = Epochs { layers: NonZeroU32::new(4).unwrap() };
const START: u32 = 1_700_000_000;
pub(crate) const WALLET: [u8; 32] = [1; 32];
const RICH: [u8; 32] = [2; 32];
/// What the rich one has, in smidge.
const RICHES: u64 = 1 << 60;
/// What making a wallet costs.
pub(crate) const SPAWN_GAS: u64 = 100_432;

/// A folder in memory, where there is such a thing.
fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// The signer of a key: with a policy that leaves the amounts to the treasury, and a journal.
#[derive(Debug)]
pub(crate) struct Key {
    signer: LocalSigner,
    public: PublicKey,
    _folder: TempDir,
}

impl Key {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let key = MeshKey::from_bytes(seed).unwrap();
        let (folder, public, most) = (folder(), key.public(), u128::MAX);
        let (file, wallet) = (folder.path().join("policy.toml"), key.account(Prefix::TEST));
        let text = format!(
            "network = \"mesh\"\n[spacemesh]\ngenesis = \"{GENESIS}\"\naddress_prefix = \"stest\"\n[wallets.{wallet}]\n\
             message_value = \"{most}\"\nmessage_fee = \"{most}\"\nday_value = \"{most}\"\nday_fee = \"{most}\"\nrecipients = \"any\"\n"
        );
        std::fs::write(&file, text).unwrap();
        let policy = Policy::read(&file).unwrap();
        let journal = Journal::open(&folder.path().join("journal"), policy.network()).unwrap();
        let mut keys = Keystore::new();
        keys.add(key).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(START.into())));
        let signer = LocalSigner::new(policy, journal, Box::new(Arc::new(keys)), clock);
        Self { signer, public, _folder: folder }
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) fn address(&self) -> String {
        text(&Spawn::Wallet(self.public).address())
    }
}

#[async_trait]
impl Signer for Key {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        self.signer.wallets().await
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        self.signer.sign(wallet, fence, orders).await
    }
}

fn account(seed: &[u8; 32]) -> Spawn {
    Spawn::Wallet(MeshKey::from_bytes(seed).unwrap().public())
}

/// A database in memory, where there is such a folder.
pub(crate) async fn database() -> (Arc<dyn Store>, TempDir) {
    let folder = folder();
    (Arc::new(SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap()), folder)
}

pub(crate) fn wallet() -> Key {
    Key::new(&WALLET)
}

pub(crate) fn wallet_address() -> Address {
    account(&WALLET).address()
}

/// Somebody who is paid.
pub(crate) fn payee(number: u64) -> Address {
    Address::of(Template::Wallet.address(), &number.to_be_bytes())
}

pub(crate) fn text(address: &Address) -> String {
    address.text(Prefix::TEST)
}

/// A transaction by a key.
pub(crate) fn signed(seed: [u8; 32], call: Call, nonce: u64, gas_price: u64) -> Vec<u8> {
    let body = Body { principal: account(&seed).address(), call, nonce, gas_price };
    let signature = MeshKey::from_bytes(&seed).unwrap().sign(&body.signed_bytes(&GENESIS));
    encode(&Transaction { body, signatures: Signatures::One(signature) })
}

/// A payment by the wallet's key.
pub(crate) fn pay(to: Address, amount: u64, nonce: u64, gas_price: u64) -> Vec<u8> {
    signed(WALLET, Call::Spend(Payment { destination: to, amount }), nonce, gas_price)
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) mesh: Arc<Mesh<Made>>,
    pub(crate) chain: Arc<Spacemesh>,
    pub(crate) key: Arc<Key>,
    /// The layer in which the wallet was made.
    pub(crate) made: LayerId,
}

impl World {
    /// A chain on which nothing has been done. The wallet has `balance`, in smidge.
    pub(crate) async fn bare(store: Arc<dyn Store>, id: &NetworkId, balance: u64, dialect: Dialect) -> Self {
        Self::begun(store, id, balance, dialect, EPOCHS.first_effective_genesis()).await
    }

    /// The same, after a restart from a checkpoint where `effective_genesis` is another layer than that of a first start.
    pub(crate) async fn begun(
        store: Arc<dyn Store>,
        id: &NetworkId,
        balance: u64,
        dialect: Dialect,
        effective_genesis: LayerId,
    ) -> Self {
        let network = Network {
            genesis: GENESIS,
            genesis_time: START,
            layer_duration: SECONDS,
            prefix: Prefix::TEST,
            effective_genesis,
            epochs: EPOCHS,
            labels_per_unit: 1,
        };
        let rich = account(&RICH);
        let accounts = vec![(wallet_address(), balance), (rich.address(), RICHES)];
        let mut made = Made::new(Recipe { network, accounts });
        made.submit(&signed(RICH, Call::Spawn(rich), 0, 1)).unwrap();
        made.step();
        let mesh = Arc::new(Mesh::start(0, made).await.unwrap());
        let limits = Limits { timeout: Duration::from_secs(20), ..Limits::default() };
        let gateway =
            Gateway::new(Endpoint::new(&mesh.url()).unwrap(), dialect, Prefix::TEST, limits).unwrap();
        let network = gateway.network().await.unwrap();
        let chain = Arc::new(Spacemesh::new(gateway, network, store, id.clone()));
        Self { mesh, chain, key: Arc::new(wallet()), made: LayerId(0) }
    }

    /// One whose wallet is made and has `balance` after that, for long enough.
    pub(crate) async fn new(store: Arc<dyn Store>, id: &NetworkId, balance: u64, dialect: Dialect) -> Self {
        let mut world = Self::bare(store, id, balance + SPAWN_GAS, dialect).await;
        assert!(matches!(world.spawn().await, Spawned::Waits(_)));
        world.mesh.chain().step();
        world.made = world.head();
        assert_eq!(world.spawn().await, Spawned::Done);
        world.mine(12);
        world
    }

    pub(crate) async fn spawn(&self) -> Spawned {
        self.spawn_under(0).await
    }

    /// The same once the wallet pays: by whoever holds it.
    pub(crate) async fn spawn_under(&self, fence: u64) -> Spawned {
        self.chain.spawn(&*self.key, &self.key.public(), fence).await.unwrap()
    }

    pub(crate) fn head(&self) -> LayerId {
        self.mesh.chain().head()
    }

    /// Layers of what can be paid.
    pub(crate) fn mine(&self, layers: u64) {
        for _ in 0..layers {
            self.mesh.chain().step();
        }
    }

    /// Layers with nothing in them.
    pub(crate) fn idle(&self, layers: u64) {
        let mut chain = self.mesh.chain();
        for _ in 0..layers {
            chain.step();
            chain.fork(1, Undone::Pending);
        }
    }

    /// Undo so many layers, but not that in which the wallet was made.
    pub(crate) fn fork(&self, depth: u64, undone: Undone) {
        fork(&self.mesh, self.made, depth, undone);
    }

    /// When the present layer began.
    pub(crate) fn now(&self) -> Timestamp {
        let seconds = u64::from(START) + u64::from(self.head().0) * u64::from(SECONDS);
        Timestamp::from_seconds(i64::try_from(seconds).unwrap())
    }

    /// The rich one pays the wallet so many smidge.
    pub(crate) fn deposit(&self, amount: u64) {
        let rich = account(&RICH).address();
        let mut chain = self.mesh.chain();
        let row = chain.account(&rich).unwrap().unwrap();
        let (nonce, _) = chain.projected(&row).unwrap();
        let call = Call::Spend(Payment { destination: wallet_address(), amount });
        // Taken before a fork, it is there already.
        let _ = chain.submit(&signed(RICH, call, nonce, 1));
    }

    /// Nonce and balance of the wallet, now.
    pub(crate) fn account_now(&self) -> (u64, u64) {
        let row = self.mesh.chain().account(&wallet_address()).unwrap().unwrap();
        (row.next_nonce, row.balance)
    }

    /// What the node has of the wallet: waiting or executed.
    pub(crate) fn known(&self) -> Vec<(Known, Body)> {
        let all = self.mesh.chain().transactions().unwrap();
        let read = |known: Known| {
            let body = Transaction::decode(&known.raw).unwrap().body;
            (known, body)
        };
        all.into_iter().map(read).filter(|(_, body)| body.principal == wallet_address()).collect()
    }

    /// How often each was paid by the wallet.
    pub(crate) fn paid(&self) -> BTreeMap<Address, u64> {
        let mut times = BTreeMap::new();
        for (known, body) in self.known() {
            let succeeded = known.result.is_some_and(|result| result.succeeded);
            if let (Call::Spend(payment), true) = (&body.call, succeeded)
                && payment.destination != wallet_address()
            {
                *times.entry(payment.destination).or_insert(0) += 1;
            }
        }
        times
    }
}

/// Undo so many layers of a node's chain, down to `above` at the most.
pub(crate) fn fork(mesh: &Mesh<Made>, above: LayerId, depth: u64, undone: Undone) {
    let mut chain = mesh.chain();
    let most = chain.head().0.saturating_sub(above.0);
    chain.fork(u32::try_from(depth).unwrap_or(u32::MAX).min(most), undone);
}
