//! A source that does not do as the one behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apogee_spacemesh::id::{EpochId, GenesisId, LayerId, SmesherId};
use apogee_spacemesh_index::source::{
    Activation, LayerFacts, LayerName, Layers, Source, SourceError, WorkedOut,
};
use async_trait::async_trait;

/// What it does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It knows rewards and names of layers only, as a node that is asked over its API.
    Blind,
    /// It fails after so many answers about layers.
    After(u32),
    /// It leaves this layer out.
    Without(LayerId),
}

#[derive(Debug)]
pub(crate) struct Wrapped {
    pub(crate) inner: Arc<dyn Source>,
    pub(crate) fault: Fault,
    pub(crate) answers: AtomicU32,
}

impl Wrapped {
    pub(crate) fn new(inner: Arc<dyn Source>, fault: Fault) -> Arc<Self> {
        Arc::new(Self { inner, fault, answers: AtomicU32::new(0) })
    }
}

#[async_trait]
impl Source for Wrapped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn genesis(&self) -> Result<GenesisId, SourceError> {
        self.inner.genesis().await
    }

    async fn layers(&self) -> Result<Option<Layers>, SourceError> {
        self.inner.layers().await
    }

    async fn verified(&self) -> Result<Option<LayerId>, SourceError> {
        self.inner.verified().await
    }

    async fn names(&self, layers: &Layers) -> Result<Vec<LayerName>, SourceError> {
        let mut names = self.inner.names(layers).await?;
        if self.fault == Fault::Blind {
            names.iter_mut().for_each(|name| name.ballots = None);
        }
        Ok(names)
    }

    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, SourceError> {
        let before = self.answers.fetch_add(1, Ordering::SeqCst);
        let mut facts = self.inner.facts(layers).await?;
        match self.fault {
            Fault::After(answers) if before >= answers => {
                let source = std::io::Error::other("the line is dead").into();
                return Err(SourceError::Unreadable { source_name: self.name().to_owned(), source });
            }
            Fault::Without(layer) => facts.retain(|facts| facts.name.layer != layer),
            Fault::Blind => {
                for facts in &mut facts {
                    (facts.ballots, facts.name.ballots) = (None, None);
                    if let Some(block) = &mut facts.block {
                        (block.fees, block.worked_out) = (None, WorkedOut::NotMade("no_block"));
                    }
                }
            }
            Fault::After(_) => {}
        }
        Ok(facts)
    }

    async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, SourceError> {
        self.inner.activations(epoch).await
    }

    async fn malfeasant(&self) -> Result<BTreeMap<SmesherId, Option<i64>>, SourceError> {
        self.inner.malfeasant().await
    }
}
