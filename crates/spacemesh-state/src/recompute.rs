//! Rewards, worked out from blocks.

use std::collections::BTreeMap;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::id::{AtxId, BlockId, LayerId, SmesherId};
use apogee_spacemesh::report::Report;
use apogee_spacemesh::reward::{Reward, split};
use apogee_spacemesh::subsidy;
use apogee_spacemesh::weight::Weight;

use crate::error::RecomputeError;
use crate::mesh::Applied;
use crate::state::{Layers, State};

impl State {
    /// The rewards of `layers`, worked out from the blocks that the node executed in them and the fees of their
    /// transactions, on a network that pays from `first` on. By layer and smesher.
    ///
    /// The block of a layer is the node's word: that it is the right one follows from votes, not from here.
    ///
    /// # Errors
    /// See [`RecomputeError`].
    pub fn recompute_rewards(&self, layers: &Layers, first: LayerId) -> Result<Vec<Reward>, RecomputeError> {
        let mut rewards = Vec::new();
        for row in self.layers(layers)? {
            let Applied::Block(id) = row.applied else { continue };
            let layer = row.layer;
            let block = self.block(&id)?.ok_or(RecomputeError::Block { layer, block: id })?.block;
            let fees = self.fees(layer, id)?;
            rewards.extend(self.block_rewards(layer, &block, fees, first)?);
            self.room("blocks", rewards.len())?;
        }
        Ok(rewards)
    }

    /// Hold the rewards that the node tells against those that its blocks come to.
    ///
    /// # Errors
    /// See [`RecomputeError`].
    pub fn check_rewards(&self, layers: &Layers, first: LayerId) -> Result<Report, RecomputeError> {
        Ok(Report::compare(&self.recompute_rewards(layers, first)?, &self.rewards(layers)?))
    }

    /// What `block` pays in `layer` when its transactions pay `fees` in smidge, on a network that pays from `first` on. By
    /// smesher.
    ///
    /// # Errors
    /// See [`RecomputeError`].
    pub fn block_rewards(
        &self,
        layer: LayerId,
        block: &Block,
        fees: u64,
        first: LayerId,
    ) -> Result<Vec<Reward>, RecomputeError> {
        let subsidy = subsidy::of(layer, first).ok_or(RecomputeError::BeforeGenesis { layer, first })?;
        let weights: Vec<Weight> = block.rewards.iter().map(|reward| reward.weight).collect();
        let amounts =
            split(subsidy, fees, &weights).map_err(|source| RecomputeError::Split { layer, source })?;
        let mut rewards: BTreeMap<SmesherId, Reward> = BTreeMap::new();
        for (share, amount) in block.rewards.iter().zip(amounts) {
            let (smesher, coinbase) = self.paid(layer, &share.atx)?;
            // A node has one row for a smesher, however many of its activations a block names.
            let reward = Reward { layer, smesher, coinbase, amount };
            rewards
                .entry(smesher)
                .and_modify(|sum| {
                    // Shares of one layer are not more than what it pays, which fits.
                    sum.amount.total = sum.amount.total.saturating_add(amount.total);
                    sum.amount.subsidy = sum.amount.subsidy.saturating_add(amount.subsidy);
                })
                .or_insert(reward);
        }
        Ok(rewards.into_values().collect())
    }

    /// What the transactions of a block paid, in smidge, those that failed among them.
    ///
    /// # Errors
    /// See [`RecomputeError`].
    pub fn fees(&self, layer: LayerId, block: BlockId) -> Result<u64, RecomputeError> {
        let executed = self.executed(&(layer..=layer))?;
        let mut fees = executed.iter().filter(|executed| executed.result.block == block);
        let sum = fees.try_fold(0_u64, |sum, executed| sum.checked_add(executed.result.fee));
        sum.ok_or(RecomputeError::Fees(layer))
    }

    /// Whom an activation's reward belongs to, and where it goes.
    fn paid(&self, layer: LayerId, atx: &AtxId) -> Result<(SmesherId, Address), RecomputeError> {
        let found = self.activation(atx)?.ok_or(RecomputeError::Activation { layer, atx: *atx })?;
        Ok((found.smesher, found.coinbase))
    }
}
