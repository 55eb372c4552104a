//! A source whose layers are final only as far as a recount that was applied says so.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use apogee_domain::NetworkId;
use apogee_spacemesh::id::{EpochId, GenesisId, LayerId, SmesherId};
use apogee_spacemesh_index::source::{Activation, LayerFacts, LayerName, Layers, Source, SourceError};
use apogee_store::{RecountState, Store, StoreError};
use async_trait::async_trait;

/// A source, and the recounts that were made of its network.
#[derive(Clone)]
pub(crate) struct Recounted {
    source: Arc<dyn Source>,
    store: Arc<dyn Store>,
    network: NetworkId,
}

impl fmt::Debug for Recounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recounted").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Recounted {
    pub(crate) fn new(source: Arc<dyn Source>, store: Arc<dyn Store>, network: NetworkId) -> Self {
        Self { source, store, network }
    }

    fn unreadable(&self, source: StoreError) -> SourceError {
        SourceError::Unreadable { source_name: self.name().to_owned(), source: Box::new(source) }
    }
}

#[async_trait]
impl Source for Recounted {
    fn name(&self) -> &str {
        self.source.name()
    }

    async fn genesis(&self) -> Result<GenesisId, SourceError> {
        self.source.genesis().await
    }

    async fn layers(&self) -> Result<Option<Layers>, SourceError> {
        self.source.layers().await
    }

    /// The newest layer up to which an applied recount has the opinion that is indexed. Layer 0, which pays nobody, where there is none: nothing is final
    /// that nobody counted.
    async fn verified(&self) -> Result<Option<LayerId>, SourceError> {
        let mut recounts =
            self.store.recounts(&self.network).await.map_err(|error| self.unreadable(error))?;
        recounts.retain(|recount| recount.state == RecountState::Applied);
        recounts.sort_by_key(|recount| std::cmp::Reverse(recount.verified));
        for recount in recounts {
            let Ok(layer) = u32::try_from(recount.verified.height()).map(LayerId) else { continue };
            let indexed = self.store.epoch(&self.network, recount.verified).await;
            let indexed = indexed.map_err(|error| self.unreadable(error))?;
            if indexed.is_some_and(|indexed| indexed.key == recount.opinion) {
                return Ok(Some(layer));
            }
        }
        Ok(Some(LayerId(0)))
    }

    async fn names(&self, layers: &Layers) -> Result<Vec<LayerName>, SourceError> {
        self.source.names(layers).await
    }

    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, SourceError> {
        self.source.facts(layers).await
    }

    async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, SourceError> {
        self.source.activations(epoch).await
    }

    async fn malfeasant(&self) -> Result<BTreeMap<SmesherId, Option<i64>>, SourceError> {
        self.source.malfeasant().await
    }
}
