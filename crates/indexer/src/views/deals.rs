use std::collections::BTreeMap;

use apogee_domain::series::{DEALS_ACTIVE, DEALS_BYTES};
use apogee_domain::{Epoch, Value};
use apogee_filecoin_state::{Deals, ReadError, StateTree};
use cid::Cid;

use super::{Names, unread};
use crate::fold::Level;
use crate::nodes::Nodes;

/// Active deals, carried from state to state so that only what differs is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct DealsView(Option<Deals>);

impl DealsView {
    /// Whether all deals have to be read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Active deals at `epoch` in the state `root`.
    pub(crate) fn read(&mut self, nodes: &Nodes, names: &Names, root: &Cid, epoch: Epoch) -> Vec<Level> {
        match self.advance(nodes, root) {
            Ok(deals) => {
                let (mut bytes, mut active) = (BTreeMap::new(), BTreeMap::new());
                for (provider, totals) in deals.totals(epoch.height()) {
                    bytes.insert(names.miner(provider), Some(Value::from(totals.bytes)));
                    active.insert(names.miner(provider), Some(Value::from(totals.count)));
                }
                vec![Level::Whole(DEALS_BYTES, bytes), Level::Whole(DEALS_ACTIVE, active)]
            }
            Err(error) => {
                unread("deals", &error);
                self.0 = None;
                vec![Level::Lost(DEALS_BYTES), Level::Lost(DEALS_ACTIVE)]
            }
        }
    }

    fn advance(&mut self, nodes: &Nodes, root: &Cid) -> Result<&Deals, ReadError> {
        let market = StateTree::open(nodes, root)?.market()?;
        let deals = match self.0.take() {
            Some(mut deals) => {
                deals.advance(nodes, &market)?;
                deals
            }
            None => market.deals(nodes)?,
        };
        Ok(self.0.insert(deals))
    }
}
