//! What became of layers.

use std::fmt;

use serde::Deserialize;

use crate::ballot::Header;
use crate::weight::Sign;
use crate::{Fault, Layer, OpinionHash, Tortoise};

/// What is thought of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockResult {
    /// Which.
    pub header: Header,
    /// The tortoise says that it counts.
    #[serde(rename = "v")]
    pub valid: bool,
    /// The tortoise says that it does not.
    #[serde(rename = "i")]
    pub invalid: bool,
    /// The committee put it out.
    #[serde(rename = "h")]
    pub hare: bool,
    /// A smesher by itself would vote for it.
    #[serde(rename = "l")]
    pub local: bool,
    /// Its content is here.
    #[serde(rename = "d")]
    pub data: bool,
}

/// What is thought of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerResult {
    /// Which.
    #[serde(rename = "lid")]
    pub layer: Layer,
    /// What is thought of it and all below.
    pub opinion: OpinionHash,
    /// Whether it and all below is decided.
    #[serde(rename = "v")]
    pub verified: bool,
    /// In order of height and name.
    pub blocks: Vec<BlockResult>,
}

/// What waits to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    /// The lowest layer that changed.
    pub from: Layer,
    /// The highest layer whose votes were counted.
    pub to: Layer,
    /// These and all between.
    pub layers: Vec<LayerResult>,
}

impl fmt::Display for BlockResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header, valid, invalid, hare, local, data } = self;
        write!(f, "block {:?} at height {}", header.id, header.height)?;
        let says = [(valid, "valid"), (invalid, "invalid"), (hare, "hare"), (local, "local"), (data, "data")];
        says.iter().filter(|(is, _)| **is).try_for_each(|(_, word)| write!(f, " {word}"))
    }
}

impl fmt::Display for LayerResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verified = if self.verified { "verified" } else { "open" };
        write!(f, "layer {} {verified}, opinion {:?}", self.layer, self.opinion)?;
        self.blocks.iter().try_for_each(|block| write!(f, "; {block}"))
    }
}

impl Tortoise {
    /// What changed since it was [applied](Self::on_applied), and all above that.
    ///
    /// # Errors
    /// [`Fault::Evicted`], [`Fault::Work`].
    pub fn updates(&mut self) -> Result<Updates, Fault> {
        let (from, to) = (self.pending, self.processed);
        let mut layers = Vec::new();
        for layer in from.up_to(to) {
            let evicted = self.window.evicted();
            let slot = self.window.get(layer).ok_or(Fault::Evicted { layer, evicted })?;
            let block = |block: &crate::state::Block| BlockResult {
                header: block.header,
                valid: block.validity == Sign::Support,
                invalid: block.validity == Sign::Against,
                hare: block.hare == Sign::Support,
                local: block.margin.against(self.local) == Sign::Support,
                data: block.data,
            };
            let blocks: Vec<_> = slot.blocks.iter().map(block).collect();
            let (opinion, verified) = (slot.opinion, self.verified >= layer);
            self.spend((blocks.len() as u64).saturating_add(1))?;
            layers.push(LayerResult { layer, opinion, verified, blocks });
        }
        Ok(Updates { from, to, layers })
    }
}
