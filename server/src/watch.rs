//! Keeps [`Now`] up to date, so that no page has to ask the database how far the index is.

use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Network, NetworkId, Timestamp};
use apogee_filecoin::rpc::{EndpointHealth, Pool};
use apogee_store::{Cursor, EpochRecord, Store, StoreError};
use arc_swap::ArcSwap;

use crate::follow::Stopped;
use crate::http::Scope;
use crate::web::{EndpointNow, Freshness, NetworkNow, Now};

/// Epochs behind the clock that are still live: blocks take their time, and a tipset is complete only when the next one names it.
const LIVE_EPOCHS: u32 = 4;

/// Epochs behind the clock from which on the index is stalled when it does not move.
const STALLED_EPOCHS: u32 = 20;

/// How a network is indexed by this process. One without a feed is indexed by another.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    /// From a recording, which has no head that moves.
    Recorded {
        /// Why indexing stopped, once it did.
        stopped: Stopped,
    },
    /// It follows nodes.
    Followed {
        /// How the nodes do.
        pool: Arc<Pool>,
        /// Why indexing stopped, once it did.
        stopped: Stopped,
    },
}

/// Reads cursors and the health of nodes, and puts them together.
#[derive(Debug)]
pub(crate) struct Watch {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    feeds: Vec<(NetworkId, Feed)>,
    now: Arc<ArcSwap<Now>>,
    /// Held while looking: what was seen later must not be replaced by what was seen before.
    looking: tokio::sync::Mutex<()>,
}

impl Watch {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, feeds: Vec<(NetworkId, Feed)>) -> Self {
        Self { store, clock, feeds, now: Arc::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Where the newest state is read.
    pub(crate) fn now(&self) -> Arc<ArcSwap<Now>> {
        Arc::clone(&self.now)
    }

    /// Look once.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let _looking = self.looking.lock().await;
        let before = self.now.load_full();
        let mut networks = Vec::new();
        for network in self.store.networks().await? {
            let known = before.network(network.id.as_str());
            networks.push(Arc::new(self.network(network, known.map(|known| &**known)).await?));
        }
        self.now.store(Arc::new(Now::new(networks)));
        Ok(())
    }

    /// Whether the database answers.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }

    /// The time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Whether a network's index is no longer what `then` says. If so, [`now`](Self::now) is up to date afterwards.
    pub(crate) async fn has_moved(&self, scope: &Scope, then: &Now) -> bool {
        let Scope::Network(id) = scope else { return false };
        let Some(known) = then.network(id) else { return false };
        match self.store.cursor(&known.network.id).await {
            Ok(cursor) if cursor != known.cursor => self.look().await.is_ok(),
            _ => false,
        }
    }

    /// Look again every `interval`, for ever.
    pub(crate) async fn run(&self, interval: Duration) {
        let mut failing = false;
        loop {
            tokio::time::sleep(interval).await;
            match self.look().await {
                Ok(()) => failing = false,
                // Once, not every second.
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the database does not answer; pages stay as they are"
                    );
                }
                Err(_) => {}
            }
        }
    }

    async fn network(&self, network: Network, known: Option<&NetworkNow>) -> Result<NetworkNow, StoreError> {
        let cursor = self.store.cursor(&network.id).await?;
        let same = known.filter(|known| known.cursor == cursor && known.record.is_some());
        let record = match (same, &cursor) {
            (Some(known), _) => known.record.clone(),
            (None, Some(cursor)) => self.store.epoch(&network.id, cursor.epoch).await?,
            (None, None) => None,
        };
        let feed = self.feeds.iter().find(|(id, _)| *id == network.id).map(|(_, feed)| feed);
        let stopped = feed.and_then(|feed| {
            let (Feed::Recorded { stopped } | Feed::Followed { stopped, .. }) = feed;
            (**stopped.load()).clone()
        });
        let seen = self.clock.now();
        let freshness = match feed {
            Some(Feed::Recorded { .. }) => Freshness::Recorded,
            _ => freshness(&network, cursor.as_ref(), record.as_ref(), stopped.is_some(), seen),
        };
        let endpoints = feed.map(endpoints).unwrap_or_default();
        Ok(NetworkNow::new(network, cursor, record, freshness, endpoints, stopped, seen))
    }
}

/// How far the index is behind the schedule of epochs.
fn freshness(
    network: &Network,
    cursor: Option<&Cursor>,
    record: Option<&EpochRecord>,
    stopped: bool,
    now: Timestamp,
) -> Freshness {
    let begun =
        record.map(|record| record.time).or_else(|| cursor.map(|cursor| network.time_of(cursor.epoch)));
    let behind = begun.map_or(u64::MAX, |begun| now.since(begun).as_secs());
    let epochs = |count: u32| u64::from(count) * u64::from(network.epoch_seconds);
    match behind {
        _ if stopped => Freshness::Stalled,
        behind if behind <= epochs(LIVE_EPOCHS) => Freshness::Live,
        behind if behind <= epochs(STALLED_EPOCHS) => Freshness::Delayed,
        _ => Freshness::Stalled,
    }
}

fn endpoints(feed: &Feed) -> Vec<EndpointNow> {
    let Feed::Followed { pool, .. } = feed else { return Vec::new() };
    let row = |(name, health): (String, EndpointHealth)| EndpointNow {
        name,
        head: health.head.map(|head| head.epoch()),
        failures: health.failures,
        dishonest: health.dishonest,
        latency_ms: health.latency.map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)),
        distrusted: health.distrusted,
    };
    pool.health().into_iter().map(row).collect()
}
