//! Layers as tips. A tip is a layer with the node's opinion on it, a hash of every block up to there: a layer that is executed again with
//! other blocks below it has another key.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::{Epoch, Timestamp};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_gateway::Layer;
use apogee_treasury::chain::{ChainError, Tip};

use crate::chain::{Spacemesh, unreadable, wrong};

/// Layers of one page.
const PAGE: u32 = 100;

impl Spacemesh {
    /// The last layer in which nothing can happen. Before it there is one state.
    pub(crate) const fn beginning(&self) -> LayerId {
        self.network.effective_genesis
    }

    /// The first layer whose transactions are *not* in the state that a tip stands for.
    pub(crate) fn first_after(&self, tip: &Tip) -> Result<LayerId, ChainError> {
        let layer = layer_of(tip.epoch)?;
        Ok(LayerId(layer.0.max(self.beginning().0.saturating_add(1))))
    }

    pub(crate) fn tip(&self, layer: LayerId, key: String) -> Tip {
        // Milliseconds; 2³² layers of any length that a network has are far below the bound.
        let since = i64::try_from(self.network.layer_duration).unwrap_or(i64::MAX);
        let time = since.saturating_mul(layer.0.into()).saturating_add(self.network.genesis_time);
        let epoch = Epoch::GENESIS.plus(layer.0);
        Tip { epoch, key, time: Timestamp(time.saturating_mul(1_000)) }
    }

    /// What stands for a layer in which nothing can happen: the network itself.
    fn idle(&self, layer: LayerId) -> Tip {
        self.tip(layer, self.network.genesis.to_string())
    }

    pub(crate) async fn list(&self, first: LayerId, last: LayerId) -> Result<Vec<Layer>, ChainError> {
        self.gateway.layers(&(first..=last)).await.map_err(unreadable)
    }

    /// Whether the node's chain has this tip, now.
    pub(crate) async fn stands(&self, tip: &Tip) -> Result<(), ChainError> {
        let layer = layer_of(tip.epoch)?;
        let found = if layer <= self.beginning() {
            Some(self.idle(layer).key)
        } else {
            let row = self.list(layer, layer).await?.pop();
            row.and_then(|row| row.opinion).map(|opinion| opinion.to_string())
        };
        if found.as_deref() == Some(tip.key.as_str()) {
            return Ok(());
        }
        let found = found.unwrap_or_else(|| "nothing".into());
        Err(moved(&format!("layer {layer} is {found} by now, not {}", tip.key)))
    }

    /// The layer `at`, or the newest one before it that the node has an opinion on.
    pub(crate) async fn at_or_before(&self, at: LayerId) -> Result<Tip, ChainError> {
        let mut first = at;
        loop {
            if at <= self.beginning() {
                return Ok(self.idle(at));
            }
            first = LayerId(first.0.max(self.beginning().0.saturating_add(1)));
            let newest = self
                .list(first, at)
                .await?
                .into_iter()
                .rev()
                .find_map(|row| row.opinion.map(|opinion| self.tip(row.layer, opinion.to_string())));
            if let Some(tip) = newest {
                return Ok(tip);
            }
            if first.0 <= self.beginning().0.saturating_add(1) {
                return Ok(self.idle(self.beginning()));
            }
            if at.0.saturating_sub(first.0) >= PAGE {
                return Err(wrong(
                    "the chain",
                    &format_args!("it has no opinion on {PAGE} layers before {at}"),
                ));
            }
            first = LayerId(at.0.saturating_sub(PAGE));
        }
    }

    /// The tips of these layers.
    pub(crate) async fn tips(
        &self,
        mut wanted: BTreeSet<LayerId>,
    ) -> Result<BTreeMap<LayerId, Tip>, ChainError> {
        let mut tips = BTreeMap::new();
        while let (Some(first), Some(last)) = (wanted.first().copied(), wanted.last().copied()) {
            let last = LayerId(last.0.min(first.0.saturating_add(PAGE - 1)));
            for row in self.list(first, last).await? {
                if let Some(opinion) = row.opinion.filter(|_| wanted.remove(&row.layer)) {
                    tips.insert(row.layer, self.tip(row.layer, opinion.to_string()));
                }
            }
            if wanted.contains(&first) {
                return Err(moved(&format!("the node has no opinion on layer {first} any more")));
            }
        }
        Ok(tips)
    }
}

/// The layer at a height.
pub(crate) fn layer_of(epoch: Epoch) -> Result<LayerId, ChainError> {
    let layer = u32::try_from(epoch.height()).ok();
    layer.map(LayerId).ok_or_else(|| wrong("a layer", &format_args!("{epoch} is beyond the last one")))
}

/// The chain is another one than a moment before. Asking again helps.
pub(crate) fn moved(what: &str) -> ChainError {
    ChainError::Unavailable(format!("the chain moved: {what}").into())
}
