//! A node's JSON gateway as a source: layers, rewards and activations, and no more. It tells neither ballots nor blocks, so that slots are
//! unknown and rewards are its word; nor what is final.

use std::collections::BTreeMap;
use std::fmt;

use apogee_spacemesh::id::{EpochId, GenesisId, LayerId, SmesherId};
use apogee_spacemesh_gateway::{Gateway, GatewayError, Layer};
use async_trait::async_trait;

use crate::source::{Activation, BlockFacts, LayerFacts, LayerName, Layers, Source, SourceError, WorkedOut};

/// A node that is asked over its JSON gateway.
pub struct GatewaySource {
    gateway: Gateway,
    name: String,
}

impl fmt::Debug for GatewaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySource").field("name", &self.name).finish_non_exhaustive()
    }
}

impl GatewaySource {
    /// The node behind this gateway. Nothing is asked yet.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        let name = gateway.endpoint().name().to_owned();
        Self { gateway, name }
    }

    fn failed(&self, error: GatewayError) -> SourceError {
        SourceError::Unreadable { source_name: self.name.clone(), source: Box::new(error) }
    }

    async fn told(&self, layers: &Layers) -> Result<Vec<Layer>, SourceError> {
        self.gateway.layers(layers).await.map_err(|error| self.failed(error))
    }
}

fn name(layer: &Layer) -> Option<LayerName> {
    Some(LayerName { layer: layer.layer, opinion: layer.opinion?, state: layer.state, ballots: None })
}

#[async_trait]
impl Source for GatewaySource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn genesis(&self) -> Result<GenesisId, SourceError> {
        Ok(self.gateway.network().await.map_err(|error| self.failed(error))?.genesis)
    }

    /// Up to the last layer that was executed and whose votes were counted: before that there is no opinion.
    async fn layers(&self) -> Result<Option<Layers>, SourceError> {
        let network = self.gateway.network().await.map_err(|error| self.failed(error))?;
        let status = self.gateway.status().await.map_err(|error| self.failed(error))?;
        let first = network.effective_genesis.0.checked_add(1).map(LayerId);
        let last = status.applied.min(status.processed);
        Ok(first.filter(|first| *first <= last).map(|first| first..=last))
    }

    /// No node tells. What it calls verified may still be taken back.
    async fn verified(&self) -> Result<Option<LayerId>, SourceError> {
        Ok(None)
    }

    async fn names(&self, layers: &Layers) -> Result<Vec<LayerName>, SourceError> {
        Ok(self.told(layers).await?.iter().filter_map(name).collect())
    }

    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, SourceError> {
        let told = self.told(layers).await?;
        let mut facts = Vec::with_capacity(told.len());
        for layer in &told {
            let Some(name) = name(layer) else { continue };
            let rewards = self.gateway.rewards(layer.layer).await.map_err(|error| self.failed(error))?;
            let block = layer.block.map(|id| BlockFacts {
                id: Some(id),
                transactions: 0,
                fees: None,
                worked_out: WorkedOut::NotMade("no_block"),
            });
            facts.push(LayerFacts { name, block, rewards, ballots: None });
        }
        // Rewards come one layer after the other, and the node may have taken some back meanwhile.
        if self.told(layers).await? != told {
            return Err(SourceError::Moved(self.name.clone()));
        }
        Ok(facts)
    }

    async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, SourceError> {
        let published = epoch.0.checked_sub(1).filter(|published| *published > 0).map(EpochId);
        let Some(published) = published else { return Ok(Vec::new()) };
        let told = self.gateway.activations(published).await.map_err(|error| self.failed(error))?;
        let one = |told: &apogee_spacemesh_gateway::Activation| Activation {
            smesher: told.smesher,
            units: told.units,
            weight: told.weight,
        };
        Ok(told.iter().map(one).collect())
    }

    /// A gateway does not tell since when.
    async fn malfeasant(&self) -> Result<BTreeMap<SmesherId, Option<i64>>, SourceError> {
        let told = self.gateway.malfeasances().await.map_err(|error| self.failed(error))?;
        Ok(told.iter().map(|one| (one.smesher, None)).collect())
    }
}
