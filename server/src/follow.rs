//! Indexing beside serving: one task a network.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use apogee_indexer::{Entropy, Indexer, Options};
use apogee_store::Store;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::cli::chain_of;
use crate::networks::{Chain, Nodes, Prepared};

/// How long to wait after a failure that may pass.
const RETRY: Duration = Duration::from_secs(5);

/// Why indexing of a network stopped, in words; `None` while it goes on.
pub(crate) type Stopped = Arc<ArcSwap<Option<String>>>;

/// An indexer of `chain`.
pub(crate) fn indexer(chain: Chain, store: Arc<dyn Store>, entropy: Entropy) -> Indexer {
    let Chain { network, params, source, keys, doubt, start } = chain;
    let options = Options { doubt, start, ..Options::new(entropy) };
    let indexer = Indexer::new(store, source, network, params, options);
    #[cfg(feature = "snark")]
    if let Some(keys) = keys {
        return indexer.with_keys(keys);
    }
    #[cfg(not(feature = "snark"))]
    let _: Option<std::convert::Infallible> = keys;
    indexer
}

/// Index until `end` says so. What cannot pass by itself is said, here and on the pages, and left to a person.
pub(crate) async fn follow(
    prepared: Prepared,
    store: Arc<dyn Store>,
    entropy: Entropy,
    stopped: Stopped,
    mut end: watch::Receiver<bool>,
) {
    let name = prepared.name().to_string();
    let chain = match prepared {
        Prepared::Recording(chain) => Some(*chain),
        Prepared::Nodes(nodes) => tokio::select! {
            chain = reach(&nodes, &stopped) => chain,
            _ = end.wait_for(|end| *end) => None,
        },
    };
    let Some(chain) = chain else { return };
    let mut indexer = indexer(chain, store, entropy);
    let ended = async {
        // An error means that nobody is left to end it.
        let _ = end.wait_for(|end| *end).await;
    };
    if let Err(error) = indexer.follow(RETRY, ended).await {
        tracing::error!(network.id = name, error = &error as &dyn Error, "indexing stopped");
        stopped.store(Arc::new(Some(chain_of(&error))));
    }
}

/// The chain, once a node tells of it; `None` when it is another one.
async fn reach(nodes: &Nodes, stopped: &Stopped) -> Option<Chain> {
    let name = nodes.id().to_string();
    loop {
        let error = match nodes.open().await {
            Ok(chain) => {
                stopped.store(Arc::new(None));
                return Some(chain);
            }
            Err(error) => error,
        };
        stopped.store(Arc::new(Some(chain_of(&error))));
        if error.is_input() {
            tracing::error!(network.id = name, error = &error as &dyn Error, "the network cannot be indexed");
            return None;
        }
        tracing::warn!(network.id = name, error = &error as &dyn Error, "no node can be asked");
        tokio::time::sleep(RETRY).await;
    }
}
