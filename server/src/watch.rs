//! Keeps [`Now`] up to date, so that no page has to ask the database how far the index is.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Epoch, Network, NetworkId, NetworkKind, Timestamp};
use apogee_filecoin::rpc::{EndpointHealth, Pool};
use apogee_store::{Cursor, EpochRecord, Store, StoreError};
use arc_swap::ArcSwap;

use crate::competitions::{Ground, Held, NoLedger, prizes};
use crate::faucets::FaucetsNow;
use crate::follow::Stopped;
use crate::http::Scope;
use crate::spacemesh::Told;
use crate::web::{CompetitionNow, EndpointNow, Freshness, NetworkNow, Now, PrizesNow, RecountsNow};

/// Epochs behind the clock that are still live: blocks take their time, and a tipset is complete only when the next one names it.
const LIVE_EPOCHS: u32 = 4;

/// Epochs behind the clock from which on the index is stalled when it does not move.
const STALLED_EPOCHS: u32 = 20;

/// How long what is known of faucets is good for.
const FAUCETS: Duration = Duration::from_secs(5);
/// How long what was seen of prizes is shown before it is looked at again: all payments of a competition are read for it.
const PRIZES: Duration = Duration::from_secs(10);

/// How a network is indexed by this process. One without a feed is indexed by another.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    /// From a recording, which has no head that moves.
    Recorded {
        /// Why indexing stopped, once it did.
        stopped: Stopped,
    },
    /// From a node of Spacemesh.
    Layers {
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
    /// How recounts stand of which this process takes care.
    counted: Vec<(NetworkId, Told)>,
    now: Arc<ArcSwap<Now>>,
    /// Held while looking: what was seen later must not be replaced by what was seen before.
    looking: tokio::sync::Mutex<()>,
}

