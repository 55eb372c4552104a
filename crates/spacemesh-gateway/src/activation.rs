//! Activations, an epoch at a time.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{AtxId, EpochId, SmesherId};

use crate::error::{Code, Fault, GatewayError, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::page::Pages;
use crate::request::{Method, Request, told};

const LIST: Method = told("ActivationService/List");
const COUNT: Method = told("ActivationService/ActivationsCount");

/// What a node tells of an activation. Ticks and the height before are told as their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Its name.
    pub id: AtxId,
    /// Whose it is.
    pub smesher: SmesherId,
    /// The epoch in which it was published: it counts in the one after.
    pub published: EpochId,
    /// Where its rewards go.
    pub coinbase: Address,
    /// Units of space.
    pub units: u32,
    /// What it counts: units times ticks.
    pub weight: u64,
    /// Ticks before it, and its own.
    pub height: u64,
}

impl Gateway {
    /// Activations that were published in `epoch`, by name: as many as the node counts, where it counts.
    ///
    /// # Errors
    /// See [`Fault`]. Epoch 0 cannot be asked for, and has none.
    pub async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, GatewayError> {
        if epoch.0 == 0 {
            return Err(self.error(LIST, Fault::Unaskable("epoch 0 alone")));
        }
        // Activations come at any time, and none goes.
        let least = self.count(epoch).await.map_err(|fault| self.error(COUNT, fault))?;
        let rows = self.list_activations(epoch).await.map_err(|fault| self.error(LIST, fault))?;
        let found = rows.len() as u64;
        let told = match least {
            Some(least) if found > least => {
                let most = self.count(epoch).await.map_err(|fault| self.error(COUNT, fault))?;
                most.filter(|most| found > *most)
            }
            least => least.filter(|least| found < *least),
        };
        match told {
            Some(told) => Err(self.error(LIST, Listing::Count { told, found: rows.len() }.into())),
            None => Ok(rows),
        }
    }

    /// How many there are; `None` where the node does not count.
    async fn count(&self, epoch: EpochId) -> Result<Option<u64>, Fault> {
        let asked = self.ask(COUNT, &Request::default().number("epoch", epoch.0)).await;
        match asked {
            Ok(answer) => Item::answer(&answer).u32("count").map(|count| Some(count.into())),
            // A gateway answers 404 and code 5 to a path that it does not have, a node code 12.
            Err(Fault::Refused { code: Code::NotFound | Code::Unimplemented, .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn list_activations(&self, epoch: EpochId) -> Result<Vec<Activation>, Fault> {
        let request = Request::default().number("startEpoch", epoch.0).number("endEpoch", epoch.0);
        let read = |item: &Item<'_>| {
            let row = self.activation(item)?;
            if row.published == epoch {
                Ok(row)
            } else {
                Err(Listing::Stranger(format!("an activation of epoch {}", row.published)).into())
            }
        };
        let mut rows = self.list(LIST, &request, "activations", Pages::Full, read, |row| row.id).await?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    fn activation(&self, item: &Item<'_>) -> Result<Activation, Fault> {
        let units = item.u32(item.named(["numUnits", "units"]))?;
        let (weight, height) = if item.get("ticks").is_some() {
            // Early nodes tell the parts.
            let ticks = item.u64("ticks")?;
            let weight = ticks.checked_mul(units.into());
            let height = ticks.checked_add(item.u64("baseHeight")?);
            (weight.zip(height)).ok_or_else(|| item.wrong("ticks", "more than 64 bits hold"))?
        } else {
            (item.u64("weight")?, item.u64("height")?)
        };
        Ok(Activation {
            id: AtxId(item.array("id")?),
            smesher: SmesherId(item.array(item.named(["smesherId", "nodeId"]))?),
            published: EpochId(item.u32("publishEpoch")?),
            coinbase: item.address("coinbase", self.prefix)?,
            units,
            weight,
            height,
        })
    }
}
