//! Recorded nodes over real HTTP and WebSocket.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apogee_filecoin::car::Limits;
use apogee_filecoin::rpc::{Client, Endpoint, Exponential, Pool, Settings};
use apogee_filecoin::source::{RpcOptions, RpcSource};
use apogee_indexer::recording::Recording;
use apogee_indexer::{Doubt, Indexer, Options};
use apogee_simnet::{Access, Chain, Recording as Recorded, Replay, SimNode};
use apogee_store::Store;
use tokio::net::TcpListener;

use crate::common::{at, options};

pub(crate) static RUN_A: LazyLock<Arc<Recorded>> =
    LazyLock::new(|| recorded(&apogee_testkit::example("devnet-a")));

pub(crate) fn recorded(folder: &Path) -> Arc<Recorded> {
    Recorded::open(folder, &Limits::DEFAULT).unwrap()
}

pub(crate) async fn node(chain: Arc<dyn Chain>) -> SimNode {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    SimNode::start(listener, chain, Access::default()).unwrap()
}

/// A node of run A whose head is at an epoch.
pub(crate) async fn node_at(epoch: i64) -> SimNode {
    let replay = Replay::chain(RUN_A.clone());
    replay.advance_to(at(epoch));
    node(Arc::new(replay)).await
}

/// A source over these nodes that asks three times and waits `timeout` for an answer.
pub(crate) fn source(nodes: &[&SimNode], timeout: Duration) -> Arc<RpcSource> {
    let client = |node: &&SimNode| {
        let endpoint = Endpoint::new(&node.url(), None).unwrap();
        let backoff = Arc::new(Exponential::new(3, Duration::from_millis(1), Duration::from_millis(2), 1));
        let settings = Settings { timeout, long_timeout: timeout, backoff, ..Settings::default() };
        Arc::new(Client::new(endpoint, settings).unwrap())
    };
    let notify = Arc::new(Exponential::new(100, Duration::from_millis(1), Duration::from_millis(5), 1));
    let options = RpcOptions { notify: Some(notify), poll: Duration::from_secs(2), ..RpcOptions::default() };
    let pool = Pool::new(nodes.iter().map(client).collect(), None);
    Arc::new(RpcSource::new(Arc::new(pool), options))
}

/// An indexer over nodes, which takes nothing that does not stand up to its checks.
pub(crate) fn follower(
    store: Arc<dyn Store>,
    recording: &Recording,
    source: Arc<RpcSource>,
    batch: u32,
) -> Indexer {
    let options = Options { doubt: Doubt::Stop, ..options(batch) };
    Indexer::new(store, source, recording.network.clone(), recording.params.clone(), options)
}
