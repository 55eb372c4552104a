//! Layers.

use std::ops::RangeInclusive;

use apogee_spacemesh::id::{BlockId, Hash, LayerId};

use crate::error::{Fault, GatewayError, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::page::Pages;
use crate::request::{Method, Request, told};

const LIST: Method = told("LayerService/List");

/// A layer as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The layer.
    pub layer: LayerId,
    /// How far the node is with it.
    pub status: LayerStatus,
    /// The accounts that it changed; `None` where the node has not executed it.
    pub state: Option<Hash>,
    /// The opinion on this layer and all before; `None` while there is none. Two nodes that have the same have executed
    /// the same blocks up to here.
    pub opinion: Option<Hash>,
    /// The block that was executed; `None` for none, and for none yet.
    pub block: Option<BlockId>,
}

/// How far a node is with a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerStatus {
    /// Nothing has been done, or it has no block and its votes have not been counted.
    Unspecified,
    /// A block has been executed.
    Applied,
    /// Votes have been counted up to here: `LAYER_STATUS_VERIFIED`. The protocol calls that verified, and the layer may
    /// still be undone.
    Tallied,
}

const STATUS: [(&str, LayerStatus); 3] = [
    ("LAYER_STATUS_UNSPECIFIED", LayerStatus::Unspecified),
    ("LAYER_STATUS_APPLIED", LayerStatus::Applied),
    ("LAYER_STATUS_VERIFIED", LayerStatus::Tallied),
];

impl Gateway {
    /// Layers that the node knows of, in their order. There may be gaps.
    ///
    /// # Errors
    /// See [`Fault`]. A range that ends with layer 0 cannot be asked for.
    pub async fn layers(&self, layers: &RangeInclusive<LayerId>) -> Result<Vec<Layer>, GatewayError> {
        self.list_layers(layers).await.map_err(|fault| self.error(LIST, fault))
    }

    async fn list_layers(&self, layers: &RangeInclusive<LayerId>) -> Result<Vec<Layer>, Fault> {
        let request = range(layers)?;
        let read = |item: &Item<'_>| {
            let row = layer(item)?;
            if layers.contains(&row.layer) {
                Ok(row)
            } else {
                Err(Listing::Stranger(format!("layer {}", row.layer)).into())
            }
        };
        let mut rows = self.list(LIST, &request, "layers", Pages::Full, read, |row| row.layer).await?;
        rows.sort_unstable_by_key(|row| row.layer);
        Ok(rows)
    }
}

/// The fields that bound layers. A bound of zero is none at all to a node.
pub(crate) fn range(layers: &RangeInclusive<LayerId>) -> Result<Request, Fault> {
    if layers.end().0 == 0 {
        return Err(Fault::Unaskable("layer 0 alone"));
    }
    if layers.is_empty() {
        return Err(Fault::Unaskable("layers from an end to a start"));
    }
    Ok(Request::default().number("startLayer", layers.start().0).number("endLayer", layers.end().0))
}

pub(crate) fn layer(item: &Item<'_>) -> Result<Layer, Fault> {
    let block = item.object("block")?.map(|block| block.optional_array("id")).transpose()?;
    Ok(Layer {
        layer: item.layer("number")?,
        status: item.one_of("status", &STATUS)?,
        state: item.optional_array("stateHash")?.map(Hash),
        opinion: item.optional_array("cumulativeStateHash")?.map(Hash),
        block: block.flatten().map(BlockId).filter(|block| !block.is_empty()),
    })
}
