//! What a report says, held against the index.

use std::collections::BTreeMap;

use apogee_domain::series::Unit;
use apogee_domain::{Epoch, Value};
use apogee_recount::{Change, LayerReport, Report, Total, Unknown};
use apogee_store::Page;
use serde::Serialize;
use utoipa::ToSchema;

use super::ROWS;
use crate::spacemesh::epoch_of;
use crate::web::figure::{Coin, Figure, Scale};
use crate::web::scene::Scene;
use crate::web::{App, Problem};

/// Epochs that are read at once.
const RECORDS: u32 = 1_000;
/// 10⁻¹⁸ of a coin in a smidge.
const ATTO: u128 = 1_000_000_000;

/// A layer on which votes decide otherwise than somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecountLayer)]
pub(super) struct Layer {
    #[schema(value_type = i64)]
    pub(super) layer: Epoch,
    /// The block that votes decide for; `null` for none.
    pub(super) block: Option<String>,
    /// The block that the node executed; `null` for none.
    pub(super) node_block: Option<String>,
    /// The opinion that votes come to, on it and all before.
    pub(super) opinion: String,
    /// That of the index.
    pub(super) indexed: Option<String>,
    /// Whether the copy that was counted says otherwise.
    pub(super) node_differs: bool,
    /// Whether the index says otherwise.
    pub(super) index_differs: bool,
}

/// A reward that goes or changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecountReward)]
pub(super) struct Reward {
    #[schema(value_type = i64)]
    pub(super) layer: Epoch,
    pub(super) smesher: String,
    /// What was paid, in smidge; `null` for nothing.
    pub(super) paid: Option<String>,
    /// What is owed, in smidge; `null` for nothing.
    pub(super) owed: Option<String>,
}

/// What a smesher was paid and is owed in the layers on which votes decide otherwise.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecountSmesher)]
pub(super) struct Smesher {
    pub(super) smesher: String,
    /// In smidge.
    pub(super) paid: String,
    /// In smidge.
    pub(super) owed: String,
    #[serde(skip)]
    pub(super) shown_paid: Figure,
    #[serde(skip)]
    pub(super) shown_owed: Figure,
}

/// A layer whose rewards are known in part only.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecountGap)]
pub(super) struct Gap {
    #[schema(value_type = i64)]
    pub(super) layer: Epoch,
    /// The block that votes decide for.
    pub(super) block: String,
    /// Whether the copy has it; if not, nothing is known of what it pays.
    pub(super) held: bool,
    /// Its transactions whose fees are not known.
    pub(super) transactions: u64,
}

/// A report beside an index.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// How many layers the copy has otherwise.
    pub(super) node: usize,
    /// How many layers the index has otherwise.
    pub(super) index: usize,
    /// The first of both.
    pub(super) layers: Vec<Layer>,
}

fn figure(smidge: u128, coin: Coin) -> Figure {
    let atto = smidge.saturating_mul(ATTO);
    Figure { value: Some(Value(atto)), unit: Unit::Atto, scale: Scale::of(Unit::Atto, coin, None) }
}

impl Reward {
    pub(super) fn new(change: &Change) -> Self {
        let [paid, owed] = [change.before, change.after].map(|row| row.map(|row| row.total.to_string()));
        Self { layer: epoch_of(change.layer), smesher: change.smesher.to_string(), paid, owed }
    }
}

impl Smesher {
    pub(super) fn new(total: &Total, coin: Coin) -> Self {
        Self {
            smesher: total.smesher.to_string(),
            paid: total.before.to_string(),
            owed: total.after.to_string(),
            shown_paid: figure(total.before, coin),
            shown_owed: figure(total.after, coin),
        }
    }
}

impl Gap {
    pub(super) fn new(unknown: &Unknown) -> Self {
        let Unknown { layer, block, held, transactions } = unknown;
        Self { layer: epoch_of(*layer), block: block.to_string(), held: *held, transactions: *transactions }
    }
}

impl Layer {
    fn new(counted: &LayerReport, indexed: Option<&String>) -> Self {
        let opinion = counted.opinion.to_string();
        // Votes say nothing of a recent layer, whoever thinks otherwise.
        let index_differs = !counted.recent && indexed.is_some_and(|indexed| *indexed != opinion);
        Self {
            layer: epoch_of(counted.layer),
            block: counted.block.map(|block| block.to_string()),
            node_block: counted.node.and_then(|node| node.block).map(|block| block.to_string()),
            indexed: indexed.cloned(),
            node_differs: !counted.agrees(),
            index_differs,
            opinion,
        }
    }
}

impl App {
    /// Where votes decide otherwise than the node whose copy was counted, or than the index.
    pub(super) async fn compared(&self, scene: &Scene, report: &Report) -> Result<Compared, Problem> {
        let decided = || report.layers.iter().filter(|layer| layer.verified);
        let (Some(first), Some(last)) = (decided().next(), decided().next_back()) else {
            return Ok(Compared::default());
        };
        let indexed = self.opinions(scene, epoch_of(first.layer), epoch_of(last.layer)).await?;
        let mut compared = Compared::default();
        for counted in decided() {
            let layer = Layer::new(counted, indexed.get(&epoch_of(counted.layer)));
            compared.node = compared.node.saturating_add(layer.node_differs.into());
            compared.index = compared.index.saturating_add(layer.index_differs.into());
            if (layer.node_differs || layer.index_differs) && compared.layers.len() < ROWS {
                compared.layers.push(layer);
            }
        }
        Ok(compared)
    }

    /// The opinions that are indexed, by layer; a layer without one has none.
    async fn opinions(
        &self,
        scene: &Scene,
        first: Epoch,
        last: Epoch,
    ) -> Result<BTreeMap<Epoch, String>, Problem> {
        let (mut opinions, mut above) = (BTreeMap::new(), last.min(scene.cursor.epoch).plus(1));
        while above > first {
            let page = Page { after: Some(above), limit: RECORDS };
            let records = self.store.epochs(scene.network(), page).await?;
            let Some(oldest) = records.last() else { break };
            above = oldest.epoch;
            let held = records.into_iter().filter(|record| record.epoch >= first && !record.key.is_empty());
            opinions.extend(held.map(|record| (record.epoch, record.key)));
        }
        Ok(opinions)
    }
}