impl Watch {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        feeds: Vec<(NetworkId, Feed)>,
        counted: Vec<(NetworkId, Told)>,
    ) -> Self {
        Self { store, clock, feeds, counted, now: Arc::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Where the newest state is read.
    pub(crate) fn now(&self) -> Arc<ArcSwap<Now>> {
        Arc::clone(&self.now)
    }

    /// Look once.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        let _looking = self.looking.lock().await;
        let before = self.now.load_full();
        let held = self.ledgers(&before).await?;
        let mut networks = Vec::new();
        for network in self.store.networks().await? {
            let known = before.network(network.id.as_str());
            let frozen = frozen(&held, &network.id);
            networks.push(Arc::new(self.network(network, known.map(|known| &**known), frozen).await?));
        }
        let mut competitions = Vec::new();
        for held in held {
            let id = held.competition().founding().map(|founding| &founding.network);
            let network = networks.iter().find(|now| Some(&now.network.id) == id).map(|now| &**now);
            let ground = self.ground(&held, network, &before).await?;
            let prizes = self.prizes(&held, &before).await?;
            competitions.push(Arc::new(CompetitionNow::new(held, ground, network, prizes)));
        }
        let now = self.clock.now();
        let faucets = if now.since(before.faucets.seen) < FAUCETS && !before.faucets.faucets.is_empty() {
            Arc::clone(&before.faucets)
        } else {
            Arc::new(FaucetsNow::read(&*self.store, now).await?)
        };
        self.now.store(Arc::new(Now::new(networks, competitions, faucets)));
        Ok(())
    }

    /// The ledger of every competition; one that does not hold stays as it was known.
    async fn ledgers(&self, before: &Now) -> Result<Vec<Arc<Held>>, StoreError> {
        let mut ledgers = Vec::new();
        for head in self.store.competitions().await? {
            let known = before.competition(&head.competition).map(|now| Arc::clone(&now.held));
            let grown = match &known {
                Some(known) if known.is_at(&head) => Ok(Arc::clone(known)),
                Some(known) => known.grown(&*self.store).await.map(Arc::new),
                None => Held::load(&*self.store, &head.competition).await.map(Arc::new),
            };
            match grown {
                Ok(held) => ledgers.push(held),
                Err(NoLedger::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(error = &error as &dyn Error, "a ledger does not hold");
                    ledgers.extend(known);
                }
            }
        }
        Ok(ledgers)
    }

    /// What a competition stands on: a network as it is shown, or a package.
    async fn ground(
        &self,
        held: &Held,
        network: Option<&NetworkNow>,
        before: &Now,
    ) -> Result<Option<Ground>, StoreError> {
        let known = before.competition(held.id().as_str()).and_then(|now| now.ground.clone());
        if let Some(archive @ Ground::Archive(_)) = known {
            return Ok(Some(archive));
        }
        // A package that no longer opens is a defect of one competition, not of all.
        let ground = match Ground::of(&*self.store, held).await {
            Err(error @ StoreError::Damaged { .. }) => {
                if before.competition(held.id().as_str()).is_none() {
                    tracing::error!(error = &error as &dyn Error, "a package does not open");
                }
                return Ok(None);
            }
            ground => ground?,
        };
        match ground {
            Some(Ground::Index { network: shown, .. }) => {
                let cursor = network.and_then(|network| network.cursor.clone());
                Ok(cursor.map(|cursor| Ground::Index { network: shown, cursor }))
            }
            other => Ok(other),
        }
    }

    /// What the treasury was given to pay; nothing before a payout is approved.
    async fn prizes(&self, held: &Held, before: &Now) -> Result<PrizesNow, StoreError> {
        let competition = held.competition();
        let (Some(founding), Some(_)) = (competition.founding(), competition.payout()) else {
            return Ok(PrizesNow::default());
        };
        let (id, now) = (held.id().as_str(), self.clock.now());
        let known = before.competition(id).map(|now| &now.prizes);
        match known.filter(|known| now.since(known.seen) < PRIZES) {
            Some(known) => Ok(known.clone()),
            None => Ok(PrizesNow::new(now, prizes(&*self.store, &founding.network, id).await?)),
        }
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
            Ok(cursor) if cursor.as_ref().map(|cursor| cursor.digest) != known.indexed => {
                self.look().await.is_ok()
            }
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
                        error = &error as &dyn Error,
                        "the database does not answer; pages stay as they are"
                    );
                }
                Err(_) => {}
            }
        }
    }

    /// A network; `frozen`: the epoch after which nothing of it is shown.
    async fn network(
        &self,
        network: Network,
        known: Option<&NetworkNow>,
        frozen: Option<Epoch>,
    ) -> Result<NetworkNow, StoreError> {
        let indexed = self.store.cursor(&network.id).await?;
        let digest = indexed.as_ref().map(|cursor| cursor.digest);
        let hidden = frozen.filter(|at| indexed.as_ref().is_some_and(|cursor| cursor.epoch > *at));
        let cursor = match (indexed, hidden) {
            (Some(cursor), Some(at)) => self.cut(&network.id, cursor, at).await?,
            (cursor, _) => cursor,
        };
        let same = known.filter(|known| known.cursor == cursor && known.record.is_some());
        let record = match (same, &cursor) {
            (Some(known), _) => known.record.clone(),
            (None, Some(cursor)) => self.store.epoch(&network.id, cursor.epoch).await?,
            (None, None) => None,
        };
        let feed = self.feeds.iter().find(|(id, _)| *id == network.id).map(|(_, feed)| feed);
        let stopped = feed.and_then(|feed| {
            let (Feed::Recorded { stopped } | Feed::Layers { stopped } | Feed::Followed { stopped, .. }) =
                feed;
            (**stopped.load()).clone()
        });
        let recounts = self.recounts(&network, frozen).await?;
        let seen = self.clock.now();
        let freshness = match feed {
            _ if frozen.is_some() => Freshness::Frozen,
            Some(Feed::Recorded { .. }) => Freshness::Recorded,
            _ => freshness(&network, cursor.as_ref(), record.as_ref(), stopped.is_some(), seen),
        };
        let mut endpoints = feed.map(endpoints).unwrap_or_default();
        let mut stopped = stopped;
        if frozen.is_some() {
            // Both tell of later epochs.
            endpoints.iter_mut().for_each(|node| node.head = None);
            stopped = None;
        }
        Ok(NetworkNow::new(network, digest, cursor, record, recounts, freshness, endpoints, stopped, seen))
    }

    /// The recounts of a network. While standings are frozen, those that tell of later layers are not shown.
    async fn recounts(&self, network: &Network, frozen: Option<Epoch>) -> Result<RecountsNow, StoreError> {
        if network.kind != NetworkKind::Spacemesh {
            return Ok(RecountsNow::default());
        }
        let mut kept = self.store.recounts(&network.id).await?;
        let told = self.counted.iter().find(|(id, _)| *id == network.id);
        let mut counting = told.and_then(|(_, told)| (**told.load()).clone());
        if let Some(at) = frozen {
            kept.retain(|recount| recount.last <= at);
            counting = None;
        }
        Ok(RecountsNow { kept, counting, begun_here: told.is_some() })
    }

    /// The cursor as it would be, had indexing ended at an earlier epoch. How many checks there were until then is not kept.
    async fn cut(
        &self,
        network: &NetworkId,
        cursor: Cursor,
        at: Epoch,
    ) -> Result<Option<Cursor>, StoreError> {
        let record = self.store.epoch(network, at).await?;
        Ok(record.map(|record| Cursor {
            epoch: at,
            key: record.key,
            digest: record.digest,
            final_epoch: cursor.final_epoch.map(|last| last.min(at)),
            views: cursor.views,
            checks: Vec::new(),
        }))
    }
}

/// The epoch after which nothing of a network is shown, where standings on it are frozen.
fn frozen(held: &[Arc<Held>], network: &NetworkId) -> Option<Epoch> {
    let here = |held: &&Arc<Held>| {
        held.competition().founding().is_some_and(|founding| founding.network == *network)
    };
    held.iter().filter(here).filter_map(|held| held.competition().frozen()).map(|pin| pin.at).min()
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
