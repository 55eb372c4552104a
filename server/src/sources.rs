//! Where verified state of each network can be read, opened when it is first needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::{Clock, NetworkId, Timestamp};
use apogee_filecoin::source::Source;
use tokio::sync::Mutex;

use crate::competitions::World;
use crate::networks::{NoChain, Prepared};
use crate::nodes::{Node, Nodes};

/// The chains of a server.
#[derive(Debug)]
pub(crate) struct Sources {
    clock: Arc<dyn Clock>,
    prepared: BTreeMap<NetworkId, Prepared>,
    opened: Mutex<BTreeMap<NetworkId, Arc<dyn Source>>>,
    nodes: Arc<Nodes>,
}

impl Sources {
    pub(crate) fn new(clock: Arc<dyn Clock>, prepared: &[Prepared], nodes: Arc<Nodes>) -> Self {
        let prepared = prepared.iter().map(|prepared| (prepared.name().clone(), prepared.clone())).collect();
        Self { clock, prepared, opened: Mutex::default(), nodes }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A node of a network of Spacemesh.
    pub(crate) fn node(&self, network: &NetworkId) -> Option<&Node> {
        self.nodes.of(network)
    }

    /// What is there besides the database for a network. One that this server does not follow has no state to be read.
    pub(crate) async fn world(&self, network: &NetworkId) -> Result<World, NoChain> {
        let now = self.clock.now();
        let Some(prepared) = self.prepared.get(network) else {
            return Ok(World { now, source: None, recorded: false });
        };
        let recorded = matches!(prepared, Prepared::Recording(_));
        let mut opened = self.opened.lock().await;
        if let Some(source) = opened.get(network) {
            return Ok(World { now, source: Some(Arc::clone(source)), recorded });
        }
        let source: Arc<dyn Source> = prepared.clone().open().await?.source;
        opened.insert(network.clone(), Arc::clone(&source));
        Ok(World { now, source: Some(source), recorded })
    }
}
