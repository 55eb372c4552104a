//! Indexing beside serving: a copy of a node's database is looked at whenever it is replaced, a node's gateway again and again.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Network, NetworkId};
use apogee_spacemesh_gateway::{GatewayError, InvalidEndpoint};
use apogee_spacemesh_index::source::Source;
use apogee_spacemesh_index::{Ballots, CopySource, GatewaySource, IndexError, Indexer, Params};
use apogee_spacemesh_state::{Limits, OpenError};
use apogee_store::{Cursor, Recount, Store};
use tokio::sync::watch;

use super::recounts::{Head, Keeper, Seen, Turn, seen};
use super::{Described, Node, NotDescribed, Recounted};
use crate::cli::chain_of;
use crate::config;
use crate::follow::Stopped;

/// Seconds between two looks where nothing else is said.
const POLL_SECONDS: u16 = 15;

/// Why a network's settings cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFollowed {
    #[error(transparent)]
    Described(#[from] NotDescribed),
    #[error("networks.{0}: a network of Spacemesh needs a copy of a node's database, or a node's gateway")]
    NoSource(NetworkId),
    #[error("networks.{network}: gateway")]
    Endpoint {
        network: NetworkId,
        #[source]
        cause: InvalidEndpoint,
    },
    #[error("networks.{network}: gateway")]
    Gateway {
        network: NetworkId,
        #[source]
        cause: GatewayError,
    },
}

/// Why layers were not indexed.
#[derive(Debug, thiserror::Error)]
enum NotIndexed {
    #[error(transparent)]
    Described(#[from] NotDescribed),
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl NotIndexed {
    /// Whether trying again may help.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Described(NotDescribed::Store(_)) => true,
            Self::Described(_) => false,
            Self::Index(error) => error.may_pass(),
        }
    }
}

/// A network of the settings.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    network: Network,
    described: Described,
    params: Params,
    place: Place,
    poll: Duration,
    /// The file that says what it is.
    file: PathBuf,
    recount: Option<config::Recount>,
}

/// Where its layers come from.
#[derive(Clone, Debug)]
enum Place {
    /// A file, which may be replaced.
    Copy(PathBuf),
    /// A node.
    Gateway(Arc<GatewaySource>),
}

impl Followed {
    /// That of some settings; `None` where they are of another kind.
    pub(crate) fn of(id: &NetworkId, settings: &config::Network) -> Result<Option<Self>, NotFollowed> {
        let Some(file) = &settings.spacemesh else { return Ok(None) };
        let described = Described::read(file)?;
        let place = match (&settings.copy, Node::of(id, settings)?) {
            (Some(copy), _) => Place::Copy(copy.clone()),
            (None, node) => {
                let node = node.ok_or_else(|| NotFollowed::NoSource(id.clone()))?;
                Place::Gateway(Arc::new(GatewaySource::new(node.gateway().clone())))
            }
        };
        Ok(Some(Self {
            network: described.network(id.clone()),
            params: described.params(),
            place,
            described,
            file: file.clone(),
            recount: settings.recount.clone(),
            poll: Duration::from_secs(settings.poll_seconds.unwrap_or(POLL_SECONDS).max(1).into()),
        }))
    }

    /// Whether it has a head that moves.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.place, Place::Gateway(_))
    }

    pub(crate) const fn id(&self) -> &NetworkId {
        &self.network.id
    }

    /// Who sees to its recounts; `None` where nobody does by themselves. `beside`: the file of the database, if it is one.
    pub(crate) fn keeper(
        &self,
        beside: Option<&Path>,
        (store, clock, turn): (&Arc<dyn Store>, &Arc<dyn Clock>, &Turn),
    ) -> io::Result<Option<Keeper>> {
        let Place::Copy(_) = self.place else { return Ok(None) };
        let what = (&self.described, &*self.file);
        let with = (Arc::clone(store), Arc::clone(clock), Arc::clone(turn));
        Keeper::of(self.id(), what, self.recount.as_ref(), beside, with)
    }

    /// Index until `end` says so. What cannot pass by itself is said, here and on the pages, and tried again once there is another copy. `heads` is told of
    /// each copy that is indexed.
    pub(crate) async fn follow(
        self,
        store: Arc<dyn Store>,
        stopped: Stopped,
        heads: watch::Sender<Option<Head>>,
        mut end: watch::Receiver<bool>,
    ) {
        let mut before: Option<(Seen, Vec<Recount>)> = None;
        loop {
            // A recount may be applied without another copy.
            let recounts = match self.described.is_recounted() {
                true => store.recounts(self.id()).await.unwrap_or_default(),
                false => Vec::new(),
            };
            let seen = self.seen().map(|seen| (seen, recounts));
            if seen.is_none() || seen != before {
                let done = tokio::select! {
                    done = self.index(&store) => done,
                    _ = end.wait_for(|end| *end) => return,
                };
                match done {
                    Ok(cursor) => {
                        stopped.store(Arc::new(None));
                        if let (Place::Copy(copy), Some((seen, _))) = (&self.place, &seen) {
                            let (copy, seen) = (copy.clone(), *seen);
                            heads.send_replace(Some(Head { copy, seen, layer: cursor.epoch }));
                        }
                        before = seen;
                    }
                    Err(error) => {
                        before = if error.may_pass() { None } else { seen };
                        let said = Some(chain_of(&error));
                        if **stopped.load() != said {
                            let (network, error) = (self.network.id.as_str(), &error as &dyn Error);
                            tracing::error!(network.id = network, error, "its layers are not indexed");
                        }
                        stopped.store(Arc::new(said));
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.poll) => {}
                _ = end.wait_for(|end| *end) => return,
            }
        }
    }

    fn seen(&self) -> Option<Seen> {
        let Place::Copy(copy) = &self.place else { return None };
        seen(copy)
    }

    async fn index(&self, store: &Arc<dyn Store>) -> Result<Cursor, NotIndexed> {
        self.described.same(&**store, self.id()).await?;
        let params = self.params;
        let mut source: Arc<dyn Source> = match &self.place {
            Place::Gateway(gateway) => Arc::clone(gateway) as Arc<dyn Source>,
            Place::Copy(path) => {
                let path = path.clone();
                let opened = move || CopySource::open(&path, &params, Limits::default(), Ballots::Checked);
                let opened: Result<CopySource, OpenError> =
                    tokio::task::spawn_blocking(opened).await.map_err(IndexError::Worker)?;
                Arc::new(opened.map_err(IndexError::from)?)
            }
        };
        if self.described.is_recounted() {
            source = Arc::new(Recounted::new(source, Arc::clone(store), self.network.id.clone()));
        }
        Ok(Indexer::new(Arc::clone(store), source, self.network.clone(), params)?.reach_head().await?)
    }
}
