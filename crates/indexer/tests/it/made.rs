//! Made chains, read without a node in between.

use std::sync::Arc;

use apogee_domain::{Epoch, Finality, Network, NetworkKind, Timestamp};
use apogee_filecoin::source::{Blocks, ChainPath, Source, SourceError};
use apogee_filecoin::types::{ExecutionTrace, FinalityCertificate, Tipset, TipsetKey};
use apogee_indexer::{Doubt, Indexer, Options};
use apogee_simnet::{Ledger, Recipe, Simulation};
use apogee_store::Store;
use async_trait::async_trait;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::common::options;

/// A few miners, and elections that look back ten epochs.
pub(crate) fn simulation(seed: u64) -> Simulation {
    Simulation::new(Recipe { seed, miners: 5, finality: 10, messages: 1, ..Recipe::default() }).unwrap()
}

/// The chain of a simulation's head, epochs below `depth` being final.
pub(crate) fn network(simulation: &Simulation, depth: u32) -> Network {
    let recipe = simulation.recipe();
    Network {
        id: recipe.network.parse().unwrap(),
        kind: NetworkKind::Filecoin,
        genesis: simulation.ledger().genesis().key().to_string(),
        genesis_time: Timestamp::from_seconds(i64::try_from(recipe.genesis_time).unwrap()),
        epoch_seconds: u32::try_from(recipe.block_delay).unwrap(),
        address_prefix: "t".into(),
        finality: Finality { depth, certificates: false },
    }
}

pub(crate) fn with(store: Arc<dyn Store>, simulation: &Simulation, depth: u32, options: Options) -> Indexer {
    let source = Arc::new(Made(Arc::clone(simulation.ledger())));
    Indexer::new(store, source, network(simulation, depth), simulation.params(), options)
}

/// An indexer that takes nothing that does not stand up to its checks.
pub(crate) fn over(store: Arc<dyn Store>, simulation: &Simulation, depth: u32) -> Indexer {
    with(store, simulation, depth, Options { doubt: Doubt::Stop, ..options(16) })
}

/// What a made chain holds.
#[derive(Debug)]
pub(crate) struct Made(pub(crate) Arc<Ledger>);

#[derive(Debug)]
struct MadeBlocks(Arc<Ledger>);

impl Blockstore for MadeBlocks {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.block(cid))
    }
    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("{cid} is not to be written")
    }
}

fn missing(what: &TipsetKey) -> SourceError {
    SourceError::Missing { what: what.to_string(), source_name: "made".into() }
}

#[async_trait]
impl Source for Made {
    fn name(&self) -> &str {
        "made"
    }
    async fn oldest(&self) -> Result<Tipset, SourceError> {
        Ok(self.0.genesis().clone())
    }
    async fn head(&self) -> Result<Tipset, SourceError> {
        Ok(self.0.head())
    }
    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        self.0.tipset(key).ok_or_else(|| missing(key))
    }
    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError> {
        let mut at = self.0.tipset(head);
        let mut found = Vec::new();
        while let Some(tipset) = at.filter(|tipset| tipset.epoch() >= from) {
            at = self.0.parent(&tipset);
            found.extend((tipset.epoch() <= to).then_some(tipset));
        }
        found.reverse();
        Ok(found)
    }
    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError> {
        let tipset = |key: &TipsetKey| self.0.tipset(key).ok_or_else(|| missing(key));
        self.0.path(&tipset(from)?, &tipset(to)?).ok_or_else(|| missing(to))
    }
    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(MadeBlocks(Arc::clone(&self.0)))
    }
    async fn trace(&self, _: &Tipset) -> Result<Option<ExecutionTrace>, SourceError> {
        Ok(None)
    }
    async fn certificates(&self, _: u64, _: usize) -> Result<Vec<FinalityCertificate>, SourceError> {
        Ok(Vec::new())
    }
    async fn changed(&self) {
        std::future::pending().await
    }
}
