use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use apogee_competition::claim::{Holder, MinerKeys};
use apogee_domain::{Epoch, Network};
use apogee_filecoin::source::{Blocks, Source};
use apogee_filecoin::types::json::{address_text, parse_address};
use apogee_filecoin_state::{ActorKind, ReadError, StateTree};
use apogee_rules::Id;
use apogee_store::{EpochKind, Page, Store, StoreError};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::{Address, Network as Letter, Payload};

/// Null rounds in a row that are looked past.
const PAGE: u32 = 100;
/// Nodes that may be read to find the keys of a miner in a state: a path of the tree of actors for each of a handful of actors.
const NODES: u32 = 10_000;

/// Why state could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoState {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain's source did not.
    #[error("state cannot be read: {0}")]
    Source(String),
}

/// Blocks as a store of known size that is only read, and not without end.
#[derive(Debug)]
pub(super) struct Nodes {
    blocks: Arc<dyn Blocks>,
    left: AtomicU32,
    failed: Mutex<Option<String>>,
}

impl Nodes {
    pub(super) fn of(source: &Arc<dyn Source>) -> Self {
        Self { blocks: source.blocks(), left: AtomicU32::new(NODES), failed: Mutex::default() }
    }

    /// What was read, where the source did not fail; what is missing or malformed is unknown.
    pub(super) fn read<T>(self, read: Option<T>) -> Result<Option<T>, NoState> {
        match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(failed) => Err(NoState::Source(failed)),
            None => Ok(read),
        }
    }
}

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let one_less = |left: u32| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            bail!("more than {NODES} nodes");
        }
        self.blocks.get(cid).inspect_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
        })
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        bail!("block {cid} cannot be written: state is only read")
    }
}

/// The keys of a miner in the state that the newest indexed tipset at or before an epoch begins with; `None` where it is not known, or has no
/// such miner.
pub(super) async fn keys(
    store: &dyn Store,
    network: &Network,
    source: &Arc<dyn Source>,
    miner: &Id,
    at: Epoch,
) -> Result<Option<MinerKeys>, NoState> {
    let Ok(address) = parse_address(miner.as_str()) else { return Ok(None) };
    let Payload::ID(id) = *address.payload() else { return Ok(None) };
    let page = Page { after: Some(at.plus(1)), limit: PAGE };
    let records = store.epochs(&network.id, page).await?;
    let record = records.into_iter().find(|record| record.kind == EpochKind::Tipset);
    let Some(root) = record.and_then(|record| record.state_root.parse::<Cid>().ok()) else { return Ok(None) };
    let nodes = Nodes::of(source);
    let letter = if network.address_prefix == "f" { Letter::Mainnet } else { Letter::Testnet };
    let reading = tokio::task::spawn_blocking(move || {
        let keys = read(&nodes, &root, id, letter);
        nodes.read(keys.ok().flatten())
    });
    reading.await.unwrap_or_else(|error| Err(NoState::Source(error.to_string())))
}

fn read(nodes: &Nodes, root: &Cid, id: u64, letter: Letter) -> Result<Option<MinerKeys>, ReadError> {
    let tree = StateTree::open(nodes, root)?;
    let Some(miner) = tree.miner(id)? else { return Ok(None) };
    let info = miner.info(nodes)?;
    let owner = holder(&tree, &info.owner, letter)?;
    Ok(Some(MinerKeys { owner, worker: holder(&tree, &info.worker, letter)?, former: Vec::new() }))
}

/// Who signs for an actor that holds a role.
fn holder(tree: &StateTree<'_, Nodes>, address: &Address, letter: Letter) -> Result<Holder, ReadError> {
    if let Some(key) = tree.account_key(address)? {
        let signs = matches!(key.payload(), Payload::Secp256k1(_) | Payload::BLS(_));
        return Ok(if signs { Holder::Key(address_text(&key, letter)) } else { Holder::Unknown });
    }
    let Some(actor) = tree.resolve(address)?.map(|id| tree.actor(id)).transpose()?.flatten() else {
        return Ok(Holder::Unknown);
    };
    let multisig = tree.kind(&actor.code)? == ActorKind::Multisig;
    Ok(if multisig { Holder::Multisig(address_text(address, letter)) } else { Holder::Unknown })
}
