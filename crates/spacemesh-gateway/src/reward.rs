//! Rewards, a layer at a time: nodes order them by layer alone, so that pages over several layers may lack rows and
//! repeat others.

use std::ops::RangeInclusive;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{LayerId, SmesherId};
use apogee_spacemesh::reward::{Amount, Reward};

use crate::error::{Fault, GatewayError, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::layer::range;
use crate::page::Pages;
use crate::request::{Method, told};

const LIST: Method = told("RewardService/List");

impl Gateway {
    /// The rewards of `layer` as the node tells them, by smesher. They may be taken back while the layer is not final.
    ///
    /// # Errors
    /// See [`Fault`]. Layer 0 cannot be asked for, and has none.
    pub async fn rewards(&self, layer: LayerId) -> Result<Vec<Reward>, GatewayError> {
        self.list_rewards(layer).await.map_err(|fault| self.error(LIST, fault))
    }

    async fn list_rewards(&self, layer: LayerId) -> Result<Vec<Reward>, Fault> {
        let request = range(&(layer..=layer))?;
        let read = |item: &Item<'_>| {
            let row = self.reward(item)?;
            if row.layer == layer {
                Ok(row)
            } else {
                Err(Listing::Stranger(format!("a reward in layer {}", row.layer)).into())
            }
        };
        let mut rows = self.list(LIST, &request, "rewards", Pages::Full, read, |row| row.smesher).await?;
        rows.sort_unstable_by_key(|row| row.smesher);
        Ok(rows)
    }

    /// What `layers` brought to the account at `coinbase` as the node tells it, by layer and smesher. Over several pages rows of one layer may come
    /// twice in place of others: that is a fault that passes.
    ///
    /// # Errors
    /// See [`Fault`]. A range that ends with layer 0 cannot be asked for.
    pub async fn rewards_of(
        &self,
        coinbase: &Address,
        layers: &RangeInclusive<LayerId>,
    ) -> Result<Vec<Reward>, GatewayError> {
        self.list_rewards_of(coinbase, layers).await.map_err(|fault| self.error(LIST, fault))
    }

    async fn list_rewards_of(
        &self,
        coinbase: &Address,
        layers: &RangeInclusive<LayerId>,
    ) -> Result<Vec<Reward>, Fault> {
        let request = range(layers)?.address("coinbase", coinbase, self.prefix);
        let read = |item: &Item<'_>| {
            let row = self.reward(item)?;
            if row.coinbase == *coinbase && layers.contains(&row.layer) {
                Ok(row)
            } else {
                Err(Listing::Stranger(format!("a reward in layer {}", row.layer)).into())
            }
        };
        let name = |row: &Reward| format!("the reward of {} in layer {}", row.smesher, row.layer);
        let mut rows = self.list(LIST, &request, "rewards", Pages::Full, read, name).await?;
        rows.sort_unstable_by_key(|row| (row.layer, row.smesher));
        Ok(rows)
    }

    fn reward(&self, item: &Item<'_>) -> Result<Reward, Fault> {
        Ok(Reward {
            layer: item.layer("layer")?,
            smesher: SmesherId(item.array("smesher")?),
            coinbase: item.address("coinbase", self.prefix)?,
            amount: amount(item)?,
        })
    }
}

fn amount(item: &Item<'_>) -> Result<Amount, Fault> {
    let amount = Amount { total: item.u64("total")?, subsidy: item.u64("layerReward")? };
    if amount.subsidy > amount.total {
        return Err(item.wrong("layerReward", "more than the total"));
    }
    Ok(amount)
}
